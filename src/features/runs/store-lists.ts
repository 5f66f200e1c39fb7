import { and, asc, desc, eq, lt, type SQL, sql } from "drizzle-orm";
import type { ReadTx } from "../../kernel/db/database.ts";
import { readRows } from "../../kernel/db/reads.ts";
import type { RunStatus } from "../../protocol/runs.ts";
import type { RunRow } from "./row.ts";
import { runs } from "./tables.ts";

export interface RunFilter {
  agent?: string | undefined;
  parent?: string | undefined;
  requester?: string | undefined;
  status?: RunStatus | undefined;
  sessionKey?: string | undefined;
  sessionId?: string | undefined;
  message?: number | undefined;
  thread?: number | undefined;
  project?: string | undefined;
  tag?: string | undefined;
  person?: string | undefined;
}

const MAX_VISITED = 20_000;

/** Lists of runs: asked for by people and programs now and then, so nothing here is prepared. */
export const runLists = {
  /** Newest first, among the next 20,000; `reached` is where looking ended, null at the end. */
  async page(on: ReadTx, filter: RunFilter, before: number | undefined, limit: number) {
    const { indexed, others } = conditions(filter);
    const range = and(...indexed, ...(before === undefined ? [] : [lt(runs.number, before)]));
    const newest = on.db.select({ number: runs.number }).from(runs).where(range).orderBy(desc(runs.number));
    const some = newest.limit(MAX_VISITED).as("some");
    const rows: RunRow[] = on.db
      .select()
      .from(runs)
      .where(and(sql`${runs.number} in (select number from ${some})`, ...others))
      .orderBy(desc(runs.number))
      .limit(limit)
      .all();
    if (rows.length === limit) return { rows, reached: rows.at(-1)?.number ?? null };
    const last = on.db
      .select({ number: runs.number })
      .from(runs)
      .where(range)
      .orderBy(desc(runs.number))
      .limit(1)
      .offset(MAX_VISITED - 1)
      .get();
    return { rows, reached: last?.number ?? null };
  },

  /** Runs of a tree, oldest first. */
  treeOf: async (on: ReadTx, rootRunId: string, limit: number): Promise<RunRow[]> =>
    on.db.select().from(runs).where(eq(runs.rootRunId, rootRunId)).orderBy(asc(runs.number)).limit(limit).all(),
  /** Live runs of a tree, oldest first. */
  liveTreeOf: async (on: ReadTx, rootRunId: string, limit: number): Promise<RunRow[]> =>
    readRows(on, runs, and(eq(runs.rootRunId, rootRunId), sql`status <> 'ended'`), {
      orderBy: asc(runs.number),
      limit,
    }),
};

/** Conditions by what an index serves, and the others. */
function conditions(filter: RunFilter): { indexed: SQL[]; others: SQL[] } {
  const indexed: SQL[] = [];
  const others: SQL[] = [];
  const { message, thread, parent, requester, agent, status, sessionKey, sessionId, project, tag, person } = filter;
  if (message !== undefined) indexed.push(sql`message_id is not null and ${runs.messageId} = ${message}`);
  if (thread !== undefined) indexed.push(sql`thread_id is not null and ${runs.threadId} = ${thread}`);
  if (parent !== undefined) indexed.push(sql`parent_id is not null and ${runs.parentId} = ${parent}`);
  if (requester !== undefined) indexed.push(sql`requester is not null and ${runs.requester} = ${requester}`);
  if (agent !== undefined) indexed.push(sql`${runs.agentId} = ${agent}`);
  if (status !== undefined) {
    if (status !== "ended") indexed.push(sql`status <> 'ended'`);
    (status === "ended" ? others : indexed).push(sql`${runs.status} = ${status}`);
  }
  if (sessionKey !== undefined) others.push(sql`${runs.sessionKey} = ${sessionKey}`);
  if (sessionId !== undefined) others.push(sql`${runs.sessionId} = ${sessionId}`);
  if (project !== undefined) others.push(sql`${runs.project} = ${project}`);
  if (person !== undefined) others.push(sql`${runs.person} = ${person}`);
  if (tag !== undefined) others.push(sql`exists (select 1 from json_each(${runs.tags}) where value = ${tag})`);
  return { indexed, others };
}

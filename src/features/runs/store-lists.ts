import { and, asc, count, desc, eq, lt, type SQL, type SQLWrapper, sql } from "drizzle-orm";
import type { ReadTx } from "../../kernel/db/database.ts";
import { inIds } from "../../kernel/db/lists.ts";
import { readRows } from "../../kernel/db/reads.ts";
import { pick } from "../../kernel/db/statements.ts";
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
const FILTERED = pick(runs, "number", "status", "sessionKey", "project", "person", "tags");

/** Lists of runs: asked for by people and programs now and then, so nothing here is prepared. */
export const runLists = {
  /** Newest first, among the next 20,000; `reached` is where looking ended, null at the end. */
  async page(on: ReadTx, filter: RunFilter, before: number | undefined, limit: number) {
    const range = and(...indexed(filter), ...(before === undefined ? [] : [lt(runs.number, before)]));
    const some = on.db
      .select(FILTERED)
      .from(runs)
      .where(range)
      .orderBy(desc(runs.number))
      .limit(MAX_VISITED)
      .as("some");
    const numbers = on.db
      .select({ number: some.number })
      .from(some)
      .where(and(...others(some, filter)))
      .orderBy(desc(some.number))
      .limit(limit)
      .all();
    // Sorted here: an order in the statement would tempt SQLite to walk all runs in it.
    const of = inIds(
      runs.number,
      numbers.map(({ number }) => number),
    );
    const rows = readRows(on, runs, of).sort((one, other) => other.number - one.number);
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

  /** Runs of a session whose turn goes on. */
  runningIn: async (on: ReadTx, sessionId: string, limit: number): Promise<RunRow[]> =>
    readRows(
      on,
      runs,
      and(eq(runs.sessionId, sessionId), sql`session_id is not null`, sql`status in ('running', 'stopping')`),
      { orderBy: asc(runs.number), limit },
    ),
  /** Runs of a tree, oldest first. */
  treeOf: async (on: ReadTx, rootRunId: string, limit: number): Promise<RunRow[]> =>
    on.db.select().from(runs).where(eq(runs.rootRunId, rootRunId)).orderBy(asc(runs.number)).limit(limit).all(),
  /** Live runs in each of these threads, where there are some. By the index of live runs, which are few. */
  liveInThreads: async (on: ReadTx, threadIds: readonly number[]): Promise<Map<number, number>> =>
    new Map(
      on.db
        .select({ threadId: sql<number>`${runs.threadId}`, live: count() })
        .from(runs)
        .where(and(sql`status <> 'ended'`, inIds(sql`+${runs.threadId}`, threadIds)))
        .groupBy(sql`+${runs.threadId}`)
        .all()
        .map(({ threadId, live }) => [threadId, live]),
    ),
  /** Live runs of a tree, oldest first. */
  liveTreeOf: async (on: ReadTx, rootRunId: string, limit: number): Promise<RunRow[]> =>
    readRows(on, runs, and(eq(runs.rootRunId, rootRunId), sql`status <> 'ended'`), {
      orderBy: asc(runs.number),
      limit,
    }),
};

/** Conditions that an index serves. */
function indexed({ message, thread, parent, requester, agent, status, sessionId }: RunFilter): SQL[] {
  const where: SQL[] = [];
  if (sessionId !== undefined) where.push(sql`session_id is not null and ${runs.sessionId} = ${sessionId}`);
  if (message !== undefined) where.push(sql`message_id is not null and ${runs.messageId} = ${message}`);
  if (thread !== undefined) where.push(sql`thread_id is not null and ${runs.threadId} = ${thread}`);
  if (parent !== undefined) where.push(sql`parent_id is not null and ${runs.parentId} = ${parent}`);
  if (requester !== undefined) where.push(sql`requester is not null and ${askedFrom(requester)}`);
  if (agent !== undefined) where.push(sql`${runs.agentId} = ${agent}`);
  if (status !== undefined && status !== "ended") where.push(sql`status <> 'ended' and ${runs.status} = ${status}`);
  return where;
}

type Filtered = Record<keyof typeof FILTERED, SQLWrapper>;

function others(row: Filtered, { status, sessionKey, project, person, tag }: RunFilter): SQL[] {
  const where: SQL[] = [];
  if (status !== undefined) where.push(sql`${row.status} = ${status}`);
  if (sessionKey !== undefined) where.push(sql`${row.sessionKey} = ${sessionKey}`);
  if (project !== undefined) where.push(sql`${row.project} = ${project}`);
  if (person !== undefined) where.push(sql`${row.person} = ${person}`);
  if (tag !== undefined) where.push(sql`exists (select 1 from json_each(${row.tags}) where value = ${tag})`);
  return where;
}

/** A chat without a thread also means its threads: these have its name, a slash, and theirs. A zero is one more than a slash. */
const askedFrom = (requester: string): SQL =>
  requester.includes("/")
    ? sql`(${runs.requester} = ${requester}
        or (${runs.requester} > ${`${requester}/`} and ${runs.requester} < ${`${requester}0`}))`
    : sql`${runs.requester} = ${requester}`;

import { and, asc, count, desc, eq, lt, type SQL, type SQLWrapper, sql } from "drizzle-orm";
import type { FacetFilter } from "../../core/facets/filter.ts";
import type { ReadTx } from "../../kernel/db/database.ts";
import { inIds } from "../../kernel/db/lists.ts";
import { readRows, readValues } from "../../kernel/db/reads.ts";
import { pick } from "../../kernel/db/statements.ts";
import type { RunStatus } from "../../protocol/runs.ts";
import type { RunRow } from "./row.ts";
import { runs } from "./tables.ts";

export interface RunFilter extends FacetFilter {
  q?: string | undefined;
  agent?: string | undefined;
  parent?: string | undefined;
  requester?: string | undefined;
  status?: RunStatus | undefined;
  sessionKey?: string | undefined;
  sessionId?: string | undefined;
  message?: number | undefined;
  thread?: number | undefined;
  person?: string | undefined;
}

const MAX_VISITED = 20_000;
/** Runs whose task is looked into: those are large. */
const MAX_READ = 2000;
/** Characters of a task that are looked into. */
const BEGINNING = 500;
const WORDS = sql`coalesce(${runs.label}, '') || char(10) || substr(${runs.task}, 1, ${sql.raw(String(BEGINNING))})`;
const FILTERED = pick(runs, "number", "status", "sessionKey", "person");

/** Numbers of runs to look among, newest first, and where looking for them ended. */
interface Found {
  numbers: readonly number[];
  reached: number | null;
}

/** Lists of runs: asked for by people and programs now and then, so nothing here is prepared. */
export const runLists = {
  /**
   * Newest first, among the next 20,000, or 2,000 by text; `reached` is where looking ended, null at the end. `among`: the
   * runs to look among.
   */
  async page(on: ReadTx, filter: RunFilter, before: number | undefined, limit: number, among?: Found) {
    const most = filter.q === undefined ? MAX_VISITED : MAX_READ;
    const range = and(
      ...indexed(filter),
      ...(before === undefined ? [] : [lt(runs.number, before)]),
      ...(among ? [inIds(runs.number, among.numbers)] : []),
    );
    const some = on.db
      .select(filteredOf(filter))
      .from(runs)
      .where(range)
      .orderBy(desc(runs.number))
      .limit(most)
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
      .offset(most - 1)
      .get();
    return { rows, reached: last?.number ?? among?.reached ?? null };
  },

  /** Runs at work outside of sessions, in each project. */
  countAlone: async (on: ReadTx) =>
    on.db.all<{ project: string; live: number }>(sql`
      select project, count(*) as live from runs
      where status <> 'ended' and status in ('running', 'waiting', 'stopping') and session_id is null and project is not null
      group by +project`),
  /** Agents of these runs. */
  agentsOf: async (on: ReadTx, numbers: readonly number[]): Promise<string[]> => [
    ...new Set(readValues(on, runs.agentId, inIds(runs.number, numbers))),
  ],
  /** Runs of a session whose turn goes on. */
  runningIn: async (on: ReadTx, sessionId: string, limit: number): Promise<RunRow[]> =>
    readRows(
      on,
      runs,
      and(eq(runs.sessionId, sessionId), sql`session_id is not null`, sql`status in ('running', 'stopping')`),
      { orderBy: asc(runs.number), limit },
    ),
  /** Whether an agent has begun a turn, by its newest runs. */
  hasBegun: async (on: ReadTx, agentId: string): Promise<boolean> =>
    on.db.get(sql`
      select 1 from (select id from runs where agent_id = ${agentId} order by number desc limit 20) own
      join run_turns t on t.run_id = own.id where t.started_at is not null limit 1`) !== undefined,
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

/** Beginnings of tasks are read where text is looked for alone. */
const filteredOf = ({ q }: RunFilter) => ({ ...FILTERED, words: (q === undefined ? sql`''` : WORDS).as("words") });

type Filtered = Record<keyof typeof FILTERED | "words", SQLWrapper>;

function others(row: Filtered, { status, sessionKey, person, q }: RunFilter): SQL[] {
  const where: SQL[] = [];
  if (status !== undefined) where.push(sql`${row.status} = ${status}`);
  if (sessionKey !== undefined) where.push(sql`${row.sessionKey} = ${sessionKey}`);
  if (person !== undefined) where.push(sql`${row.person} = ${person}`);
  if (q !== undefined) where.push(sql`instr(lower(${row.words}), ${q.toLowerCase()}) > 0`);
  return where;
}

/** A chat without a thread also means its threads: these have its name, a slash, and theirs. A zero is one more than a slash. */
const askedFrom = (requester: string): SQL =>
  requester.includes("/")
    ? sql`(${runs.requester} = ${requester}
        or (${runs.requester} > ${`${requester}/`} and ${runs.requester} < ${`${requester}0`}))`
    : sql`${runs.requester} = ${requester}`;

import { and, asc, desc, eq, gt, lt, type SQL, sql } from "drizzle-orm";
import { facets } from "../../core/facets/tables.ts";
import type { ReadTx, Tx } from "../../kernel/db/database.ts";
import { inIds } from "../../kernel/db/lists.ts";
import { readRows, readValues } from "../../kernel/db/reads.ts";
import type { SessionLane, SessionState } from "../../protocol/sessions.ts";
import type { SessionRow } from "./row.ts";
import { sessions } from "./tables.ts";

export interface SessionFilter {
  agent?: string | undefined;
  orchestrator?: string | undefined;
  state?: SessionState | undefined;
  lane?: SessionLane | undefined;
  live?: "true" | "false" | undefined;
}

/** Times in ms; `to` is not in it. */
export interface Span {
  from: number;
  to: number;
}

/** In the words of the partial indexes. */
const isLive = sql`ended_at is null`;
const MAX_VISITED = 20_000;
const newest = sql`number in (select number from sessions order by number desc limit ${sql.raw(String(MAX_VISITED))})`;

/** Sessions change some times a minute each: nothing here is prepared. */
export const sessionStore = {
  byId: async (on: ReadTx, id: string): Promise<SessionRow | undefined> =>
    on.db.select().from(sessions).where(eq(sessions.id, id)).get(),
  byNativeId: async (on: ReadTx, { provider, home, nativeId }: NativeId): Promise<SessionRow | undefined> =>
    nativeId === null
      ? undefined
      : readRows(
          on,
          sessions,
          and(
            eq(sessions.provider, provider),
            eq(sessions.home, home),
            eq(sessions.nativeId, nativeId),
            sql`native_id is not null`,
          ),
        )[0],
  add: async (tx: Tx, row: Omit<SessionRow, "number">): Promise<SessionRow> =>
    tx.db.insert(sessions).values(row).returning().get(),
  /** Stores the begin of the state that it shows. */
  setSince: (tx: Tx, { number }: SessionRow, since: number): void => {
    tx.db.update(sessions).set({ since }).where(eq(sessions.number, number)).run();
  },
  save: async (tx: Tx, row: SessionRow): Promise<void> => {
    tx.db.update(sessions).set(row).where(eq(sessions.number, row.number)).run();
  },
  /** Live ones of an agent, oldest first. */
  liveOf: async (on: ReadTx, agentId: string, limit: number): Promise<SessionRow[]> =>
    readRows(on, sessions, and(eq(sessions.agentId, agentId), isLive), { orderBy: asc(sessions.number), limit }),
  /** Live ones of an orchestrator, oldest first. */
  liveUnder: async (on: ReadTx, orchestratorId: string, limit: number): Promise<SessionRow[]> =>
    readRows(on, sessions, and(eq(sessions.orchestratorId, orchestratorId), isLive), {
      orderBy: asc(sessions.number),
      limit,
    }),
  /** Live ones after a number, oldest first. */
  live: async (on: ReadTx, after: number, limit: number): Promise<SessionRow[]> =>
    readRows(on, sessions, and(isLive, gt(sessions.number, after)), { orderBy: asc(sessions.number), limit }),
  /** Live ones of an account, oldest first. */
  onAccount: async (on: ReadTx, provider: string, account: string, limit: number): Promise<SessionRow[]> =>
    readRows(on, sessions, and(eq(sessions.provider, provider), eq(sessions.account, account), isLive), {
      orderBy: asc(sessions.number),
      limit,
    }),
  /** Live ones that are stuck, of one project where it is named. The signs keep the planner on the index of live ones. */
  stuck: async (on: ReadTx, limit: number, project?: string): Promise<SessionRow[]> => {
    const isIn = project === undefined ? undefined : sql`+${sessions.project} = ${project}`;
    const where = and(isLive, sql`state = 'stuck'`, isIn);
    return readRows(on, sessions, where, { orderBy: asc(sql`+${sessions.number}`), limit });
  },
  /** Orchestrators among these with live sessions: how many, and the last that was heard of them. */
  awayBy: async (on: ReadTx, away: readonly string[]) =>
    on.db.all<{ orchestratorId: string; live: number; since: number }>(sql`
      select orchestrator_id as orchestratorId, count(*) as live, max(coalesce(last_event_at, started_at)) as since
      from sessions where ended_at is null and ${inIds(sessions.orchestratorId, away)} group by orchestrator_id`),
  /** Live ones of a project, each agent and orchestrator once. */
  liveIn: async (on: ReadTx, project: string) =>
    on.db.all<{ agentId: string; orchestratorId: string }>(sql`
      select distinct agent_id as agentId, orchestrator_id as orchestratorId from sessions
      where ended_at is null and project is not null and project = ${project}`),
  /** Number of live ones in each project. */
  countLive: async (on: ReadTx) =>
    on.db.all<{ project: string; live: number }>(sql`
      select project, count(*) as live from sessions where ended_at is null and project is not null group by project`),
  /** Whether an orchestrator has ever reported one. */
  hasAny: async (on: ReadTx, orchestratorId: string): Promise<boolean> =>
    readValues(on, sessions.number, eq(sessions.orchestratorId, orchestratorId), { limit: 1 }).length > 0,

  /**
   * Newest first; by state among the newest 20,000. `away`: ids of the orchestrators that are not heard of. `among`: numbers of
   * the sessions to look among.
   */
  page: async (
    on: ReadTx,
    filter: SessionFilter,
    away: readonly string[],
    before: string | undefined,
    limit: number,
    among?: readonly number[],
  ) => {
    const { agent, orchestrator, state, lane, live } = filter;
    const where: (SQL | undefined)[] = [
      agent === undefined ? undefined : eq(sessions.agentId, agent),
      orchestrator === undefined ? undefined : eq(sessions.orchestratorId, orchestrator),
      state === undefined ? undefined : inState(state, away),
      lane === undefined ? undefined : eq(sessions.lane, lane),
      among && inIds(sessions.number, among),
      live === undefined ? undefined : live === "true" ? isLive : sql`ended_at is not null`,
      before === undefined ? undefined : sql`number < (select number from sessions where id = ${before})`,
      agent === undefined && orchestrator === undefined && !among ? newest : undefined,
    ];
    return readRows(on, sessions, and(...where), { orderBy: desc(sessions.number), limit });
  },

  /** Of a time: live ones, and of those that ended in it or later the last 20,000, both or either, newest first. `among`: numbers of the sessions to look among. */
  liveSince: (
    on: ReadTx,
    { agent, orchestrator, live }: SessionFilter,
    { from, to }: Span,
    before: string | undefined,
    limit: number,
    among?: readonly number[],
  ): SessionRow[] => {
    const ended = sql`
      select number from sessions where ended_at is not null and ended_at > ${from}
      order by ended_at desc limit ${sql.raw(String(MAX_VISITED))}`;
    const parts = [
      ...(live === "false" ? [] : [sql`select number from sessions where ended_at is null`]),
      ...(live === "true" ? [] : [sql`select number from (${ended})`]),
    ];
    const where = [
      sql`number in (${sql.join(parts, sql` union all `)})`,
      lt(sessions.startedAt, to),
      agent === undefined ? undefined : eq(sessions.agentId, agent),
      orchestrator === undefined ? undefined : eq(sessions.orchestratorId, orchestrator),
      among && inIds(sessions.number, among),
      before === undefined ? undefined : sql`number < (select number from sessions where id = ${before})`,
    ];
    return readRows(on, sessions, and(...where), { orderBy: desc(sessions.number), limit });
  },

  /** Deletes some that ended before a time. Answers their numbers. */
  forget: async (tx: Tx, before: number, limit: number): Promise<number[]> => {
    const old = and(sql`ended_at is not null`, lt(sessions.endedAt, before));
    const numbers = readValues(tx, sessions.number, old, { limit });
    if (numbers.length === 0) return [];
    tx.db.delete(sessions).where(inIds(sessions.number, numbers)).run();
    tx.db
      .delete(facets)
      .where(and(eq(facets.of, "session"), inIds(facets.number, numbers)))
      .run();
    return numbers;
  },
};

type NativeId = Pick<SessionRow, "provider" | "home" | "nativeId">;

/** Condition for a state as it is shown: a live session of an absent orchestrator is away, whatever it was told to be. */
function inState(state: SessionState, away: readonly string[]): SQL | undefined {
  const isAway = inIds(sessions.orchestratorId, away);
  if (state === "away") return and(sql`state <> 'dead'`, isAway);
  return state === "dead" ? sql`state = 'dead'` : and(sql`state = ${state}`, sql`not (${isAway})`);
}

import { and, asc, desc, eq, gt, lt, type SQL, sql } from "drizzle-orm";
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
  project?: string | undefined;
  live?: "true" | "false" | undefined;
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
  /** Live ones that are stuck. */
  stuck: async (on: ReadTx, limit: number): Promise<SessionRow[]> =>
    readRows(on, sessions, and(isLive, sql`state = 'stuck'`), { orderBy: asc(sessions.number), limit }),
  /** Orchestrators among these with live sessions: how many, and the last that was heard of them. */
  awayBy: async (on: ReadTx, away: readonly string[]) =>
    on.db.all<{ orchestratorId: string; live: number; since: number }>(sql`
      select orchestrator_id as orchestratorId, count(*) as live, max(coalesce(last_event_at, started_at)) as since
      from sessions where ended_at is null and ${inIds(sessions.orchestratorId, away)} group by orchestrator_id`),
  /** Whether an orchestrator has ever reported one. */
  hasAny: async (on: ReadTx, orchestratorId: string): Promise<boolean> =>
    readValues(on, sessions.number, eq(sessions.orchestratorId, orchestratorId), { limit: 1 }).length > 0,

  /** Newest first; by state among the newest 20,000. `away`: ids of the orchestrators that are not heard of. */
  page: async (
    on: ReadTx,
    filter: SessionFilter,
    away: readonly string[],
    before: string | undefined,
    limit: number,
  ) => {
    const { agent, orchestrator, state, lane, project, live } = filter;
    const where: (SQL | undefined)[] = [
      agent === undefined ? undefined : eq(sessions.agentId, agent),
      orchestrator === undefined ? undefined : eq(sessions.orchestratorId, orchestrator),
      state === undefined ? undefined : inState(state, away),
      lane === undefined ? undefined : eq(sessions.lane, lane),
      project === undefined ? undefined : eq(sessions.project, project),
      live === undefined ? undefined : live === "true" ? isLive : sql`ended_at is not null`,
      before === undefined ? undefined : sql`number < (select number from sessions where id = ${before})`,
      agent === undefined && orchestrator === undefined ? newest : undefined,
    ];
    return readRows(on, sessions, and(...where), { orderBy: desc(sessions.number), limit });
  },

  /** Deletes some that ended before a time. Answers their number. */
  forget: async (tx: Tx, before: number, limit: number): Promise<number> => {
    const old = and(sql`ended_at is not null`, lt(sessions.endedAt, before));
    const numbers = readValues(tx, sessions.number, old, { limit });
    if (numbers.length > 0) tx.db.delete(sessions).where(inIds(sessions.number, numbers)).run();
    return numbers.length;
  },
};

type NativeId = Pick<SessionRow, "provider" | "home" | "nativeId">;

/** Condition for a state as it is shown: a live session of an absent orchestrator is away, whatever it was told to be. */
function inState(state: SessionState, away: readonly string[]): SQL | undefined {
  const isAway = inIds(sessions.orchestratorId, away);
  if (state === "away") return and(sql`state <> 'dead'`, isAway);
  return state === "dead" ? sql`state = 'dead'` : and(sql`state = ${state}`, sql`not (${isAway})`);
}

import { sql } from "drizzle-orm";
import { index, integer, sqliteTable, text, uniqueIndex } from "drizzle-orm/sqlite-core";
import type { AgentId } from "../../protocol/ids.ts";
import type { Session } from "../../protocol/sessions.ts";
import type { TrackState } from "../../protocol/tracks.ts";

type Stored = Exclude<Session["state"], "away">;

/** Dialogues kept by agent CLIs. `away` is no state of a row: the presence of the orchestrator says it. */
export const sessions = sqliteTable(
  "sessions",
  {
    /** Order of lists. */
    number: integer("number").primaryKey({ autoIncrement: true }),
    id: text("id").notNull(),
    agentId: text("agent_id").$type<AgentId>().notNull(),
    orchestratorId: text("orchestrator_id").notNull(),
    provider: text("provider").notNull(),
    account: text("account"),
    nativeId: text("native_id"),
    name: text("name"),
    lane: text("lane").$type<Session["lane"]>().notNull(),
    place: text("place", { mode: "json" }).$type<NonNullable<Session["place"]>>(),
    cwd: text("cwd"),
    /** Empty when it was never said. */
    home: text("home").notNull(),
    project: text("project"),
    tags: text("tags", { mode: "json" }).$type<string[]>().notNull(),
    model: text("model"),
    state: text("state").$type<Stored>().notNull(),
    reason: text("reason"),
    evidence: text("evidence", { mode: "json" }).$type<Record<string, unknown>>(),
    limitedUntil: integer("limited_until"),
    pid: integer("pid"),
    runId: text("run_id"),
    queued: integer("queued").notNull(),
    /** Its runs that wait for runs they asked for. */
    waits: integer("waits").notNull(),
    usage: text("usage", { mode: "json" }).$type<NonNullable<Session["usage"]>>(),
    links: text("links", { mode: "json" }).$type<Session["links"]>().notNull(),
    seen: text("seen", { mode: "json" }).$type<NonNullable<Session["seen"]>>(),
    /** Number of its newest lease: only rises. */
    fence: integer("fence").notNull(),
    /** End of the lease; null when it was released, or never taken. */
    leaseUntil: integer("lease_until"),
    leaseSeconds: integer("lease_seconds").notNull(),
    startedAt: integer("started_at").notNull(),
    /** Begin of the state that is shown, `away` included. */
    since: integer("since").notNull(),
    lastEventAt: integer("last_event_at"),
    endedAt: integer("ended_at"),
  },
  (t) => [
    uniqueIndex("sessions_by_id").on(t.id),
    uniqueIndex("sessions_by_native_id").on(t.provider, t.home, t.nativeId).where(sql`native_id is not null`),
    index("sessions_of_agent").on(t.agentId, t.number),
    index("sessions_live_of_agent").on(t.agentId, t.number).where(sql`ended_at is null`),
    index("sessions_of_orchestrator").on(t.orchestratorId, t.number),
    index("sessions_live").on(t.orchestratorId, t.number, t.state).where(sql`ended_at is null`),
    index("sessions_live_in_project")
      .on(t.project, t.agentId, t.orchestratorId)
      .where(sql`ended_at is null and project is not null`),
    index("sessions_on_account").on(t.provider, t.account, t.number).where(sql`ended_at is null`),
    index("sessions_ended").on(t.endedAt).where(sql`ended_at is not null`),
  ],
);

/** Changes of the states of sessions, in order of time. Kept for a day. */
export const sessionStates = sqliteTable(
  "session_states",
  {
    id: integer("id").primaryKey({ autoIncrement: true }),
    /** `sessions.number` */
    session: integer("session").notNull(),
    at: integer("at").notNull(),
    state: text("state").$type<TrackState>().notNull(),
    /** State until then: of a new session, and of the oldest change that is kept of many, null. */
    was: text("was").$type<TrackState>(),
  },
  (t) => [index("session_states_of_session").on(t.session, t.at)],
);

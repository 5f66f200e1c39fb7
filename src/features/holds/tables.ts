import { sql } from "drizzle-orm";
import { index, integer, primaryKey, sqliteTable, text } from "drizzle-orm/sqlite-core";
import type { HoldSeen } from "../../protocol/command-results.ts";
import type { HoldScope } from "../../protocol/holds.ts";
import type { AgentId } from "../../protocol/ids.ts";

/** Stops for everything in a scope. */
export const holds = sqliteTable(
  "holds",
  {
    id: text("id").primaryKey(),
    scope: text("scope", { mode: "json" }).$type<HoldScope>().notNull(),
    mode: text("mode").$type<"interrupt" | "kill">().notNull(),
    reason: text("reason").notNull(),
    person: text("person"),
    by: text("by").notNull(),
    createdAt: integer("created_at").notNull(),
    liftedAt: integer("lifted_at"),
    liftedPerson: text("lifted_person"),
  },
  (t) => [
    index("holds_standing").on(t.id).where(sql`lifted_at is null`),
    index("holds_lifted").on(t.liftedAt).where(sql`lifted_at is not null`),
  ],
);

/** Sessions that were live in the scope of a hold, and what their daemons have seen. */
export const holdSessions = sqliteTable(
  "hold_sessions",
  {
    holdId: text("hold_id").notNull(),
    sessionId: text("session_id").notNull(),
    agentId: text("agent_id").$type<AgentId>().notNull(),
    orchestratorId: text("orchestrator_id").notNull(),
    /** Order of the session among all: older ones go on first. */
    number: integer("number").notNull(),
    delegationId: text("delegation_id").notNull(),
    seen: text("seen").$type<HoldSeen>().notNull(),
    detail: text("detail"),
    at: integer("at"),
    /** Its daemon was told to go on. */
    resumed: integer("resumed", { mode: "boolean" }).notNull(),
  },
  (t) => [primaryKey({ columns: [t.holdId, t.sessionId] }), index("hold_sessions_told").on(t.delegationId)],
);

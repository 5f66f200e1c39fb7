import { integer, sqliteTable, text } from "drizzle-orm/sqlite-core";
import type { AgentId } from "../../protocol/ids.ts";

/** Unacknowledged entries that retention took from an agent. */
export const losses = sqliteTable("losses", {
  agentId: text("agent_id").$type<AgentId>().primaryKey(),
  lastId: integer("last_id").notNull(),
  lost: integer("lost").notNull(),
});

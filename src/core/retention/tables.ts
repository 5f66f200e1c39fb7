import { integer, sqliteTable, text } from "drizzle-orm/sqlite-core";

/** What retention took from an agent that had not acknowledged it. */
export const losses = sqliteTable("losses", {
  agentId: text("agent_id").primaryKey(),
  lastId: integer("last_id").notNull(),
  lost: integer("lost").notNull(),
});

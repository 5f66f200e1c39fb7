import { index, integer, sqliteTable, text } from "drizzle-orm/sqlite-core";
import type { AgentId, InstanceId } from "../../protocol/ids.ts";

/** Ranges of entries handed to a connection: every entry in it that was for the agent was offered. */
export const deliveries = sqliteTable(
  "offers",
  {
    id: integer("id").primaryKey(),
    agentId: text("agent_id").$type<AgentId>().notNull(),
    instanceId: text("instance_id").$type<InstanceId>(),
    connection: text("connection").notNull(),
    transport: text("transport")
      .$type<"poll" | "stream" | "socket" | "mcp" | "digest" | "lookup" | "named">()
      .notNull(),
    /** Not included. */
    afterId: integer("after_id").notNull(),
    upToId: integer("up_to_id").notNull(),
    at: integer("at").notNull(),
  },
  (t) => [index("offers_by_agent").on(t.agentId, t.upToId)],
);

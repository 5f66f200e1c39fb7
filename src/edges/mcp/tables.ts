import { index, integer, sqliteTable, text } from "drizzle-orm/sqlite-core";
import type { AgentId } from "../../protocol/ids.ts";

/** Sessions of MCP clients that speak the revision with sessions. Nothing else of a session is kept anywhere. */
export const mcpSessions = sqliteTable(
  "mcp_sessions",
  {
    id: text("id").primaryKey(),
    agentId: text("agent_id").$type<AgentId>().notNull(),
    /** URIs of followed resources. */
    subscriptions: text("subscriptions", { mode: "json" }).$type<string[]>().notNull(),
    createdAt: integer("created_at").notNull(),
  },
  (t) => [index("mcp_sessions_agent").on(t.agentId, t.createdAt)],
);

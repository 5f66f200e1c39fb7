import { index, integer, primaryKey, sqliteTable, text } from "drizzle-orm/sqlite-core";
import type { AgentId } from "../../protocol/ids.ts";

/** Models that agents tell of themselves. */
export const agentModels = sqliteTable(
  "agent_models",
  {
    agentId: text("agent_id").$type<AgentId>().notNull(),
    id: text("id").notNull(),
    /** Place in the list that the agent gave. */
    position: integer("position").notNull(),
    name: text("name").notNull(),
    provider: text("provider"),
    isDefault: integer("is_default", { mode: "boolean" }).notNull(),
    updatedAt: integer("updated_at").notNull(),
  },
  (t) => [primaryKey({ columns: [t.agentId, t.id] }), index("agent_models_by_id").on(t.id, t.agentId)],
);

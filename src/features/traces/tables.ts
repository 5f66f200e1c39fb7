import { index, integer, sqliteTable, text, uniqueIndex } from "drizzle-orm/sqlite-core";
import type { AgentId, MessageId } from "../../protocol/ids.ts";

/** Thoughts and acts of agents about a message. A row never changes, and goes with its message. */
export const traces = sqliteTable(
  "traces",
  {
    id: integer("id").primaryKey({ autoIncrement: true }),
    messageId: integer("message_id").$type<MessageId>().notNull(),
    /** Number among the traces of its message, from 1. */
    number: integer("number").notNull(),
    agentId: text("agent_id").$type<AgentId>().notNull(),
    via: text("via"),
    person: text("person"),
    level: integer("level").$type<2 | 3>().notNull(),
    type: text("type").notNull(),
    createdAt: integer("created_at").notNull(),
    /** Size of this one, and of all of its message's up to here: the newest row says how much a message has. */
    bytes: integer("bytes").notNull(),
    bytesSoFar: integer("bytes_so_far").notNull(),
    /** Content and metadata are encrypted by the clients. */
    opaque: integer("opaque", { mode: "boolean" }).notNull(),
    // Large columns last: a query of the others reads no further pages.
    content: text("content").notNull(),
    /** JSON text, as it goes out. */
    metadata: text("metadata"),
  },
  (t) => [
    uniqueIndex("traces_by_message").on(t.messageId, t.number),
    index("traces_by_agent").on(t.messageId, t.agentId, t.bytes),
  ],
);

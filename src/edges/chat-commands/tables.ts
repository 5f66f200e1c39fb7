import { index, integer, sqliteTable, text } from "drizzle-orm/sqlite-core";
import type { MessageId } from "../../protocol/ids.ts";
import type { Conversation } from "../../protocol/posts.ts";

/** Buttons under answers to commands: one for each act and post. A button acts where it was posted. */
export const chatButtons = sqliteTable(
  "chat_buttons",
  {
    /** `cmd_` and 24 random characters. */
    id: text("id").primaryKey(),
    act: text("act").$type<"detail" | "peek" | "kill" | "dismiss">().notNull(),
    sessionId: text("session_id"),
    conversation: text("conversation", { mode: "json" }).$type<Conversation>().notNull(),
    messageId: integer("message_id").$type<MessageId>().notNull(),
    createdAt: integer("created_at").notNull(),
  },
  (t) => [index("chat_buttons_by_post").on(t.messageId), index("chat_buttons_by_age").on(t.createdAt)],
);

/** Commands to daemons that a chat waits for. */
export const chatOrders = sqliteTable(
  "chat_orders",
  {
    delegationId: text("delegation_id").primaryKey(),
    act: text("act").$type<"peek" | "kill" | "stop" | "clear">().notNull(),
    /** Name of the session, or of the agent, for the answer. */
    name: text("name").notNull(),
    conversation: text("conversation", { mode: "json" }).$type<Conversation>().notNull(),
    createdAt: integer("created_at").notNull(),
  },
  (t) => [index("chat_orders_by_age").on(t.createdAt)],
);

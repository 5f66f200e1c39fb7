import { index, integer, sqliteTable, text } from "drizzle-orm/sqlite-core";
import type { MessageId } from "../../protocol/ids.ts";
import type { Conversation } from "../../protocol/posts.ts";

/** Buttons of approvals in chats: one for each option and post. A button answers where it was posted, while that waits. */
export const approvalButtons = sqliteTable(
  "approval_buttons",
  {
    /** `apr_` and 24 random characters. */
    id: text("id").primaryKey(),
    approvalId: text("approval_id").notNull(),
    option: text("option").notNull(),
    conversation: text("conversation", { mode: "json" }).$type<Conversation>().notNull(),
    messageId: integer("message_id").$type<MessageId>().notNull(),
    createdAt: integer("created_at").notNull(),
  },
  (t) => [index("approval_buttons_by_approval").on(t.approvalId), index("approval_buttons_by_age").on(t.createdAt)],
);

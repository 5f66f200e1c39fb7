import { sql } from "drizzle-orm";
import { index, integer, primaryKey, sqliteTable, text } from "drizzle-orm/sqlite-core";
import type { AgentId, MessageId } from "../../protocol/ids.ts";

/** Attachments. Several may have the same bytes, which are on disk once, by their hash. */
export const files = sqliteTable(
  "files",
  {
    id: text("id").primaryKey(),
    sha256: text("sha256").notNull(),
    name: text("name").notNull(),
    type: text("type").notNull(),
    size: integer("size").notNull(),
    uploadedBy: text("uploaded_by").$type<AgentId>().notNull(),
    createdAt: integer("created_at").notNull(),
    /** Since when no message carries it; null while one does. */
    unusedSince: integer("unused_since"),
  },
  (t) => [
    index("files_by_content").on(t.sha256),
    index("files_unused_of").on(t.uploadedBy).where(sql`unused_since is not null`),
    index("files_unused").on(t.unusedSince).where(sql`unused_since is not null`),
  ],
);

/** Which message carries which file: who may read the one may read the other. */
export const fileUses = sqliteTable(
  "file_uses",
  {
    fileId: text("file_id").notNull(),
    messageId: integer("message_id").$type<MessageId>().notNull(),
  },
  (t) => [primaryKey({ columns: [t.fileId, t.messageId] }), index("file_uses_by_message").on(t.messageId)],
);

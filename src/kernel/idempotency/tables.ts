import { index, integer, primaryKey, sqliteTable, text } from "drizzle-orm/sqlite-core";

/** What was made under which idempotency key. Messages have theirs in their own row. */
export const idempotencyKeys = sqliteTable(
  "idempotency_keys",
  {
    /** In whose name. */
    sender: text("sender").notNull(),
    key: text("key").notNull(),
    operation: text("operation").notNull(),
    /** Hash of what was asked for. */
    fingerprint: text("fingerprint").notNull(),
    /** What it made. */
    subject: text("subject").notNull(),
    createdAt: integer("created_at").notNull(),
  },
  (t) => [primaryKey({ columns: [t.key, t.sender] }), index("idempotency_keys_by_age").on(t.operation, t.createdAt)],
);

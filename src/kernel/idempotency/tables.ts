import { index, integer, primaryKey, sqliteTable, text } from "drizzle-orm/sqlite-core";

/** Objects created under an idempotency key. Messages keep theirs in their own row. */
export const idempotencyKeys = sqliteTable(
  "idempotency_keys",
  {
    /** Sender. */
    sender: text("sender").notNull(),
    key: text("key").notNull(),
    operation: text("operation").notNull(),
    /** Hash of the content. */
    fingerprint: text("fingerprint").notNull(),
    /** Id of the created object. */
    subject: text("subject").notNull(),
    createdAt: integer("created_at").notNull(),
  },
  (t) => [primaryKey({ columns: [t.key, t.sender] }), index("idempotency_keys_by_age").on(t.operation, t.createdAt)],
);

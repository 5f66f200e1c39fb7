import { index, integer, sqliteTable, text, uniqueIndex } from "drizzle-orm/sqlite-core";

/** Steps to take at a time. The write that takes a step removes its row; after a failure the row stays with a later `at`. */
export const due = sqliteTable(
  "due",
  {
    id: integer("id").primaryKey({ autoIncrement: true }),
    kind: text("kind").notNull(),
    /** Key of its subject; one row for each kind and key. */
    key: text("key").notNull(),
    at: integer("at").notNull(),
    tries: integer("tries").notNull(),
    lastError: text("last_error"),
    /** Outside work is running, or was when the relay stopped; `at` is the time to resume it. */
    running: integer("running", { mode: "boolean" }).notNull().default(false),
    data: text("data", { mode: "json" }).$type<Record<string, unknown>>().notNull(),
  },
  (t) => [uniqueIndex("due_by_key").on(t.kind, t.key), index("due_by_time").on(t.at)],
);

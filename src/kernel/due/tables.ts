import { index, integer, sqliteTable, text, uniqueIndex } from "drizzle-orm/sqlite-core";

/** What is to be done at a time. A row goes in the write that does it, or stays with a later `at` after a failure. */
export const due = sqliteTable(
  "due",
  {
    id: integer("id").primaryKey({ autoIncrement: true }),
    kind: text("kind").notNull(),
    /** Names the thing it is about; one row per kind and key. */
    key: text("key").notNull(),
    at: integer("at").notNull(),
    tries: integer("tries").notNull(),
    lastError: text("last_error"),
    /** Work outside the process is under way, or was when the relay stopped: `at` is when it is taken up again. */
    running: integer("running", { mode: "boolean" }).notNull().default(false),
    data: text("data", { mode: "json" }).$type<Record<string, unknown>>().notNull(),
  },
  (t) => [uniqueIndex("due_by_key").on(t.kind, t.key), index("due_by_time").on(t.at)],
);

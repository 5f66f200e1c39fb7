import { index, integer, primaryKey, sqliteTable, text } from "drizzle-orm/sqlite-core";

/** Paths that sessions changed, and branches that they have out, as they last reported them. */
export const sessionTouches = sqliteTable(
  "session_touches",
  {
    repository: text("repository").notNull(),
    /** `path:<path>` or `branch:<name>`. */
    place: text("place").notNull(),
    sessionId: text("session_id").notNull(),
    at: integer("at").notNull(),
  },
  (t) => [primaryKey({ columns: [t.repository, t.place, t.sessionId] }), index("session_touches_by_age").on(t.at)],
);

/** Two live sessions in one place of a repository. */
export const sessionConflicts = sqliteTable(
  "session_conflicts",
  {
    repository: text("repository").notNull(),
    place: text("place").notNull(),
    /** The session that was there before. */
    firstId: text("first_id").notNull(),
    secondId: text("second_id").notNull(),
    at: integer("at").notNull(),
  },
  (t) => [
    primaryKey({ columns: [t.firstId, t.secondId, t.repository, t.place] }),
    index("session_conflicts_by_age").on(t.at),
  ],
);

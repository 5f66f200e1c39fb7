import { index, integer, primaryKey, sqliteTable, text } from "drizzle-orm/sqlite-core";

/** Pull requests and branches that runs link to: `host/owner/name#12`, `host/owner/name@branch`. */
export const pullLinks = sqliteTable(
  "pull_links",
  {
    key: text("key").notNull(),
    runId: text("run_id").notNull(),
    createdAt: integer("created_at").notNull(),
  },
  (t) => [primaryKey({ columns: [t.key, t.runId] }), index("pull_links_by_age").on(t.createdAt)],
);

/** News of pull requests that a place was told: each state once. */
export const pullReplies = sqliteTable(
  "pull_replies",
  {
    pull: text("pull").notNull(),
    place: text("place").notNull(),
    state: text("state").notNull(),
    createdAt: integer("created_at").notNull(),
  },
  (t) => [primaryKey({ columns: [t.pull, t.place, t.state] }), index("pull_replies_by_age").on(t.createdAt)],
);

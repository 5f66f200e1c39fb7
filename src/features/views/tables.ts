import { integer, primaryKey, sqliteTable, text } from "drizzle-orm/sqlite-core";

/** Pages of the console that people keep under a name. */
export const views = sqliteTable(
  "views",
  {
    /** Empty: of nobody in particular, shown to all. */
    person: text("person").notNull(),
    name: text("name").notNull(),
    page: text("page").notNull(),
    search: text("search", { mode: "json" }).$type<Record<string, unknown>>().notNull(),
    updatedAt: integer("updated_at").notNull(),
  },
  (t) => [primaryKey({ columns: [t.person, t.name] })],
);

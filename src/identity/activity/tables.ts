import { index, integer, sqliteTable, text } from "drizzle-orm/sqlite-core";

export const activity = sqliteTable(
  "activity",
  {
    id: integer("id").primaryKey({ autoIncrement: true }),
    at: integer("at").notNull(),
    actor: text("actor").notNull(),
    person: text("person"),
    verb: text("verb").notNull(),
    subject: text("subject").notNull(),
    data: text("data", { mode: "json" }).$type<Record<string, unknown>>().notNull(),
  },
  (t) => [
    index("activity_by_actor").on(t.actor, t.id),
    index("activity_by_subject").on(t.subject, t.id),
    index("activity_by_verb").on(t.verb, t.id),
  ],
);

import { index, integer, sqliteTable, text } from "drizzle-orm/sqlite-core";

/** Notes of people on things that wait: who sees to one, and until when it is hidden. */
export const attentionNotes = sqliteTable(
  "attention_notes",
  {
    /** `<kind>:<what>`, as the list names it. */
    id: text("id").primaryKey(),
    takenBy: text("taken_by"),
    takenAt: integer("taken_at"),
    handedTo: text("handed_to"),
    snoozedUntil: integer("snoozed_until"),
    changedAt: integer("changed_at").notNull(),
  },
  (t) => [index("attention_notes_by_age").on(t.changedAt)],
);

import { index, integer, primaryKey, sqliteTable, text } from "drizzle-orm/sqlite-core";
import type { ParsedPerson, PersonRole, PersonSender, QuietHours } from "../../protocol/people.ts";

/** People who sit at `user`. A deleted one keeps its row: what they did goes on naming them. */
export const people = sqliteTable("people", {
  id: text("id").primaryKey(),
  name: text("name").notNull(),
  role: text("role").$type<PersonRole>().notNull(),
  notify: text("notify", { mode: "json" }).$type<NonNullable<ParsedPerson["notify"]>>().notNull(),
  quietHours: text("quiet_hours", { mode: "json" }).$type<QuietHours>(),
  ladder: text("ladder", { mode: "json" }).$type<string[]>().notNull(),
  createdAt: integer("created_at").notNull(),
  deletedAt: integer("deleted_at"),
});

/** Chat accounts of people; one belongs to one person. */
export const personSenders = sqliteTable(
  "person_senders",
  {
    channelId: text("channel_id").$type<PersonSender["channelId"]>().notNull(),
    senderId: text("sender_id").notNull(),
    personId: text("person_id").notNull(),
  },
  (t) => [primaryKey({ columns: [t.channelId, t.senderId] }), index("person_senders_by_person").on(t.personId)],
);

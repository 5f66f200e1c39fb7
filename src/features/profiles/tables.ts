import { integer, sqliteTable, text } from "drizzle-orm/sqlite-core";
import type { Profile } from "../../protocol/profiles.ts";

/** How agents are started, and what is wanted of them. */
export const profiles = sqliteTable("profiles", {
  name: text("name").primaryKey(),
  body: text("body", { mode: "json" }).$type<Omit<Profile, "name" | "updatedAt">>().notNull(),
  person: text("person"),
  updatedAt: integer("updated_at").notNull(),
});

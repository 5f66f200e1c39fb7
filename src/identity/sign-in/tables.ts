import { index, integer, sqliteTable, text } from "drizzle-orm/sqlite-core";
import type { TokenId } from "../../protocol/ids.ts";
import type { PersonRole } from "../../protocol/people.ts";

/** Links that sign a browser in, until they were used or have expired. */
export const signInLinks = sqliteTable(
  "sign_in_links",
  {
    /** SHA-256 of the code, base64url. */
    hash: text("hash").primaryKey(),
    role: text("role").$type<PersonRole>().notNull(),
    person: text("person"),
    /** How long the sign-in lasts. */
    hours: integer("hours").notNull(),
    createdBy: text("created_by").$type<TokenId>(),
    expiresAt: integer("expires_at").notNull(),
  },
  (t) => [index("sign_in_links_by_end").on(t.expiresAt)],
);

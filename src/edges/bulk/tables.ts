import { sql } from "drizzle-orm";
import { index, integer, sqliteTable, text } from "drizzle-orm/sqlite-core";
import type { Bulk, BulkAction, BulkFilter, BulkState } from "../../protocol/bulk.ts";
import type { TokenId } from "../../protocol/ids.ts";

/** One action on everything that a filter matches, and how far it is. */
export const bulks = sqliteTable(
  "bulks",
  {
    id: text("id").primaryKey(),
    action: text("action").$type<BulkAction>().notNull(),
    filter: text("filter", { mode: "json" }).$type<BulkFilter>().notNull(),
    decision: text("decision").$type<Bulk["decision"]>(),
    state: text("state").$type<BulkState>().notNull(),
    /** Place of the last item that was counted or done. */
    place: integer("place").notNull(),
    /** Place of the newest item at its start. */
    upTo: integer("up_to").notNull(),
    /** End of the log at its start. */
    head: integer("head").notNull(),
    matched: integer("matched").notNull(),
    done: integer("done").notNull(),
    failed: integer("failed").notNull(),
    failures: text("failures", { mode: "json" }).$type<Bulk["failures"]>().notNull(),
    reason: text("reason"),
    /** Token that began it: each step has the rights that it has by then. */
    tokenId: text("token_id").$type<TokenId>().notNull(),
    person: text("person"),
    createdAt: integer("created_at").notNull(),
    endedAt: integer("ended_at"),
  },
  (t) => [
    index("bulks_running").on(t.id).where(sql`ended_at is null`),
    index("bulks_ended").on(t.endedAt).where(sql`ended_at is not null`),
  ],
);

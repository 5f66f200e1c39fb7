import { sql } from "drizzle-orm";
import { index, integer, sqliteTable, text, uniqueIndex } from "drizzle-orm/sqlite-core";
import type { AgentId, MessageId } from "../../protocol/ids.ts";
import type { PairStatus } from "../../protocol/pairs.ts";

const isLive = sql`status in ('pending', 'active')`;

/** Two agents that agreed, or were asked, to work together. */
export const pairs = sqliteTable(
  "pairs",
  {
    id: text("id").primaryKey(),
    requester: text("requester").$type<AgentId>().notNull(),
    target: text("target").$type<AgentId>().notNull(),
    /** Both of them, in order of their ids, with a space between. */
    couple: text("couple").notNull(),
    objective: text("objective"),
    status: text("status").$type<PairStatus>().notNull(),
    threadId: integer("thread_id").$type<MessageId>().notNull(),
    reason: text("reason"),
    endedBy: text("ended_by"),
    /** Persons that accepted it, and rejected or ended it. */
    acceptedPerson: text("accepted_person"),
    endedPerson: text("ended_person"),
    createdAt: integer("created_at").notNull(),
    expiresAt: integer("expires_at").notNull(),
    acceptedAt: integer("accepted_at"),
    endedAt: integer("ended_at"),
  },
  (t) => [
    uniqueIndex("pairs_one_live_per_couple").on(t.couple).where(isLive),
    index("pairs_by_requester").on(t.requester, t.id),
    index("pairs_by_target").on(t.target, t.id),
    index("pairs_ended").on(t.endedAt).where(sql`ended_at is not null`),
  ],
);

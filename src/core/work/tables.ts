import { sql } from "drizzle-orm";
import { index, integer, primaryKey, sqliteTable, text } from "drizzle-orm/sqlite-core";
import type { AgentId, MessageId, Target } from "../../protocol/ids.ts";
import type { MessageKind, WorkState } from "../../protocol/messages.ts";

/** The state of a claimable message. Kept apart from the log so that claiming moves a small row. */
export const work = sqliteTable(
  "work",
  {
    messageId: integer("message_id").$type<MessageId>().primaryKey(),
    target: text("target").$type<Target>().notNull(),
    kind: text("kind").$type<MessageKind>().notNull(),
    /** "" when the message has none. */
    topic: text("topic").notNull(),
    urgent: integer("urgent", { mode: "boolean" }).notNull(),
    state: text("state").$type<WorkState>().notNull(),
    /** Time of the next change by itself: the lease ends, the delay ends, or open work expires. */
    dueAt: integer("due_at"),
    expiresAt: integer("expires_at"),
    maxAttempts: integer("max_attempts").notNull(),
    /** Leases that counted. */
    attempts: integer("attempts").notNull(),
    /** Leases given, ever. It only rises: an older lease's token is never good again. */
    fence: integer("fence").notNull(),
    holder: text("holder").$type<AgentId>(),
    /** Of the lease that goes on, or that its holder completed. */
    claimedAt: integer("claimed_at"),
    /** Whole length of the lease; of delayed work, of its delay. */
    leaseSeconds: integer("lease_seconds"),
    error: text("error"),
    /** Holder that completed it, and its answer. */
    completedBy: text("completed_by").$type<AgentId>(),
    resultId: integer("result_id").$type<MessageId>(),
    /** Persons that cancelled it, and last requeued it. */
    cancelledPerson: text("cancelled_person"),
    requeuedPerson: text("requeued_person"),
    /** When it was last requeued: until then it was dead. */
    requeuedAt: integer("requeued_at"),
    /** When it reached its final state. */
    endedAt: integer("ended_at"),
    /** The newest entry of the log at that moment: messages inside the work up to there are over. */
    endedUpTo: integer("ended_up_to"),
  },
  (t) => [
    index("work_open").on(t.target, sql`urgent desc`, t.messageId).where(sql`state = 'open'`),
    index("work_open_by_topic").on(t.target, t.kind, t.topic, sql`urgent desc`, t.messageId).where(sql`state = 'open'`),
    index("work_delayed").on(t.target, t.messageId).where(sql`state = 'delayed'`),
    index("work_due").on(t.dueAt).where(sql`due_at is not null`),
    index("work_held").on(t.holder, t.messageId).where(sql`state = 'claimed'`),
    index("work_dead").on(t.messageId).where(sql`state = 'dead'`),
  ],
);

/**
 * One lease: its holder, its times, its end. The row of work says all of a lease that goes on, or that its holder completed: it has
 * none here unless it was renewed. Stored in the order of its key, without row ids.
 */
export const attempts = sqliteTable(
  "attempts",
  {
    messageId: integer("message_id").$type<MessageId>().notNull(),
    fence: integer("fence").notNull(),
    agentId: text("agent_id").$type<AgentId>().notNull(),
    person: text("person"),
    attempt: integer("attempt").notNull(),
    claimedAt: integer("claimed_at").notNull(),
    renewedAt: integer("renewed_at"),
    endedAt: integer("ended_at"),
    outcome: text("outcome").$type<"completed" | "released" | "failed" | "expired" | "cancelled">(),
    error: text("error"),
    resultId: integer("result_id").$type<MessageId>(),
  },
  // None by agent: with many workers each claim dirtied a page of it. Who asks for an agent names messages, too.
  (t) => [primaryKey({ columns: [t.messageId, t.fence] })],
);

/** Agents that ever held a lease. */
export const workers = sqliteTable("workers", { agentId: text("agent_id").$type<AgentId>().primaryKey() });

import { sql } from "drizzle-orm";
import { index, integer, primaryKey, sqliteTable, text, uniqueIndex } from "drizzle-orm/sqlite-core";
import type { MessageKind, MessageSource, ParsedDraft, WorkState } from "../../protocol/messages.ts";

/** The log. A row never changes; its id is its place. */
export const messages = sqliteTable(
  "messages",
  {
    id: integer("id").primaryKey({ autoIncrement: true }),
    fromId: text("from_id").notNull(),
    target: text("target").notNull(),
    kind: text("kind").$type<MessageKind>().notNull(),
    /** The kind of author behind it, whatever `from` says. */
    source: text("source").$type<MessageSource>().notNull().default("agent"),
    topic: text("topic"),
    subject: text("subject"),
    body: text("body").notNull(),
    opaque: integer("opaque", { mode: "boolean" }).notNull(),
    /** null: itself. Only replies are in the thread index, so that a root does not pay for it. */
    threadId: integer("thread_id"),
    replyTo: integer("reply_to"),
    causedBy: integer("caused_by"),
    /** null: itself. */
    rootId: integer("root_id"),
    hops: integer("hops").notNull(),
    /** How many messages by agents in a row this one is the last of; 0 where somebody else has a say. */
    streak: integer("streak").notNull().default(0),
    /** The nearest work or request that it is or lies inside, along what it replies to and was caused by. */
    workId: integer("work_id"),
    claimable: integer("claimable", { mode: "boolean" }).notNull(),
    urgent: integer("urgent", { mode: "boolean" }).notNull(),
    /** JSON text, as it goes out: nothing in here is ever looked into, so it is not parsed on the way. */
    route: text("route"),
    payload: text("payload"),
    meta: text("meta"),
    idempotencyKey: text("idempotency_key"),
    /** Hash of what was asked for, when there is a key: the same key with other content is refused. */
    fingerprint: text("fingerprint"),
    via: text("via"),
    expiresAt: integer("expires_at"),
    createdAt: integer("created_at").notNull(),
    /** Members of the target when it was appended. */
    matched: integer("matched").notNull(),
  },
  (t) => [
    // None by sender: each index costs a send a tenth, and the search index knows who sent what (see lists.ts).
    // from_id last: leaving out one's own group messages and finding the newest from somebody needs no row.
    index("messages_by_target").on(t.target, t.id, t.fromId),
    index("messages_by_thread").on(t.threadId, t.id).where(sql`thread_id is not null`),
    // The key first: keys made from the time (UUIDv7, counters) then go to the end of the index, where by sender each would
    // dirty a page of its own: 13 µs instead of 21 µs a message, storage alone.
    uniqueIndex("messages_by_key").on(t.idempotencyKey, t.fromId).where(sql`idempotency_key is not null`),
  ],
);

/** The state of a claimable message. Kept apart from the log so that claiming moves a small row. */
export const work = sqliteTable(
  "work",
  {
    messageId: integer("message_id").primaryKey(),
    target: text("target").notNull(),
    kind: text("kind").$type<MessageKind>().notNull(),
    /** "" when the message has none. */
    topic: text("topic").notNull(),
    urgent: integer("urgent", { mode: "boolean" }).notNull(),
    state: text("state").$type<WorkState>().notNull(),
    /** When something happens by itself: the lease ends, the delay ends, or open work expires. */
    dueAt: integer("due_at"),
    expiresAt: integer("expires_at"),
    maxAttempts: integer("max_attempts").notNull(),
    /** Leases that counted. */
    attempts: integer("attempts").notNull(),
    /** Leases given, ever. It only rises: an older lease's token is never good again. */
    fence: integer("fence").notNull(),
    holder: text("holder"),
    claimedAt: integer("claimed_at"),
    leaseSeconds: integer("lease_seconds"),
    error: text("error"),
    /** When it reached its final state. */
    endedAt: integer("ended_at"),
    /** The newest entry of the log at that moment: what lies inside it up to there is over. */
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

/** One lease: who, when, how it ended. */
export const attempts = sqliteTable(
  "attempts",
  {
    messageId: integer("message_id").notNull(),
    fence: integer("fence").notNull(),
    agentId: text("agent_id").notNull(),
    attempt: integer("attempt").notNull(),
    claimedAt: integer("claimed_at").notNull(),
    renewedAt: integer("renewed_at"),
    endedAt: integer("ended_at"),
    outcome: text("outcome").$type<"completed" | "released" | "failed" | "expired" | "cancelled">(),
    error: text("error"),
    resultId: integer("result_id"),
  },
  (t) => [primaryKey({ columns: [t.messageId, t.fence] }), index("attempts_by_agent").on(t.agentId)],
);

/** Ranges of entries handed to a connection: every entry in it that was for the agent was offered. */
export const offers = sqliteTable(
  "offers",
  {
    id: integer("id").primaryKey(),
    agentId: text("agent_id").notNull(),
    instanceId: text("instance_id"),
    connection: text("connection").notNull(),
    transport: text("transport")
      .$type<"poll" | "stream" | "socket" | "mcp" | "digest" | "lookup" | "named">()
      .notNull(),
    /** Not included. */
    afterId: integer("after_id").notNull(),
    upToId: integer("up_to_id").notNull(),
    at: integer("at").notNull(),
  },
  (t) => [index("offers_by_agent").on(t.agentId, t.upToId)],
);

/** What somebody said it has read. */
export const reads = sqliteTable(
  "reads",
  {
    messageId: integer("message_id").notNull(),
    agentId: text("agent_id").notNull(),
    at: integer("at").notNull(),
  },
  (t) => [primaryKey({ columns: [t.messageId, t.agentId] })],
);

/** Messages to be sent at a time. The row stays after that, for its idempotency key. */
export const scheduled = sqliteTable(
  "scheduled_messages",
  {
    id: text("id").primaryKey(),
    fromId: text("from_id").notNull(),
    draft: text("draft", { mode: "json" }).$type<ParsedDraft>().notNull(),
    via: text("via"),
    deliverAt: integer("deliver_at").notNull(),
    idempotencyKey: text("idempotency_key"),
    fingerprint: text("fingerprint"),
    messageId: integer("message_id"),
    /** Why it was not sent when its time had come. */
    error: text("error"),
    createdAt: integer("created_at").notNull(),
  },
  (t) => [
    uniqueIndex("scheduled_by_key").on(t.fromId, t.idempotencyKey).where(sql`idempotency_key is not null`),
    index("scheduled_by_message").on(t.messageId),
    index("scheduled_failed").on(t.deliverAt).where(sql`error is not null`),
    index("scheduled_unsent").on(t.id).where(sql`message_id is null`),
    index("scheduled_unsent_by_sender").on(t.fromId, t.id).where(sql`message_id is null`),
  ],
);

/** Places in the log that are kept as rows: how far retention has deleted, how far the search index reaches. */
export const marks = sqliteTable("marks", {
  name: text("name").$type<"floor" | "indexed">().primaryKey(),
  position: integer("position").notNull(),
});

/** Messages and files of each agent today. */
export const quotas = sqliteTable("quotas", {
  agentId: text("agent_id").primaryKey(),
  /** Days since 1970, UTC. */
  day: integer("day").notNull(),
  messages: integer("messages").notNull(),
  files: integer("files").notNull(),
});

/** What retention took from an agent that had not acknowledged it. */
export const losses = sqliteTable("losses", {
  agentId: text("agent_id").primaryKey(),
  lastId: integer("last_id").notNull(),
  lost: integer("lost").notNull(),
});

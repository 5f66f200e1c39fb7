import { sql } from "drizzle-orm";
import { index, integer, primaryKey, sqliteTable, text, uniqueIndex } from "drizzle-orm/sqlite-core";
import type { AgentId, MessageId, Target, TokenId } from "../../protocol/ids.ts";
import type { MessageKind, MessageSource, ParsedDraft } from "../../protocol/messages.ts";

/** Wait of a message for a person. */
export interface Waits {
  approvalId: string;
  /** Id of the task, run or schedule whose message it is: that tells of its end by itself. */
  owner?: string | undefined;
  /** Source of its author, when the author's kind does not tell. */
  source?: MessageSource | undefined;
  isRoot?: boolean | undefined;
}

/** The log. A row never changes; its id is its place. */
export const messages = sqliteTable(
  "messages",
  {
    id: integer("id").$type<MessageId>().primaryKey({ autoIncrement: true }),
    fromId: text("from_id").$type<AgentId>().notNull(),
    target: text("target").$type<Target>().notNull(),
    kind: text("kind").$type<MessageKind>().notNull(),
    /** The kind of author behind it, whatever `from` says. */
    source: text("source").$type<MessageSource>().notNull(),
    /** The integration that reported it. */
    integration: text("integration"),
    topic: text("topic"),
    subject: text("subject"),
    body: text("body").notNull(),
    opaque: integer("opaque", { mode: "boolean" }).notNull(),
    /** null: itself. Only replies are in the thread index, so that a root does not pay for it. */
    threadId: integer("thread_id").$type<MessageId>(),
    replyTo: integer("reply_to").$type<MessageId>(),
    causedBy: integer("caused_by").$type<MessageId>(),
    /** null: itself. */
    rootId: integer("root_id").$type<MessageId>(),
    hops: integer("hops").notNull(),
    /** Length of the run of agents' messages that this one ends; 0 after a message by a person. */
    streak: integer("streak").notNull(),
    /** The nearest work or request that it is or lies inside, along what it replies to and was caused by. */
    workId: integer("work_id").$type<MessageId>(),
    claimable: integer("claimable", { mode: "boolean" }).notNull(),
    urgent: integer("urgent", { mode: "boolean" }).notNull(),
    /** JSON text, sent as it is. The relay never reads it, so it is not parsed on the way. */
    route: text("route"),
    payload: text("payload"),
    meta: text("meta"),
    idempotencyKey: text("idempotency_key"),
    /** Hash of the request, when there is a key: the same key with other content is refused. */
    fingerprint: text("fingerprint"),
    via: text("via"),
    /** Person that wrote it at `user`, or with an operator's token. */
    person: text("person"),
    expiresAt: integer("expires_at"),
    createdAt: integer("created_at").notNull(),
    /** Members of the target when it was appended. */
    matched: integer("matched").notNull(),
    /** Of a group: members that it does not start, as JSON. Their orchestrators do not get it for them. */
    withheld: text("withheld"),
  },
  (t) => [
    // None by sender: each index costs a send a tenth, and the search index knows who sent what (see lists.ts).
    // None by target: `entries` follows the log (see by-target.ts). In the write itself it cost a third of a send.
    index("messages_by_thread").on(t.threadId, t.id).where(sql`thread_id is not null`),
    // The key first: keys made from the time (UUIDv7, counters) then go to the end of the index, where by sender each would
    // dirty a page of its own: 13 µs instead of 21 µs a message, storage alone.
    uniqueIndex("messages_by_key").on(t.idempotencyKey, t.fromId).where(sql`idempotency_key is not null`),
  ],
);

/** Read marks of agents. */
export const reads = sqliteTable(
  "reads",
  {
    messageId: integer("message_id").$type<MessageId>().notNull(),
    agentId: text("agent_id").$type<AgentId>().notNull(),
    person: text("person"),
    at: integer("at").notNull(),
  },
  (t) => [primaryKey({ columns: [t.messageId, t.agentId] })],
);

/** Messages to be sent at a time. The row stays after that, for its idempotency key. */
export const scheduled = sqliteTable(
  "scheduled_messages",
  {
    id: text("id").primaryKey(),
    fromId: text("from_id").$type<AgentId>().notNull(),
    draft: text("draft", { mode: "json" }).$type<ParsedDraft>().notNull(),
    /** Target of the draft: the plan is stopped when that agent is deleted. */
    target: text("target").$type<Target>().notNull(),
    via: text("via"),
    person: text("person"),
    /** The token that planned or resumed it: revoking that one pauses it. null while it waits for a person. */
    tokenId: text("token_id").$type<TokenId>(),
    deliverAt: integer("deliver_at").notNull(),
    idempotencyKey: text("idempotency_key"),
    fingerprint: text("fingerprint"),
    messageId: integer("message_id").$type<MessageId>(),
    /** The reason why it was not sent at its time. */
    error: text("error"),
    /** The reason why nothing is sent until its owner resumes it. */
    paused: text("paused"),
    /** Set once a person has to allow it. */
    waits: text("waits", { mode: "json" }).$type<Waits>(),
    createdAt: integer("created_at").notNull(),
  },
  (t) => [
    uniqueIndex("scheduled_by_key").on(t.fromId, t.idempotencyKey).where(sql`idempotency_key is not null`),
    index("scheduled_by_message").on(t.messageId),
    index("scheduled_stopped").on(t.deliverAt).where(sql`error is not null or paused is not null`),
    index("scheduled_by_token").on(t.tokenId).where(sql`message_id is null and token_id is not null`),
    index("scheduled_by_target").on(t.target).where(sql`message_id is null`),
    index("scheduled_unsent").on(t.id).where(sql`message_id is null`),
    index("scheduled_unsent_by_sender").on(t.fromId, t.id).where(sql`message_id is null`),
  ],
);

/** Numbers of the names of targets and senders, for the index by target. */
export const targets = sqliteTable("targets", {
  id: integer("id").primaryKey(),
  name: text("name").notNull().unique(),
});

/** Ids kept as rows: the floor of retention, and the ends of the search index, of the index by target and of threads. */
export const marks = sqliteTable("marks", {
  name: text("name").$type<"floor" | "indexed" | "entries" | "threads">().primaryKey(),
  position: integer("position").notNull(),
});

/** Messages and files of each agent today. */
export const quotas = sqliteTable("quotas", {
  agentId: text("agent_id").$type<AgentId>().primaryKey(),
  /** Days since 1970, UTC. */
  day: integer("day").notNull(),
  messages: integer("messages").notNull(),
  files: integer("files").notNull(),
});

import { sql } from "drizzle-orm";
import { index, integer, primaryKey, sqliteTable, text, uniqueIndex } from "drizzle-orm/sqlite-core";
import type { BindingMode } from "../../protocol/bindings.ts";
import type { AgentId, MessageId, Target } from "../../protocol/ids.ts";

/** Channels, one for each channel agent; made and changed in the agent's own write. */
export const channels = sqliteTable(
  "channels",
  {
    id: text("id").primaryKey(),
    name: text("name").notNull(),
    /** The name in lower case, for comparison. */
    nameKey: text("name_key").notNull(),
    provider: text("provider").notNull(),
    accountId: text("account_id").notNull(),
    transport: text("transport").notNull(),
    direction: text("direction").$type<"inbound" | "outbound" | "bidirectional">().notNull(),
    topics: text("topics", { mode: "json" }).$type<string[]>().notNull(),
    /** Senders that are heard: everyone, or guests. */
    access: text("access").$type<"open" | "listed">().notNull(),
    /** Copy of the agent's `ready`; the list is ordered by it. */
    ready: integer("ready", { mode: "boolean" }).notNull(),
    /** An operator chose it as `@default`. */
    isDefault: integer("is_default", { mode: "boolean" }).notNull(),
    /** An operator has set or deleted a default binding: registering makes none any more. */
    defaultsSet: integer("defaults_set", { mode: "boolean" }).notNull(),
    createdAt: integer("created_at").notNull(),
  },
  (t) => [
    index("channels_by_name").on(t.nameKey),
    index("channels_in_order").on(sql`ready desc`, t.nameKey, t.id),
    index("channels_by_age").on(t.createdAt, t.id),
    index("channels_default").on(t.id).where(sql`is_default = 1`),
  ],
);

/** Targets of conversations. An empty conversation or thread stands for all. */
export const bindings = sqliteTable(
  "channel_bindings",
  {
    id: text("id").primaryKey(),
    channelId: text("channel_id").$type<AgentId>().notNull(),
    conversationId: text("conversation_id").notNull(),
    threadId: text("thread_id").notNull(),
    target: text("target").$type<Target>().notNull(),
    mode: text("mode").$type<BindingMode>().notNull(),
    priority: integer("priority").notNull(),
    fallback: text("fallback"),
    topics: text("topics").$type<"none" | "per-session">().notNull(),
    /** Agents that single messages may be for. */
    also: text("also", { mode: "json" }).$type<string[]>().notNull(),
    origin: text("origin").$type<"registered" | "set">().notNull(),
    createdAt: integer("created_at").notNull(),
    updatedAt: integer("updated_at").notNull(),
    /** Set when its target was deleted: the binding sends nothing there until an operator sets it again. */
    endedAt: integer("ended_at"),
  },
  (t) => [
    uniqueIndex("channel_bindings_by_place").on(t.channelId, t.conversationId, t.threadId, t.target),
    index("channel_bindings_by_target").on(t.target, t.id),
    index("channel_bindings_by_fallback").on(t.fallback).where(sql`fallback is not null`),
  ],
);

/** Chats and senders that a listed channel hears. An empty conversation or sender stands for all. */
export const guests = sqliteTable(
  "channel_guests",
  {
    id: text("id").primaryKey(),
    channelId: text("channel_id").$type<AgentId>().notNull(),
    conversationId: text("conversation_id").notNull(),
    senderId: text("sender_id").notNull(),
    approves: integer("approves", { mode: "boolean" }).notNull(),
    personId: text("person_id"),
    name: text("name"),
    origin: text("origin").$type<"set" | "paired">().notNull(),
    createdAt: integer("created_at").notNull(),
  },
  (t) => [
    uniqueIndex("channel_guests_by_place").on(t.channelId, t.conversationId, t.senderId),
    index("channel_guests_in_order").on(t.channelId, t.id),
  ],
);

/** Codes told to strangers: the last one of each sender. The approval decides. */
export const pairings = sqliteTable(
  "channel_pairings",
  {
    channelId: text("channel_id").$type<AgentId>().notNull(),
    senderId: text("sender_id").notNull(),
    conversationId: text("conversation_id").notNull(),
    name: text("name").notNull(),
    approvalId: text("approval_id").notNull(),
    createdAt: integer("created_at").notNull(),
  },
  (t) => [
    primaryKey({ columns: [t.channelId, t.senderId] }),
    index("channel_pairings_by_approval").on(t.approvalId),
    index("channel_pairings_by_age").on(t.createdAt),
  ],
);

/** Topics that are being made, and the event that each is for. */
export const topics = sqliteTable("channel_topics", {
  /** Post that makes it. */
  messageId: integer("message_id").$type<MessageId>().primaryKey(),
  channelId: text("channel_id").$type<AgentId>().notNull(),
  externalId: text("external_id").notNull(),
});

/** Models that people chose for the sessions of a chat, or of one of its threads. */
export const chatModels = sqliteTable(
  "channel_models",
  {
    channelId: text("channel_id").$type<AgentId>().notNull(),
    conversationId: text("conversation_id").notNull(),
    threadId: text("thread_id").notNull(),
    model: text("model").notNull(),
    person: text("person"),
    at: integer("at").notNull(),
  },
  (t) => [primaryKey({ columns: [t.channelId, t.conversationId, t.threadId] })],
);

/** Moves of conversations, by the platform's event. The current ones are `active`. */
export const moves = sqliteTable(
  "channel_moves",
  {
    channelId: text("channel_id").$type<AgentId>().notNull(),
    externalId: text("external_id").notNull(),
    conversationId: text("conversation_id").notNull(),
    /** The final id: a chain of moves is one step. */
    movedTo: text("moved_to").notNull(),
    active: integer("active", { mode: "boolean" }).notNull(),
    at: integer("at").notNull(),
  },
  (t) => [
    primaryKey({ columns: [t.channelId, t.externalId] }),
    uniqueIndex("channel_moves_from").on(t.channelId, t.conversationId).where(sql`active = 1`),
    index("channel_moves_to").on(t.channelId, t.movedTo).where(sql`active = 1`),
  ],
);

/** Events by the platform's id: the same event twice is one. */
export const channelEvents = sqliteTable(
  "channel_events",
  {
    channelId: text("channel_id").$type<AgentId>().notNull(),
    externalId: text("external_id").notNull(),
    conversationId: text("conversation_id").notNull(),
    threadId: text("thread_id").notNull(),
    messageIds: text("message_ids", { mode: "json" }).$type<number[]>().notNull(),
    lastMessageId: integer("last_message_id").notNull(),
    routed: integer("routed").notNull(),
    unbound: integer("unbound", { mode: "boolean" }).notNull(),
    /** Its sender was no guest when it came. */
    stranger: integer("stranger", { mode: "boolean" }).notNull(),
    at: integer("at").notNull(),
  },
  (t) => [
    primaryKey({ columns: [t.channelId, t.externalId] }),
    index("channel_events_in_order").on(t.channelId, t.lastMessageId),
    index("channel_events_unbound_of").on(t.channelId, t.conversationId, t.lastMessageId).where(sql`unbound = 1`),
    index("channel_events_unbound").on(t.channelId, t.lastMessageId).where(sql`unbound = 1`),
    index("channel_events_strangers_of").on(t.channelId, t.conversationId, t.lastMessageId).where(sql`stranger = 1`),
    index("channel_events_strangers").on(t.channelId, t.lastMessageId).where(sql`stranger = 1`),
    index("channel_events_by_age").on(t.lastMessageId),
  ],
);

/** Outgoing posts. The oldest post of a conversation that has not ended is next. */
export const posts = sqliteTable(
  "channel_posts",
  {
    messageId: integer("message_id").$type<MessageId>().primaryKey(),
    channelId: text("channel_id").$type<AgentId>().notNull(),
    conversationId: text("conversation_id").notNull(),
    threadId: text("thread_id").notNull(),
    ended: integer("ended", { mode: "boolean" }).notNull(),
  },
  (t) => [
    index("channel_posts_waiting").on(t.channelId, t.conversationId, t.threadId, t.messageId).where(sql`ended = 0`),
    index("channel_posts_in_order").on(t.channelId, t.conversationId, t.threadId, t.messageId),
  ],
);

/** Parts of posts. A part without an external id was begun; `mark` recognises it. */
export const parts = sqliteTable(
  "channel_parts",
  {
    messageId: integer("message_id").$type<MessageId>().notNull(),
    part: integer("part").notNull(),
    channelId: text("channel_id").$type<AgentId>().notNull(),
    externalId: text("external_id"),
    mark: text("mark"),
    at: integer("at").notNull(),
  },
  (t) => [
    primaryKey({ columns: [t.messageId, t.part] }),
    index("channel_parts_by_external_id").on(t.channelId, t.externalId).where(sql`external_id is not null`),
  ],
);

/** Channels that the relay itself runs: events and posts are signed POSTs. */
export const webhookChannels = sqliteTable("webhook_channels", {
  channelId: text("channel_id").$type<AgentId>().primaryKey(),
  /** Address of posts; null for none. */
  url: text("url"),
  verify: text("verify").$type<"standard" | "token">().notNull(),
  /** Input of its secret, beside the relay's key. */
  nonce: text("nonce").notNull(),
  createdAt: integer("created_at").notNull(),
  updatedAt: integer("updated_at").notNull(),
});

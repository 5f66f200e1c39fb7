import { sql } from "drizzle-orm";
import { index, integer, primaryKey, sqliteTable, text, uniqueIndex } from "drizzle-orm/sqlite-core";
import type { OutsideAgent } from "../../protocol/a2a.ts";
import type { AgentId, MessageId, TokenId } from "../../protocol/ids.ts";

/** External agents that have an inbox here. */
export const externalAgents = sqliteTable("a2a_agents", {
  agentId: text("agent_id").$type<AgentId>().primaryKey(),
  cardUrl: text("card_url").notNull(),
  /** JSON of the last fetch; null before the first. */
  card: text("card"),
  etag: text("etag"),
  /** Sealed: a copy of the database alone does not give it away. */
  token: text("token"),
  state: text("state").$type<OutsideAgent["state"]>().notNull(),
  error: text("error"),
  /** Failures in a row. */
  failures: integer("failures").notNull(),
  failingSince: integer("failing_since"),
  checkedAt: integer("checked_at"),
  /** Message whose sender was told that it waits. */
  toldOf: integer("told_of"),
  createdAt: integer("created_at").notNull(),
});

/** A message sent to an external agent, with its ids there. */
export const externalCalls = sqliteTable(
  "a2a_calls",
  {
    messageId: integer("message_id").$type<MessageId>().notNull(),
    agentId: text("agent_id").$type<AgentId>().notNull(),
    askerId: text("asker_id").$type<AgentId>().notNull(),
    threadId: integer("thread_id").$type<MessageId>().notNull(),
    delegationId: text("delegation_id"),
    /** Token of the lease. */
    claimToken: text("claim_token"),
    taskId: text("task_id"),
    contextId: text("context_id"),
    /** Message with the newest question of the external agent to the asker. */
    questionId: integer("question_id"),
    /** Key of the state that was passed on last. */
    told: text("told"),
    failures: integer("failures").notNull(),
    startedAt: integer("started_at").notNull(),
    endedAt: integer("ended_at"),
  },
  (t) => [
    primaryKey({ columns: [t.messageId, t.agentId] }),
    index("a2a_calls_by_thread").on(t.agentId, t.threadId, t.messageId),
    index("a2a_calls_by_question").on(t.questionId).where(sql`question_id is not null`),
    index("a2a_calls_by_delegation").on(t.delegationId).where(sql`delegation_id is not null`),
    index("a2a_calls_open").on(t.agentId).where(sql`ended_at is null`),
  ],
);

/** Addresses for push notifications about a task. A row goes with the end of its task. */
export const taskPushes = sqliteTable(
  "a2a_pushes",
  {
    id: text("id").primaryKey(),
    /** The client's name for it; unique for each task. */
    configId: text("config_id").notNull(),
    ownerId: text("owner_id").$type<AgentId>().notNull(),
    delegationId: text("delegation_id").notNull(),
    messageId: integer("message_id").$type<MessageId>().notNull(),
    threadId: integer("thread_id").$type<MessageId>().notNull(),
    url: text("url").notNull(),
    /** Sealed secret that the relay shows to the address. */
    secret: text("secret"),
    scheme: text("scheme"),
    /** Last message that the address was told of; `state` is the last state. */
    upTo: integer("up_to").notNull(),
    state: integer("state").notNull(),
    failures: integer("failures").notNull(),
    createdAt: integer("created_at").notNull(),
    /** Token that set it. Its end pauses the configuration. */
    tokenId: text("token_id").$type<TokenId>(),
    isPaused: integer("is_paused", { mode: "boolean" }).notNull(),
  },
  (t) => [
    uniqueIndex("a2a_pushes_by_name").on(t.messageId, t.configId),
    index("a2a_pushes_by_thread").on(t.threadId),
    index("a2a_pushes_by_owner").on(t.ownerId),
    index("a2a_pushes_by_token").on(t.tokenId),
  ],
);

/** Names that clients gave to contexts; the relay's own names need no row. */
export const taskContexts = sqliteTable(
  "a2a_contexts",
  {
    ownerId: text("owner_id").$type<AgentId>().notNull(),
    contextId: text("context_id").notNull(),
    threadId: integer("thread_id").$type<MessageId>().notNull(),
    /** Client's message that began the context; a repetition begins it again. */
    begunBy: text("begun_by").notNull(),
  },
  (t) => [primaryKey({ columns: [t.ownerId, t.contextId] }), index("a2a_contexts_by_thread").on(t.threadId, t.ownerId)],
);

import { sql } from "drizzle-orm";
import { index, integer, primaryKey, sqliteTable, text } from "drizzle-orm/sqlite-core";
import type { AgentId, MessageId, TokenId } from "../../protocol/ids.ts";
import type { Delivery, Webhook, WebhookEventType, WebhookFilter } from "../../protocol/webhooks.ts";

/** Addresses that get events. Secrets are derived from id and version, never stored. */
export const webhooks = sqliteTable(
  "webhooks",
  {
    id: text("id").primaryKey(),
    /** Owner: the webhook is told of what this agent may read. */
    agentId: text("agent_id").$type<AgentId>().notNull(),
    name: text("name"),
    url: text("url").notNull(),
    events: text("events", { mode: "json" }).$type<WebhookEventType[]>().notNull(),
    filter: text("filter", { mode: "json" }).$type<WebhookFilter>().notNull(),
    status: text("status").$type<Webhook["status"]>().notNull(),
    reason: text("reason"),
    secretVersion: integer("secret_version").notNull(),
    /** Time until which the previous version signs too. */
    previousUntil: integer("previous_until"),
    /** Stored number of pending deliveries, so that none are counted. */
    pending: integer("pending").notNull(),
    dropped: integer("dropped").notNull(),
    /** The owner was told that events are being dropped. */
    isFull: integer("is_full", { mode: "boolean" }).notNull(),
    failures: integer("failures").notNull(),
    failingSince: integer("failing_since"),
    /** Earliest time of the next attempt, after failures or by the address's own word. */
    notBefore: integer("not_before").notNull(),
    /** Time of the last notice about dead letters. */
    toldAt: integer("told_at"),
    createdAt: integer("created_at").notNull(),
    /** Token that chose the url or resumed the webhook. Its revocation pauses the webhook. */
    tokenId: text("token_id").$type<TokenId>(),
  },
  (t) => [index("webhooks_by_agent").on(t.agentId, t.id), index("webhooks_by_token").on(t.tokenId)],
);

/** Event types of each active webhook. */
export const webhookEvents = sqliteTable(
  "webhook_events",
  {
    event: text("event").$type<WebhookEventType>().notNull(),
    webhookId: text("webhook_id").notNull(),
  },
  (t) => [primaryKey({ columns: [t.event, t.webhookId] })],
);

/** One event on its way to one webhook. */
export const webhookDeliveries = sqliteTable(
  "webhook_deliveries",
  {
    id: text("id").primaryKey(),
    webhookId: text("webhook_id").notNull(),
    type: text("type").notNull(),
    messageId: integer("message_id").$type<MessageId>(),
    /** JSON text; null for the message itself, as it was appended. */
    data: text("data"),
    state: text("state").$type<Delivery["state"]>().notNull(),
    attempts: integer("attempts").notNull(),
    lastStatus: integer("last_status"),
    lastError: text("last_error"),
    createdAt: integer("created_at").notNull(),
    nextAt: integer("next_at"),
    endedAt: integer("ended_at"),
  },
  (t) => [
    index("webhook_deliveries_pending").on(t.webhookId, t.nextAt, t.id).where(sql`state = 'pending'`),
    index("webhook_deliveries_by_webhook").on(t.webhookId, t.id),
    index("webhook_deliveries_by_state").on(t.webhookId, t.state, t.id),
    index("webhook_deliveries_ended").on(t.state, t.endedAt).where(sql`ended_at is not null`),
  ],
);

import { z } from "zod";
import { AgentId } from "./agent-ids.ts";
import { at, contracts, gone, made, paged } from "./contract.ts";
import { MessageKind, TargetText, Topic } from "./messages.ts";
import { NAMED, named, object, strictObject, words } from "./shape.ts";
import { int, line, listOf, MessageId, PageQuery, Time } from "./wire.ts";

/** Events of webhooks. Names are never changed, only added. */
export const WEBHOOK_EVENTS = words(
  "message.created work.claimed work.reopened work.done work.dead work.expired work.cancelled task.changed delegation.changed " +
    "run.changed announcement.changed session.changed",
);
export const WebhookEventType = z.enum(WEBHOOK_EVENTS);
export type WebhookEventType = z.infer<typeof WebhookEventType>;

export const WebhookId = z.string().regex(/^whk_[a-z0-9]{1,40}$/, "has to be the id of a webhook, like whk_7k2m");
export const DeliveryId = z.string().regex(/^evt_[a-z0-9]{1,40}$/, "has to be the id of a delivery, like evt_7k2m");

/** All of these have to fit the message that an event is about. */
export const WebhookFilter = strictObject(() => ({
  from: AgentId.optional(),
  to: TargetText.optional(),
  topic: Topic.optional(),
  kind: MessageKind.optional(),
}));
export type WebhookFilter = z.infer<typeof WebhookFilter>;

const Url = z
  .string()
  .min(1)
  .max(2048)
  .describe("http or https, at a public address unless the relay's settings allow more.");
const Events = z.array(WebhookEventType).min(1).max(WEBHOOK_EVENTS.length);

/** `POST /v1/webhooks` */
export const WebhookDraft = strictObject(() => ({
  agentId: AgentId.optional().describe(
    "Whose it is: it is told only what this agent may read. `user`'s are told everything.",
  ),
  name: line(128).optional(),
  url: Url,
  events: Events.default(["message.created"]),
  filter: WebhookFilter.default({}),
})).register(NAMED, { id: "WebhookDraft" });
export type WebhookDraft = z.input<typeof WebhookDraft>;
export type ParsedWebhookDraft = z.output<typeof WebhookDraft>;

/** `PATCH /v1/webhooks/{id}` */
export const WebhookPatch = strictObject(() => ({
  name: line(128).nullish(),
  url: Url.optional(),
  events: Events.optional(),
  filter: WebhookFilter.optional(),
  status: z.enum(["active", "paused"]).optional().describe("active also brings a disabled one back."),
})).register(NAMED, { id: "WebhookPatch" });
export type WebhookPatch = z.input<typeof WebhookPatch>;

export const Webhook = named("Webhook", "Where events are sent to.", () => ({
  id: z.string(),
  agentId: z.string(),
  name: z.string().nullable(),
  url: z.string(),
  events: z.array(WebhookEventType),
  filter: WebhookFilter,
  status: z
    .enum(["active", "paused", "disabled"])
    .describe(
      "paused: by its owner, or with the token that made it; nothing new is recorded. disabled: by the relay. See `reason`.",
    ),
  reason: z.string().nullable().describe("Why the relay disabled or paused it."),
  pending: z.int().describe("Deliveries that are still to be made."),
  dropped: z.int().describe("Events that were not recorded, because too many were pending."),
  failures: z.int().describe("Attempts in a row that failed."),
  failingSince: Time.nullable(),
  previousSecretUntil: Time.nullable().describe(
    "Until then deliveries are also signed with the secret before this one.",
  ),
  createdAt: Time,
}));
export type Webhook = z.infer<typeof Webhook>;

export const NewWebhook = object(() => ({
  ...Webhook.shape,
  secret: z.string().describe("`whsec_…`, shown this once: what the signatures are made with (Standard Webhooks)."),
})).register(NAMED, { id: "NewWebhook" });
export type NewWebhook = z.infer<typeof NewWebhook>;

export const WebhookQuery = strictObject(() => ({
  ...PageQuery,
  agentId: AgentId.optional().describe("Whose; all that the caller may see when left out."),
  page: WebhookId.optional(),
}));
export const WebhookList = listOf(Webhook).register(NAMED, { id: "WebhookList" });

/** `POST /v1/webhooks/{id}/rotate` */
export const Rotation = strictObject(() => ({
  overlapSeconds: int(0, 30 * 86_400)
    .default(86_400)
    .describe("For so long deliveries are signed with the old secret too."),
}));
export type Rotation = z.input<typeof Rotation>;

export const DELIVERY_STATES = ["pending", "delivered", "dead"] as const;
const DeliveryState = z.enum(DELIVERY_STATES);

export const Delivery = named("Delivery", "One event on its way to one webhook.", () => ({
  id: z.string().describe("Goes with every attempt as `webhook-id`: whoever gets it twice knows it by this."),
  webhookId: z.string(),
  type: z.string(),
  messageId: MessageId.nullable().describe("What it is about."),
  state: DeliveryState,
  attempts: z.int(),
  lastStatus: z.int().nullable().describe("The HTTP status of the last attempt; null when there was no answer."),
  lastError: z.string().nullable(),
  createdAt: Time,
  nextAt: Time.nullable().describe("When it is tried next, at the earliest."),
  endedAt: Time.nullable(),
}));
export type Delivery = z.infer<typeof Delivery>;

export const DeliveryQuery = strictObject(() => ({
  ...PageQuery,
  page: DeliveryId.optional(),
  state: DeliveryState.optional(),
}));
export const DeliveryList = listOf(Delivery).register(NAMED, { id: "DeliveryList" });

/** `POST /v1/webhooks/{id}/redeliver` */
export const Redelivery = strictObject(() => ({
  deliveryId: DeliveryId.optional().describe("Which one; all dead ones when left out, 1,000 at a time."),
}));
export type Redelivery = z.input<typeof Redelivery>;
export const Redelivered = object(() => ({ redelivered: z.int() }));

const Path = strictObject(() => ({ id: WebhookId }));
const contract = contracts("Webhooks");

export const createWebhook = contract("createWebhook", "POST /v1/webhooks", {
  summary: "Send events to a URL",
  description:
    "Each event is a POST, signed as Standard Webhooks says, and made at least once: what fails is tried again over a day. " +
    "An agent's webhook is told what the agent may read.",
  body: WebhookDraft,
  example: { url: "https://example.org/hooks/signalbox", events: ["message.created"] },
  idempotent: true,
  answers: made(NewWebhook, "`secret` is shown this once.", "Made before with this key."),
  problems: ["forbidden", "superseded", "unknown-instance", "conflict"],
});

export const listWebhooks = contract("listWebhooks", "GET /v1/webhooks", {
  ...paged(WebhookQuery, WebhookList),
  summary: "List webhooks, newest first, without their secrets",
  problems: ["forbidden", "superseded", "unknown-instance"],
});

export const getWebhook = contract("getWebhook", "GET /v1/webhooks/{id}", {
  ...at(Path, Webhook, "The webhook."),
  summary: "Get a webhook with its state",
  problems: ["forbidden", "not-found", "superseded", "unknown-instance"],
});

export const changeWebhook = contract("changeWebhook", "PATCH /v1/webhooks/{id}", {
  ...at(Path, Webhook, "The webhook as it is now."),
  summary: "Change, pause or resume a webhook",
  body: WebhookPatch,
  example: { status: "active" },
  repeatable: true,
  problems: ["forbidden", "not-found", "superseded", "unknown-instance"],
});

export const deleteWebhook = contract("deleteWebhook", "DELETE /v1/webhooks/{id}", {
  ...gone(Path, "Deleted."),
  summary: "Delete a webhook; what was pending is not delivered",
  problems: ["forbidden", "not-found", "superseded", "unknown-instance"],
});

export const rotateWebhook = contract("rotateWebhook", "POST /v1/webhooks/{id}/rotate", {
  summary: "Rotate a webhook's secret; for a while both sign",
  params: Path,
  body: Rotation,
  example: { overlapSeconds: 3600 },
  bodyOptional: true,
  idempotent: true,
  answers: made(NewWebhook, "`secret` is the new one, shown this once.", "Made before with this key."),
  problems: ["forbidden", "not-found", "superseded", "unknown-instance"],
});

export const testWebhook = contract("testWebhook", "POST /v1/webhooks/{id}/test", {
  summary: "Send a webhook.test event, whatever the filter says",
  params: Path,
  idempotent: true,
  answers: made(Delivery, "On its way.", "Made before with this key."),
  problems: ["forbidden", "not-found", "conflict", "superseded", "unknown-instance"],
});

export const listDeliveries = contract("listDeliveries", "GET /v1/webhooks/{id}/deliveries", {
  ...at(Path, DeliveryList, "A page."),
  summary: "List a webhook's deliveries, newest first",
  description: "Delivered ones are kept for a day, dead letters for 30.",
  query: DeliveryQuery,
  problems: ["forbidden", "not-found", "superseded", "unknown-instance"],
});

export const redeliverWebhook = contract("redeliverWebhook", "POST /v1/webhooks/{id}/redeliver", {
  ...at(Path, Redelivered, "How many are on their way again."),
  summary: "Deliver dead letters again",
  body: Redelivery,
  example: {},
  bodyOptional: true,
  repeatable: true,
  problems: ["forbidden", "not-found", "conflict", "superseded", "unknown-instance"],
});

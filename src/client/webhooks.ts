import * as api from "../protocol/webhooks.ts";
import type { Caller, Keyed, Query } from "./caller.ts";
import type { Call } from "./transport.ts";

/** Verbs on outgoing webhooks. */
export const webhookVerbs = ({ ask, askOnce, acting }: Caller) => ({
  /** Makes a webhook; the answer shows its secret once. */
  create: (draft: api.WebhookDraft, call?: Keyed): Promise<api.NewWebhook> =>
    askOnce(api.createWebhook, { body: acting("agentId", draft, call) }, call),

  /** Lists those that the caller may see, newest first. */
  list: (query: Query<typeof api.WebhookQuery> = {}, call?: Call) => ask(api.listWebhooks, { query }, call),

  get: (id: string, call?: Call): Promise<api.Webhook> => ask(api.getWebhook, { params: { id } }, call),

  patch: (id: string, body: api.WebhookPatch, call?: Call): Promise<api.Webhook> =>
    ask(api.changeWebhook, { params: { id }, body }, call),

  delete: (id: string, call?: Call): Promise<void> => ask(api.deleteWebhook, { params: { id } }, call),

  /** Makes a new secret, shown once; for `overlapSeconds` (by default a day) the old one signs too. */
  rotate: (id: string, body: api.Rotation = {}, call?: Keyed): Promise<api.NewWebhook> =>
    askOnce(api.rotateWebhook, { params: { id }, body }, call),

  /** Sends one event to the webhook, whatever its filter. */
  test: (id: string, call?: Keyed): Promise<api.Delivery> => askOnce(api.testWebhook, { params: { id } }, call),

  /** Lists the deliveries of its events, newest first. */
  deliveries: (id: string, query: Query<typeof api.DeliveryQuery> = {}, call?: Call) =>
    ask(api.listDeliveries, { params: { id }, query }, call),

  /** Sends dead deliveries again: one, or all, 1,000 at a time. */
  redeliver: (id: string, body: api.Redelivery = {}, call?: Call) =>
    ask(api.redeliverWebhook, { params: { id }, body }, call),
});

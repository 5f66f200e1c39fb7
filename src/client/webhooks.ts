import * as api from "../protocol/webhooks.ts";
import type { Caller, Keyed, Query } from "./caller.ts";
import type { Call } from "./transport.ts";

/** The verbs on outgoing webhooks. */
export function webhookVerbs({ ask, askOnce, acting }: Caller) {
  return {
    /** The answer has the secret, this once. */
    create: (draft: api.WebhookDraft, call?: Keyed): Promise<api.NewWebhook> =>
      askOnce(api.createWebhook, { body: acting("agentId", draft, call) }, call),

    /** Those that the caller may see, newest first. */
    list: (query: Query<typeof api.WebhookQuery> = {}, call?: Call) => ask(api.listWebhooks, { query }, call),

    get: (id: string, call?: Call): Promise<api.Webhook> => ask(api.getWebhook, { params: { id } }, call),

    patch: (id: string, body: api.WebhookPatch, call?: Call): Promise<api.Webhook> =>
      ask(api.changeWebhook, { params: { id }, body }, call),

    delete: (id: string, call?: Call): Promise<void> => ask(api.deleteWebhook, { params: { id } }, call),

    /** The answer has the new secret; for `overlapSeconds` (a day when left out) the old one signs too. */
    rotate: (id: string, body: api.Rotation = {}, call?: Keyed): Promise<api.NewWebhook> =>
      askOnce(api.rotateWebhook, { params: { id }, body }, call),

    /** Sends it one event, whatever its filter says. */
    test: (id: string, call?: Keyed): Promise<api.Delivery> => askOnce(api.testWebhook, { params: { id } }, call),

    /** What became of its events, newest first. */
    deliveries: (id: string, query: Query<typeof api.DeliveryQuery> = {}, call?: Call) =>
      ask(api.listDeliveries, { params: { id }, query }, call),

    /** Dead letters go out again: one, or all of them, 1,000 at a time. */
    redeliver: (id: string, body: api.Redelivery = {}, call?: Call) =>
      ask(api.redeliverWebhook, { params: { id }, body }, call),
  };
}

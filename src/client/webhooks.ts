import {
  Delivery,
  DeliveryList,
  type DeliveryQuery,
  NewWebhook,
  Redelivered,
  type Redelivery,
  type Rotation,
  Webhook,
  type WebhookDraft,
  WebhookList,
  type WebhookPatch,
  type WebhookQuery,
} from "../protocol/webhooks.ts";
import { type Caller, Nothing, part, type Query } from "./caller.ts";
import { randomKey } from "./messages.ts";
import type { Call } from "./transport.ts";

type Keyed = Call & { idempotencyKey?: string };

/** The verbs on outgoing webhooks. What makes something has a key of its own: it is safe to send again what was not answered. */
export function webhookVerbs({ ask, agentId }: Caller) {
  const at = (id: string, rest = "") => `/v1/webhooks/${part(id)}${rest}`;
  const keyed = (key: string) => ({ headers: { "idempotency-key": key }, repeatable: true });

  return {
    /** The answer has the secret, this once. */
    create(draft: WebhookDraft, { idempotencyKey = randomKey(), ...call }: Keyed = {}): Promise<NewWebhook> {
      const owner = draft.agentId ?? call.agentId ?? agentId;
      const body = { ...draft, ...(owner && { agentId: owner }) };
      return ask({ method: "POST", path: "/v1/webhooks", body, answer: NewWebhook, ...keyed(idempotencyKey) }, call);
    },

    /** Those that the caller may see, newest first. */
    list(query: Query<typeof WebhookQuery> = {}, call?: Call) {
      return ask({ method: "GET", path: "/v1/webhooks", query, answer: WebhookList, repeatable: true }, call);
    },

    get(id: string, call?: Call): Promise<Webhook> {
      return ask({ method: "GET", path: at(id), answer: Webhook, repeatable: true }, call);
    },

    patch(id: string, changes: WebhookPatch, call?: Call): Promise<Webhook> {
      return ask({ method: "PATCH", path: at(id), body: changes, answer: Webhook, repeatable: true }, call);
    },

    async delete(id: string, call?: Call): Promise<void> {
      await ask({ method: "DELETE", path: at(id), answer: Nothing }, call);
    },

    /** The answer has the new secret; for `overlapSeconds` (a day when left out) the old one signs too. */
    rotate(
      id: string,
      body: Rotation = {},
      { idempotencyKey = randomKey(), ...call }: Keyed = {},
    ): Promise<NewWebhook> {
      return ask({ method: "POST", path: at(id, "/rotate"), body, answer: NewWebhook, ...keyed(idempotencyKey) }, call);
    },

    /** Sends it one event, whatever its filter says. */
    test(id: string, { idempotencyKey = randomKey(), ...call }: Keyed = {}): Promise<Delivery> {
      return ask({ method: "POST", path: at(id, "/test"), answer: Delivery, ...keyed(idempotencyKey) }, call);
    },

    /** What became of its events, newest first. */
    deliveries(id: string, query: Query<typeof DeliveryQuery> = {}, call?: Call) {
      return ask({ method: "GET", path: at(id, "/deliveries"), query, answer: DeliveryList, repeatable: true }, call);
    },

    /** Dead letters go out again: one, or all of them, 1,000 at a time. */
    redeliver(id: string, body: Redelivery = {}, call?: Call) {
      return ask({ method: "POST", path: at(id, "/redeliver"), body, answer: Redelivered, repeatable: true }, call);
    },
  };
}

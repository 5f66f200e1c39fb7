import { type Route, routesOn } from "../../identity/auth/route.ts";
import type { Db } from "../../kernel/db/database.ts";
import * as api from "../../protocol/webhooks.ts";
import type { WebhookService } from "./service.ts";

/** Webhooks, which tell other machines of events. */
export function webhookRoutes(db: Db, webhooks: WebhookService): Route[] {
  const { get, list, change, create, remove } = routesOn(db);
  return [
    create(api.createWebhook, (tx, { caller, body, idempotencyKey }) =>
      webhooks.create(tx, caller, body, idempotencyKey),
    ),
    list(api.listWebhooks, (on, { caller, query }) => webhooks.list(on, caller, query)),
    get(api.getWebhook, (on, { caller, params }) => webhooks.get(on, caller, params.id)),
    change(api.changeWebhook, (tx, { caller, params, body }) => webhooks.patch(tx, caller, params.id, body)),
    remove(api.deleteWebhook, (tx, { caller, params }) => webhooks.remove(tx, caller, params.id)),
    create(api.rotateWebhook, (tx, { caller, params, body, idempotencyKey }) =>
      webhooks.rotate(tx, caller, params.id, body.overlapSeconds, idempotencyKey),
    ),
    create(api.testWebhook, (tx, { caller, params, idempotencyKey }) =>
      webhooks.test(tx, caller, params.id, idempotencyKey),
    ),
    list(api.listDeliveries, (on, { caller, params, query }) => webhooks.deliveries(on, caller, params.id, query)),
    change(api.redeliverWebhook, (tx, { caller, params, body }) =>
      webhooks.redeliver(tx, caller, params.id, body.deliveryId),
    ),
  ];
}

import { createdOnce, noContent, ok, pageOf, type Route, route } from "../../identity/auth/route.ts";
import type { Db } from "../../kernel/db/database.ts";
import * as api from "../../protocol/webhooks.ts";
import type { WebhookService } from "./service.ts";

/** Webhooks, which tell other machines of events. */
export function webhookRoutes(db: Pick<Db, "read" | "write">, webhooks: WebhookService): Route[] {
  return [
    route(api.createWebhook, async ({ caller, body, idempotencyKey }) =>
      createdOnce(await db.write((tx) => webhooks.create(tx, caller, body, idempotencyKey))),
    ),
    route(api.listWebhooks, async ({ caller, query, request }) =>
      pageOf(await db.read((on) => webhooks.list(on, caller, query)), request),
    ),
    route(api.getWebhook, async ({ caller, params }) => ok(await db.read((on) => webhooks.get(on, caller, params.id)))),
    route(api.changeWebhook, async ({ caller, params, body }) =>
      ok(await db.write((tx) => webhooks.patch(tx, caller, params.id, body))),
    ),
    route(api.deleteWebhook, async ({ caller, params }) => {
      await db.write((tx) => webhooks.remove(tx, caller, params.id));
      return noContent;
    }),
    ...deliveryRoutes(db, webhooks),
  ];
}

function deliveryRoutes(db: Pick<Db, "read" | "write">, webhooks: WebhookService): Route[] {
  return [
    route(api.rotateWebhook, async ({ caller, params, body, idempotencyKey }) =>
      createdOnce(await db.write((tx) => webhooks.rotate(tx, caller, params.id, body.overlapSeconds, idempotencyKey))),
    ),
    route(api.testWebhook, async ({ caller, params, idempotencyKey }) =>
      createdOnce(await db.write((tx) => webhooks.test(tx, caller, params.id, idempotencyKey))),
    ),
    route(api.listDeliveries, async ({ caller, params, query, request }) =>
      pageOf(await db.read((on) => webhooks.deliveries(on, caller, params.id, query)), request),
    ),
    route(api.redeliverWebhook, async ({ caller, params, body }) =>
      ok(await db.write((tx) => webhooks.redeliver(tx, caller, params.id, body.deliveryId))),
    ),
  ];
}

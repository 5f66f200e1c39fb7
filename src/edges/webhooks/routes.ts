import { z } from "zod";
import { createdOnce, ok, type Route, route } from "../../identity/auth/route.ts";
import type { Db } from "../../kernel/db/database.ts";
import { nextLink } from "../../kernel/http/link.ts";
import {
  Delivery,
  DeliveryList,
  DeliveryQuery,
  NewWebhook,
  Redelivered,
  Redelivery,
  Rotation,
  Webhook,
  WebhookDraft,
  WebhookId,
  WebhookList,
  WebhookPatch,
  WebhookQuery,
} from "../../protocol/webhooks.ts";
import type { WebhookService } from "./service.ts";

const tag = "Webhooks";
const Path = z.strictObject({ id: WebhookId });

/** Telling other machines what happened. */
export function webhookRoutes(db: Pick<Db, "read" | "write">, webhooks: WebhookService): Route[] {
  return [
    route({
      method: "POST",
      path: "/v1/webhooks",
      operationId: "createWebhook",
      summary: "Have events sent to a URL",
      description:
        "Each event is a POST, signed as Standard Webhooks says, and made at least once: what fails is tried again over a day. " +
        "An agent's webhook is told what the agent may read.",
      tag,
      body: WebhookDraft,
      example: { url: "https://example.org/hooks/signalbox", events: ["message.created"] },
      idempotent: true,
      answers: {
        201: { description: "`secret` is shown this once.", schema: NewWebhook },
        200: { description: "Made before with this key.", schema: NewWebhook },
      },
      problems: ["forbidden", "superseded", "unknown-instance", "conflict"],
      run: async ({ caller, body, idempotencyKey }) => {
        const { made, replayed } = await db.write((tx) => webhooks.create(tx, caller, body, idempotencyKey));
        return createdOnce(made, replayed);
      },
    }),
    route({
      method: "GET",
      path: "/v1/webhooks",
      operationId: "listWebhooks",
      summary: "Webhooks, newest first, without their secrets",
      tag,
      query: WebhookQuery,
      answers: { 200: { description: "A page.", schema: WebhookList } },
      problems: ["forbidden", "superseded", "unknown-instance"],
      run: async ({ caller, query, request }) => {
        const list = await db.read((on) => webhooks.list(on, caller, query));
        return { status: 200, body: list, headers: nextLink(request, list.nextPage) };
      },
    }),
    route({
      method: "GET",
      path: "/v1/webhooks/{id}",
      operationId: "getWebhook",
      summary: "One webhook, and how it does",
      tag,
      params: Path,
      answers: { 200: { description: "The webhook.", schema: Webhook } },
      problems: ["forbidden", "not-found", "superseded", "unknown-instance"],
      run: async ({ caller, params }) => ok(await db.read((on) => webhooks.get(on, caller, params.id))),
    }),
    route({
      method: "PATCH",
      path: "/v1/webhooks/{id}",
      operationId: "changeWebhook",
      summary: "Change, pause or resume a webhook",
      tag,
      params: Path,
      body: WebhookPatch,
      example: { status: "active" },
      answers: { 200: { description: "The webhook as it is now.", schema: Webhook } },
      problems: ["forbidden", "not-found", "superseded", "unknown-instance"],
      run: async ({ caller, params, body }) => ok(await db.write((tx) => webhooks.patch(tx, caller, params.id, body))),
    }),
    route({
      method: "DELETE",
      path: "/v1/webhooks/{id}",
      operationId: "deleteWebhook",
      summary: "Delete a webhook; what was pending is not delivered",
      tag,
      params: Path,
      answers: { 204: { description: "Deleted." } },
      problems: ["forbidden", "not-found", "superseded", "unknown-instance"],
      run: async ({ caller, params }) => {
        await db.write((tx) => webhooks.remove(tx, caller, params.id));
        return { status: 204 };
      },
    }),
    ...deliveryRoutes(db, webhooks),
  ];
}

function deliveryRoutes(db: Pick<Db, "read" | "write">, webhooks: WebhookService): Route[] {
  return [
    route({
      method: "POST",
      path: "/v1/webhooks/{id}/rotate",
      operationId: "rotateWebhook",
      summary: "Give a webhook a new secret; for a while both sign",
      tag,
      params: Path,
      body: Rotation,
      example: { overlapSeconds: 3600 },
      bodyOptional: true,
      idempotent: true,
      answers: {
        201: { description: "`secret` is the new one, shown this once.", schema: NewWebhook },
        200: { description: "Made before with this key.", schema: NewWebhook },
      },
      problems: ["forbidden", "not-found", "superseded", "unknown-instance"],
      run: async ({ caller, params, body, idempotencyKey }) => {
        const { made, replayed } = await db.write((tx) =>
          webhooks.rotate(tx, caller, params.id, body.overlapSeconds, idempotencyKey),
        );
        return createdOnce(made, replayed);
      },
    }),
    route({
      method: "POST",
      path: "/v1/webhooks/{id}/test",
      operationId: "testWebhook",
      summary: "Send a webhook.test event, whatever the filter says",
      tag,
      params: Path,
      idempotent: true,
      answers: {
        201: { description: "On its way.", schema: Delivery },
        200: { description: "Made before with this key.", schema: Delivery },
      },
      problems: ["forbidden", "not-found", "conflict", "superseded", "unknown-instance"],
      run: async ({ caller, params, idempotencyKey }) => {
        const { made, replayed } = await db.write((tx) => webhooks.test(tx, caller, params.id, idempotencyKey));
        return createdOnce(made, replayed);
      },
    }),
    route({
      method: "GET",
      path: "/v1/webhooks/{id}/deliveries",
      operationId: "listDeliveries",
      summary: "What became of its events, newest first",
      description: "Delivered ones are kept for a day, dead letters for 30.",
      tag,
      params: Path,
      query: DeliveryQuery,
      answers: { 200: { description: "A page.", schema: DeliveryList } },
      problems: ["forbidden", "not-found", "superseded", "unknown-instance"],
      run: async ({ caller, params, query, request }) => {
        const list = await db.read((on) => webhooks.deliveries(on, caller, params.id, query));
        return { status: 200, body: list, headers: nextLink(request, list.nextPage) };
      },
    }),
    route({
      method: "POST",
      path: "/v1/webhooks/{id}/redeliver",
      operationId: "redeliverWebhook",
      summary: "Deliver dead letters again",
      tag,
      params: Path,
      body: Redelivery,
      example: {},
      bodyOptional: true,
      answers: { 200: { description: "How many are on their way again.", schema: Redelivered } },
      problems: ["forbidden", "not-found", "conflict", "superseded", "unknown-instance"],
      run: async ({ caller, params, body }) =>
        ok(await db.write((tx) => webhooks.redeliver(tx, caller, params.id, body.deliveryId))),
    }),
  ];
}

import { messageJson } from "../../core/messages/entry.ts";
import { toTask } from "../../features/tasks/task.ts";
import { RawJson, type Route, route, routesOn } from "../../identity/auth/route.ts";
import type { Db } from "../../kernel/db/database.ts";
import * as api from "../../protocol/integrations.ts";
import { IdempotencyKey } from "../../protocol/wire.ts";
import type { EventResult } from "./event-result.ts";
import type { EventReceipt, IntegrationEvents } from "./integration-events.ts";
import type { Delivery } from "./mappings/report.ts";
import type { IntegrationService } from "./service.ts";

/** Sources of events, and their events. */
export function integrationRoutes(db: Db, integrations: IntegrationService, events: IntegrationEvents): Route[] {
  const { get, list, register, remove } = routesOn(db);
  return [
    list(api.listIntegrations, (on, { caller, query }) => integrations.list(on, caller, query)),
    register(api.putIntegration, (tx, { caller, params, body }) => integrations.put(tx, caller, params.source, body)),
    get(api.getIntegration, (on, { caller, params }) => integrations.get(on, caller, params.source)),
    remove(api.deleteIntegration, (tx, { caller, params }) => integrations.remove(tx, caller, params.source)),
    route(
      api.postEvent,
      async ({ caller, params, body, bytes, leftOut, request, idempotencyKey }) => {
        const text = new TextDecoder().decode(bytes);
        const posted = { body, text, leftOut, delivery: deliveryOf(request.headers), idempotencyKey };
        const { made, replayed } = await db.write((tx) => events.receive(tx, caller, params.source, posted));
        const headers: Record<string, string> = replayed ? { "idempotent-replayed": "true" } : {};
        const status = !replayed && made.events.some((one) => one.created) ? 201 : 200;
        return { status, body: new RawJson(eventJson(made)), headers };
      },
      {
        witness: events.witness,
        tooLarge: ({ source }, problem) => db.write((tx) => events.tellRefused(tx, source, problem.message)),
      },
    ),
  ];
}

/** Facts that platforms send beside the body of a delivery. Ids that are no valid key are left out. */
function deliveryOf(headers: Headers): Delivery {
  const kind = headers.get("x-github-event") ?? headers.get("sentry-hook-resource") ?? undefined;
  const isSentrys = headers.has("sentry-hook-resource");
  const id =
    headers.get("webhook-id") ?? headers.get("x-github-delivery") ?? (isSentrys ? headers.get("request-id") : null);
  const seconds = Number(headers.get("sentry-hook-timestamp"));
  return { id: IdempotencyKey.safeParse(id).data, kind, at: seconds > 0 ? Math.round(seconds * 1000) : undefined };
}

function eventJson({ events, skipped }: EventReceipt): string {
  const each = events.map(resultJson);
  const first = each[0] ?? '"task":null,"message":null,"created":false';
  const all = `[${each.map((one) => `{${one}}`).join(",")}]`;
  return `{${first},"tasks":${all}${each.length > 1 ? `,"items":${all}` : ""},"skipped":${skipped}}`;
}

function resultJson({ task, message, created }: EventResult): string {
  const text = message ? messageJson(message.entry, message.work) : "null";
  return `"task":${task ? JSON.stringify(toTask(task)) : "null"},"message":${text},"created":${created}`;
}

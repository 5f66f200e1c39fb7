import { z } from "zod";
import { messageJson } from "../../core/messages/entry.ts";
import { toTask } from "../../features/tasks/facts.ts";
import { created, ok, RawJson, type Route, route } from "../../identity/auth/route.ts";
import type { Db } from "../../kernel/db/database.ts";
import { nextLink } from "../../kernel/http/link.ts";
import {
  DELIVERY_BYTES,
  EventBody,
  EventResult,
  Integration,
  IntegrationDraft,
  IntegrationList,
  IntegrationQuery,
  SavedIntegration,
} from "../../protocol/integrations.ts";
import { Source } from "../../protocol/tokens.ts";
import { IdempotencyKey } from "../../protocol/wire.ts";
import type { Became, Events, Received } from "./events.ts";
import type { Delivery } from "./mappings/report.ts";
import type { IntegrationService } from "./service.ts";

export interface IntegrationRouteParts {
  db: Pick<Db, "read" | "write">;
  integrations: IntegrationService;
  events: Events;
}

const Path = z.strictObject({ source: Source });
const tag = "Integrations";

/** Sources of events, and their events. */
export function integrationRoutes({ db, integrations, events }: IntegrationRouteParts): Route[] {
  return [
    route({
      method: "GET",
      path: "/v1/integrations",
      operationId: "listIntegrations",
      summary: "All integrations, by name",
      tag,
      query: IntegrationQuery,
      answers: { 200: { description: "A page.", schema: IntegrationList } },
      problems: ["forbidden"],
      run: async ({ caller, query, request }) => {
        const list = await db.read((on) => integrations.list(on, caller, query.page, query.limit));
        return { status: 200, body: list, headers: nextLink(request, list.nextPage) };
      },
    }),
    route({
      method: "PUT",
      path: "/v1/integrations/{source}",
      operationId: "putIntegration",
      summary: "Make or change an integration",
      description:
        "The body is the whole of it. Its secret stays, unless `rotate`, another `verify` or a `secret` says so.",
      tag,
      params: Path,
      body: IntegrationDraft,
      example: { target: "tag:ops", mapping: "alertmanager" },
      bodyOptional: true,
      answers: {
        201: { description: "Made; `secret` is shown this once.", schema: SavedIntegration },
        200: { description: "Changed; with `secret` when a new one was made.", schema: SavedIntegration },
      },
      problems: ["forbidden", "unknown-target", "no-conversation", "not-claimable"],
      run: async ({ caller, params, body }) => {
        const answer = await db.write((tx) => integrations.put(tx, caller, params.source, body));
        return answer.created ? created(answer.saved) : ok(answer.saved);
      },
    }),
    route({
      method: "GET",
      path: "/v1/integrations/{source}",
      operationId: "getIntegration",
      summary: "One integration, without its secret",
      tag,
      params: Path,
      answers: { 200: { description: "As it is.", schema: Integration } },
      problems: ["forbidden", "not-found"],
      run: async ({ caller, params }) => ok(await db.read((on) => integrations.get(on, caller, params.source))),
    }),
    route({
      method: "DELETE",
      path: "/v1/integrations/{source}",
      operationId: "deleteIntegration",
      summary: "Remove an integration; its tasks stay",
      tag,
      params: Path,
      answers: { 204: { description: "Removed." } },
      problems: ["forbidden", "not-found"],
      run: async ({ caller, params }) => {
        await db.write((tx) => integrations.remove(tx, caller, params.source));
        return { status: 204 };
      },
    }),
    route({
      method: "POST",
      path: "/v1/integrations/{source}/events",
      operationId: "postEvent",
      summary: "Report what happened; it becomes a task",
      description:
        "By a token of role integration, or signed as the integration's `verify` says. The body is the source's own, as its " +
        "`mapping` reads it. A delivery that comes twice (webhook-id, X-GitHub-Delivery, Sentry's Request-ID, " +
        "Idempotency-Key) is one event. The same dedupeKey is the same task: counted while it is open, closed by " +
        "resolved, opened again with a new message after that. News older than what is known changes nothing, whether it " +
        "opens or closes; an end that comes before its beginning is remembered. Of a delivery that is too large as much is " +
        "taken as fits.",
      tag,
      params: Path,
      body: EventBody,
      example: { title: "Disk of db-1 is full", severity: "warning", dedupeKey: "db-1/disk" },
      bodyLimit: DELIVERY_BYTES,
      idempotent: true,
      identify: events.identify,
      // Sources cannot be told to send their ids otherwise; a generic event can: see `receive`.
      keepsNumbers: true,
      tooLarge: ({ source }, problem, caller) =>
        db.write((tx) => events.tellRefused(tx, caller, source, problem.message)),
      answers: {
        201: { description: "A task was made or opened again.", schema: EventResult },
        200: {
          description: "A known task was changed, nothing was, or the delivery came before.",
          schema: EventResult,
        },
      },
      problems: ["forbidden", "not-found", "unknown-target", "no-conversation", "not-claimable"],
      run: async ({ caller, params, body, bytes, request, idempotencyKey }) => {
        const text = new TextDecoder().decode(bytes);
        const posted = { body, text, delivery: deliveryOf(request.headers), idempotencyKey };
        const { made, replayed } = await db.write((tx) => events.receive(tx, caller, params.source, posted));
        const headers: Record<string, string> = replayed ? { "idempotent-replayed": "true" } : {};
        const status = !replayed && made.events.some((one) => one.created) ? 201 : 200;
        return { status, body: new RawJson(eventJson(made)), headers };
      },
    }),
  ];
}

/** What the platforms say of a delivery beside its body. An id that could be no key is none. */
function deliveryOf(headers: Headers): Delivery {
  const kind = headers.get("x-github-event") ?? headers.get("sentry-hook-resource") ?? undefined;
  const isSentrys = headers.has("sentry-hook-resource");
  const id =
    headers.get("webhook-id") ?? headers.get("x-github-delivery") ?? (isSentrys ? headers.get("request-id") : null);
  const seconds = Number(headers.get("sentry-hook-timestamp"));
  return { id: IdempotencyKey.safeParse(id).data, kind, at: seconds > 0 ? Math.round(seconds * 1000) : undefined };
}

function eventJson({ events, skipped }: Received): string {
  const each = events.map(becameJson);
  const first = each[0] ?? '"task":null,"message":null,"created":false';
  const all = `[${each.map((one) => `{${one}}`).join(",")}]`;
  return `{${first},"tasks":${all}${each.length > 1 ? `,"items":${all}` : ""},"skipped":${skipped}}`;
}

function becameJson({ task, message, created }: Became): string {
  const text = message ? messageJson(message.entry, message.work) : "null";
  return `"task":${task ? JSON.stringify(toTask(task)) : "null"},"message":${text},"created":${created}`;
}

import { z } from "zod";
import { messageJson } from "../../core/messages/entry.ts";
import { MessagePath } from "../../core/messages/routes.ts";
import { ok, RawJson, type Route, route } from "../../identity/auth/route.ts";
import type { Db } from "../../kernel/db/database.ts";
import { nextLink } from "../../kernel/http/link.ts";
import { AgentId } from "../../protocol/agents.ts";
import {
  BindingDraft,
  BindingList,
  BindingQuery,
  Channel,
  ChannelBindingQuery,
  ChannelEvent,
  ChannelList,
  ChannelQuery,
  EventAnswer,
  EventList,
  EventQuery,
  PostedParts,
  PostNote,
  RouteQuery,
  RouteReport,
  SetBinding,
  WebhookChannel,
  WebhookChannelDraft,
} from "../../protocol/channels.ts";
import { Problem } from "../../protocol/problem.ts";
import { type Bindings, wireBinding } from "./bindings.ts";
import type { Events, Received } from "./events.ts";
import type { Outbound } from "./outbound.ts";
import type { Registry } from "./registry.ts";
import type { Routing } from "./routing.ts";
import { placeOf } from "./store.ts";
import type { Webhook } from "./webhook.ts";

export interface ChannelRouteParts {
  db: Pick<Db, "read" | "write">;
  registry: Registry;
  bindings: Bindings;
  routing: Routing;
  events: Events;
  outbound: Outbound;
  webhook: Webhook;
}

const tag = "Channels";
const Path = z.strictObject({ id: AgentId });
const BindingPath = z.strictObject({ id: AgentId, bindingId: z.string().max(64) });

/** Chat accounts, who their conversations go to, and what comes in and goes out by them. */
export function channelRoutes(parts: ChannelRouteParts): Route[] {
  return [...accountRoutes(parts), ...bindingRoutes(parts), ...trafficRoutes(parts), ...webhookRoutes(parts)];
}

function webhookRoutes({ db, webhook }: ChannelRouteParts): Route[] {
  return [
    route({
      method: "PUT",
      path: "/v1/channels/{id}/webhook",
      operationId: "putWebhookChannel",
      summary: "Make or change a channel that needs no adapter: webhook:<account>",
      description:
        "The body is the whole of it; its channel agent is made with it. Its events are posted to `eventsPath`, signed or with the secret as a token; its messages are posted to `url`, signed.",
      tag,
      params: Path,
      body: WebhookChannelDraft,
      example: { url: "https://example.org/chat", target: "reviewer" },
      answers: {
        200: { description: "Changed; with `secret` when a new one was made.", schema: WebhookChannel },
        201: { description: "Made; `secret` is shown this once.", schema: WebhookChannel },
      },
      problems: ["forbidden", "conflict", "group-not-allowed"],
      run: async ({ caller, params, body }) => {
        const { saved, created } = await db.write((tx) => webhook.put(tx, caller, params.id, body));
        return { status: created ? 201 : 200, body: saved };
      },
    }),
    route({
      method: "GET",
      path: "/v1/channels/{id}/webhook",
      operationId: "getWebhookChannel",
      summary: "How such a channel is set, without its secret",
      tag,
      params: Path,
      answers: { 200: { description: "As it is.", schema: WebhookChannel } },
      problems: ["forbidden", "not-found"],
      run: async ({ caller, params }) => ok(await db.read((on) => webhook.get(on, caller, params.id))),
    }),
  ];
}

function accountRoutes({ db, registry }: ChannelRouteParts): Route[] {
  const choosing = {
    path: "/v1/channels/{id}/default",
    tag,
    params: Path,
    answers: { 200: { description: "The channel as it is now.", schema: Channel } },
    problems: ["forbidden", "not-found"] as const,
  };
  return [
    route({
      method: "GET",
      path: "/v1/channels",
      operationId: "listChannels",
      summary: "The channels: ready ones first, then by name",
      tag,
      query: ChannelQuery,
      answers: { 200: { description: "A page.", schema: ChannelList } },
      problems: ["forbidden"],
      run: async ({ caller, query, request }) => {
        const list = await db.read((on) => registry.list(on, caller, query.page, query.limit));
        return { status: 200, body: list, headers: nextLink(request, list.nextPage) };
      },
    }),
    route({
      method: "GET",
      path: "/v1/channels/{id}",
      operationId: "getChannel",
      summary: "One channel",
      tag,
      params: Path,
      answers: { 200: { description: "The channel.", schema: Channel } },
      problems: ["forbidden", "not-found"],
      run: async ({ caller, params }) => ok(await db.read((on) => registry.get(on, caller, params.id))),
    }),
    route({
      ...choosing,
      method: "PUT",
      operationId: "chooseDefaultChannel",
      summary: "Make it @default",
      problems: [...choosing.problems],
      run: async ({ caller, params }) => ok(await db.write((tx) => registry.choose(tx, caller, params.id, "yes"))),
    }),
    route({
      ...choosing,
      method: "DELETE",
      operationId: "unchooseDefaultChannel",
      summary: "Let the oldest channel be @default again",
      problems: [...choosing.problems],
      run: async ({ caller, params }) => ok(await db.write((tx) => registry.choose(tx, caller, params.id, "no"))),
    }),
  ];
}

function bindingRoutes({ db, registry, bindings, routing, events }: ChannelRouteParts): Route[] {
  return [
    route({
      method: "GET",
      path: "/v1/bindings",
      operationId: "listBindings",
      summary: "Bindings of all channels",
      description: "An agent sees those that send something to it, and those of its own channel.",
      tag,
      query: BindingQuery,
      answers: { 200: { description: "A page, oldest first.", schema: BindingList } },
      problems: ["forbidden"],
      run: async ({ caller, query, request }) => {
        const { limit, page, channel, conversation, target } = query;
        const filter = { channelId: channel, conversationId: conversation, target };
        const list = await db.read((on) => bindings.list(on, caller, filter, page, limit));
        return { status: 200, body: list, headers: nextLink(request, list.nextPage) };
      },
    }),
    route({
      method: "GET",
      path: "/v1/channels/{id}/bindings",
      operationId: "listChannelBindings",
      summary: "Bindings of one channel",
      tag,
      params: Path,
      query: ChannelBindingQuery,
      answers: { 200: { description: "A page, oldest first.", schema: BindingList } },
      problems: ["forbidden", "not-found"],
      run: async ({ caller, params, query, request }) => {
        const { limit, page, conversation } = query;
        const filter = { channelId: params.id, conversationId: conversation };
        const list = await db.read(async (on) => {
          await bindings.requireOwn(on, caller, params.id);
          await registry.require(on, params.id);
          return bindings.list(on, caller, filter, page, limit);
        });
        return { status: 200, body: list, headers: nextLink(request, list.nextPage) };
      },
    }),
    route({
      method: "PUT",
      path: "/v1/channels/{id}/bindings",
      operationId: "setBinding",
      summary: "Send a conversation, or all of a channel, to somebody",
      description: "An upsert by conversation and target. With replay, what came in before is sent there too, once.",
      tag,
      params: Path,
      body: BindingDraft,
      example: { conversationId: "-100200", target: "reviewer", mode: "exclusive" },
      answers: {
        200: { description: "Was there, and is changed.", schema: SetBinding },
        201: { description: "New.", schema: SetBinding },
      },
      problems: ["forbidden", "not-found", "unknown-target", "conflict"],
      run: async ({ caller, params, body }) =>
        db.write(async (tx) => {
          const channel = await registry.require(tx, params.id);
          const { row, created } = await bindings.set(tx, caller, channel, body);
          const replayed = body.replay ? await events.replay(tx, row) : {};
          return { status: created ? 201 : 200, body: { ...wireBinding(row), ...replayed } };
        }),
    }),
    route({
      method: "DELETE",
      path: "/v1/channels/{id}/bindings/{bindingId}",
      operationId: "removeBinding",
      summary: "End a binding",
      tag,
      params: BindingPath,
      answers: { 204: { description: "Gone." } },
      problems: ["forbidden", "not-found"],
      run: async ({ caller, params }) => {
        await db.write((tx) => bindings.remove(tx, caller, params.id, params.bindingId));
        return { status: 204 };
      },
    }),
    route({
      method: "GET",
      path: "/v1/channels/{id}/route",
      operationId: "explainRoute",
      summary: "What would become of an event of a conversation",
      tag,
      params: Path,
      query: RouteQuery,
      answers: { 200: { description: "Every matching binding, those that count first.", schema: RouteReport } },
      problems: ["forbidden", "not-found"],
      run: async ({ caller, params, query }) => {
        if (query.thread !== undefined && query.conversation === undefined)
          throw Problem.invalid("thread", "needs the conversation it belongs to");
        const report = await db.read(async (on) => {
          await bindings.requireOwn(on, caller, params.id);
          await registry.require(on, params.id);
          const place = { conversationId: query.conversation ?? null, threadId: query.thread ?? null };
          return routing.report(on, placeOf(params.id, place));
        });
        return ok(report);
      },
    }),
  ];
}

function trafficRoutes({ db, registry, bindings, events, outbound, webhook }: ChannelRouteParts): Route[] {
  return [
    route({
      method: "POST",
      path: "/v1/channels/{id}/events",
      operationId: "reportEvent",
      summary: "Something came in: for adapters",
      description:
        "Idempotent by externalId: reported again, whatever its content, it is answered with what it became.",
      tag,
      params: Path,
      body: ChannelEvent,
      example: {
        conversationId: "-100200",
        externalId: "5417",
        sender: { id: "77", name: "Ann" },
        text: "Is it done?",
      },
      identify: webhook.identify,
      answers: {
        200: { description: "It was reported before.", schema: EventAnswer },
        201: { description: "Stored, and sent to whom its conversation is bound to.", schema: EventAnswer },
      },
      problems: ["forbidden", "not-found", "conflict", "reserved"],
      run: async ({ caller, params, body }) =>
        eventAnswer(
          await db.write(async (tx) => events.receive(tx, caller, await registry.require(tx, params.id), body)),
        ),
    }),
    route({
      method: "GET",
      path: "/v1/channels/{id}/events",
      operationId: "listEvents",
      summary: "What came in, newest first",
      tag,
      params: Path,
      query: EventQuery,
      answers: { 200: { description: "A page.", schema: EventList } },
      problems: ["forbidden", "not-found"],
      run: async ({ caller, params, query, request }) => {
        const { limit, page, conversation, unbound } = query;
        const list = await db.read(async (on) => {
          await bindings.requireOwn(on, caller, params.id);
          await registry.require(on, params.id);
          const filter = { channelId: params.id, conversationId: conversation, unbound: unbound !== undefined };
          return events.list(on, filter, page, limit);
        });
        return { status: 200, body: list, headers: nextLink(request, list.nextPage) };
      },
    }),
    route({
      method: "POST",
      path: "/v1/messages/{id}/posts",
      operationId: "notePost",
      summary: "A part of a message is about to be posted, or was: for adapters",
      description: "Whoever claims the message after this one sees how far it came, and posts nothing twice.",
      tag,
      params: MessagePath,
      body: PostNote,
      example: { token: "clm_1_1", part: 0, externalId: "5418" },
      answers: { 200: { description: "All parts so far.", schema: PostedParts } },
      problems: ["forbidden", "not-found", "not-claimable", "claim-lost"],
      run: async ({ caller, params, body }) => ok(await db.write((tx) => outbound.note(tx, caller, params.id, body))),
    }),
  ];
}

/** The messages of an event: 201 the first time, 200 with `Idempotent-Replayed` again. */
export function eventAnswer({ items, routed, replayed }: Received) {
  const messages = items.map(({ entry, work }) => messageJson(entry, work)).join(",");
  const headers: Record<string, string> = replayed ? { "idempotent-replayed": "true" } : {};
  return { status: replayed ? 200 : 201, body: new RawJson(`{"messages":[${messages}],"routed":${routed}}`), headers };
}

import { messageJson } from "../../core/messages/entry.ts";
import { noContent, ok, pageOf, RawJson, type Route, route } from "../../identity/auth/route.ts";
import type { Tx } from "../../kernel/db/database.ts";
import * as bindingsApi from "../../protocol/bindings.ts";
import * as api from "../../protocol/channels.ts";
import { Problem } from "../../protocol/problem.ts";
import { wireBinding } from "./bindings.ts";
import type { EventReceipt } from "./channel-events.ts";
import type { ChannelServices } from "./services.ts";
import { placeOf } from "./store.ts";

/** Chat accounts, their bindings, events and posts. */
export function channelRoutes(services: ChannelServices): Route[] {
  return [
    ...accountRoutes(services),
    ...bindingRoutes(services),
    ...trafficRoutes(services),
    ...webhookRoutes(services),
  ];
}

function webhookRoutes({ db, webhook }: ChannelServices): Route[] {
  return [
    route(api.putWebhookChannel, async ({ caller, params, body }) => {
      const { saved, created } = await db.write((tx) => webhook.put(tx, caller, params.id, body));
      return { status: created ? 201 : 200, body: saved };
    }),
    route(api.getWebhookChannel, async ({ caller, params }) =>
      ok(await db.read((on) => webhook.get(on, caller, params.id))),
    ),
  ];
}

function accountRoutes({ db, registry }: ChannelServices): Route[] {
  return [
    route(api.listChannels, async ({ caller, query, request }) =>
      pageOf(await db.read((on) => registry.list(on, caller, query.page, query.limit)), request),
    ),
    route(api.getChannel, async ({ caller, params }) => ok(await db.read((on) => registry.get(on, caller, params.id)))),
    route(api.chooseDefaultChannel, async ({ caller, params }) =>
      ok(await db.write((tx) => registry.choose(tx, caller, params.id, "yes"))),
    ),
    route(api.unchooseDefaultChannel, async ({ caller, params }) =>
      ok(await db.write((tx) => registry.choose(tx, caller, params.id, "no"))),
    ),
  ];
}

function bindingRoutes({ db, registry, bindings, routing, channelEvents }: ChannelServices): Route[] {
  return [
    route(bindingsApi.listBindings, async ({ caller, query, request }) => {
      const { limit, page, channel, conversation, target } = query;
      const filter = { channelId: channel, conversationId: conversation, target };
      return pageOf(await db.read((on) => bindings.list(on, caller, filter, page, limit)), request);
    }),
    route(bindingsApi.listChannelBindings, async ({ caller, params, query, request }) => {
      const { limit, page, conversation } = query;
      const filter = { channelId: params.id, conversationId: conversation };
      const list = await db.read(async (on) => {
        await registry.requireOwn(on, caller, params.id);
        return bindings.list(on, caller, filter, page, limit);
      });
      return pageOf(list, request);
    }),
    route(bindingsApi.setBinding, async ({ caller, params, body }) =>
      db.write(async (tx) => {
        const channel = await registry.require(tx, params.id);
        const { row, created } = await bindings.set(tx, caller, channel, body);
        const replayed = body.replay ? await channelEvents.replay(tx, row) : {};
        return { status: created ? 201 : 200, body: { ...wireBinding(row), ...replayed } };
      }),
    ),
    route(bindingsApi.removeBinding, async ({ caller, params }) => {
      await db.write((tx) => bindings.remove(tx, caller, params.id, params.bindingId));
      return noContent;
    }),
    route(bindingsApi.explainRoute, async ({ caller, params, query }) => {
      if (query.thread !== undefined && query.conversation === undefined)
        throw Problem.invalid("thread", "needs the conversation it belongs to");
      return db.read(async (on) => {
        await registry.requireOwn(on, caller, params.id);
        const place = { conversationId: query.conversation ?? null, threadId: query.thread ?? null };
        return ok(await routing.report(on, placeOf(params.id, place)));
      });
    }),
  ];
}

function trafficRoutes({ db, registry, channelEvents, outbound, webhook }: ChannelServices): Route[] {
  return [
    route(
      api.reportEvent,
      async ({ caller, params, body }) => {
        const receive = async (tx: Tx) =>
          channelEvents.receive(tx, caller, await registry.require(tx, params.id), body);
        return eventAnswer(await db.write(receive));
      },
      { witness: webhook.witness },
    ),
    route(api.listEvents, async ({ caller, params, query, request }) => {
      const { limit, page, conversation, unbound } = query;
      const list = await db.read(async (on) => {
        await registry.requireOwn(on, caller, params.id);
        const filter = { channelId: params.id, conversationId: conversation, unbound: unbound !== undefined };
        return channelEvents.list(on, filter, page, limit);
      });
      return pageOf(list, request);
    }),
    route(api.notePost, async ({ caller, params, body }) =>
      ok(await db.write((tx) => outbound.note(tx, caller, params.id, body))),
    ),
  ];
}

/** The messages of an event: 201 the first time, 200 with `Idempotent-Replayed` again. */
export function eventAnswer({ items, routed, replayed }: EventReceipt) {
  const messages = items.map(({ entry, work }) => messageJson(entry, work)).join(",");
  const headers: Record<string, string> = replayed ? { "idempotent-replayed": "true" } : {};
  return { status: replayed ? 200 : 201, body: new RawJson(`{"messages":[${messages}],"routed":${routed}}`), headers };
}

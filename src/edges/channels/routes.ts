import { messageJson } from "../../core/messages/entry.ts";
import { RawJson, type Route, route, routesOn } from "../../identity/auth/route.ts";
import type { Tx } from "../../kernel/db/database.ts";
import * as bindingsApi from "../../protocol/bindings.ts";
import * as api from "../../protocol/channels.ts";
import * as guestsApi from "../../protocol/guests.ts";
import { Problem } from "../../protocol/problem.ts";
import { wireBinding } from "./bindings.ts";
import type { EventReceipt } from "./event-posts.ts";
import { placeOf } from "./place.ts";
import type { ChannelServices } from "./services.ts";

/** Chat accounts, their bindings, events and posts. */
export function channelRoutes(services: ChannelServices): Route[] {
  return [...accountRoutes(services), ...guestRoutes(services), ...bindingRoutes(services), ...trafficRoutes(services)];
}

function accountRoutes({ db, registry, webhook }: ChannelServices): Route[] {
  const { get, list, change, register } = routesOn(db);
  return [
    list(api.listChannels, (on, { caller, query }) => registry.list(on, caller, query.page, query.limit)),
    get(api.getChannel, (on, { caller, params }) => registry.get(on, caller, params.id)),
    change(api.chooseDefaultChannel, (tx, { caller, params }) => registry.choose(tx, caller, params.id, "yes")),
    change(api.unchooseDefaultChannel, (tx, { caller, params }) => registry.choose(tx, caller, params.id, "no")),
    register(api.putWebhookChannel, (tx, { caller, params, body }) => webhook.put(tx, caller, params.id, body)),
    get(api.getWebhookChannel, (on, { caller, params }) => webhook.get(on, caller, params.id)),
  ];
}

function guestRoutes({ db, guests }: ChannelServices): Route[] {
  const { list, change, register, remove } = routesOn(db);
  return [
    change(guestsApi.setAccess, (tx, { caller, params, body }) => guests.setAccess(tx, caller, params.id, body.mode)),
    list(guestsApi.listGuests, (on, { caller, params, query }) => guests.list(on, caller, params.id, query)),
    register(guestsApi.addGuest, (tx, { caller, params, body }) => guests.add(tx, caller, params.id, body)),
    remove(guestsApi.removeGuest, (tx, { caller, params }) => guests.remove(tx, caller, params.id, params.guestId)),
  ];
}

function bindingRoutes({ db, registry, bindings, routing, replays }: ChannelServices): Route[] {
  const { get, list, register, remove } = routesOn(db);
  return [
    list(bindingsApi.listBindings, (on, { caller, query }) => {
      const { limit, page, channel, conversation, target } = query;
      return bindings.list(on, caller, { channelId: channel, conversationId: conversation, target }, page, limit);
    }),
    list(bindingsApi.listChannelBindings, async (on, { caller, params, query }) => {
      await registry.requireOwn(on, caller, params.id);
      const filter = { channelId: params.id, conversationId: query.conversation };
      return bindings.list(on, caller, filter, query.page, query.limit);
    }),
    register(bindingsApi.setBinding, async (tx, { caller, params, body }) => {
      const channel = await registry.require(tx, params.id);
      const { row, created } = await bindings.set(tx, caller, channel, body);
      const replayed = body.replay ? await replays.replay(tx, row) : {};
      return { row: { ...wireBinding(row), ...replayed }, created };
    }),
    remove(bindingsApi.removeBinding, (tx, { caller, params }) =>
      bindings.remove(tx, caller, params.id, params.bindingId),
    ),
    get(bindingsApi.explainRoute, async (on, { caller, params, query }) => {
      const { conversation, thread } = query;
      if (thread !== undefined && conversation === undefined)
        throw Problem.invalid("thread", "needs the conversation it belongs to");
      await registry.requireOwn(on, caller, params.id);
      const place = { conversationId: conversation ?? null, threadId: thread ?? null };
      return routing.report(on, placeOf(params.id, place));
    }),
  ];
}

function trafficRoutes({ db, registry, channelEvents, outbound, webhook }: ChannelServices): Route[] {
  const { list, change } = routesOn(db);
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
    list(api.listEvents, async (on, { caller, params, query }) => {
      await registry.requireOwn(on, caller, params.id);
      const { limit, page, conversation, unbound, strangers } = query;
      const only = { unbound: unbound !== undefined, strangers: strangers !== undefined };
      const filter = { channelId: params.id, conversationId: conversation, ...only };
      return channelEvents.list(on, filter, page, limit);
    }),
    change(api.notePost, (tx, { caller, params, body }) => outbound.note(tx, caller, params.id, body)),
  ];
}

/** The messages of an event: 201 the first time, 200 with `Idempotent-Replayed` again. */
function eventAnswer({ items, routed, replayed }: EventReceipt) {
  const messages = items.map(({ entry, work }) => messageJson(entry, work)).join(",");
  const headers: Record<string, string> = replayed ? { "idempotent-replayed": "true" } : {};
  return { status: replayed ? 200 : 201, body: new RawJson(`{"messages":[${messages}],"routed":${routed}}`), headers };
}

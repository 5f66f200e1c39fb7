import type { Areas } from "../../core/core.ts";
import type { Approvals } from "../../features/approvals/approvals.ts";
import type { Files } from "../../features/files/files.ts";
import { createAccess } from "./access.ts";
import { createBindings } from "./bindings.ts";
import { createChannelEvents } from "./channel-events.ts";
import { createChats } from "./chats.ts";
import { createDrafts } from "./drafts.ts";
import { createEventPosts } from "./event-posts.ts";
import { createGuests } from "./guests.ts";
import { createMoves } from "./moves.ts";
import { createOutbound } from "./outbound.ts";
import { createPairing } from "./pairing.ts";
import { createPlaces } from "./places.ts";
import { createRegistry } from "./registry.ts";
import { createReplays } from "./replays.ts";
import { createRouting } from "./routing.ts";
import type { Stores } from "./stores.ts";
import { createStrangers } from "./strangers.ts";
import { createTopics } from "./topics.ts";
import { createTurns } from "./turns.ts";
import { createWebhook } from "./webhook.ts";

export type ChannelServices = ReturnType<typeof createServices>;

/** The verbs of channels. */
export function createServices(areas: Areas & { files: Files; approvals: Approvals }, stores: Stores) {
  const moves = createMoves(areas, stores);
  const bindings = createBindings(areas, stores, moves);
  const routing = createRouting(areas, stores, moves);
  const access = createAccess(areas, stores);
  const pairing = createPairing(areas, stores);
  const strangers = createStrangers(areas, stores, pairing);
  const registry = createRegistry(areas, stores, bindings);
  const eventPosts = createEventPosts(areas, stores, routing, moves);
  const topics = createTopics(areas, stores, routing);
  const parts = { access, eventPosts, routing, turns: createTurns(stores, routing), moves, topics, strangers };
  return {
    db: areas.kernel.db,
    bindings,
    routing,
    places: createPlaces(areas, stores, { routing, moves, access }),
    chats: createChats(areas, stores, routing),
    pairing,
    registry,
    guests: createGuests(areas, stores, { moves, registry }),
    channelEvents: createChannelEvents(areas, stores, parts),
    replays: createReplays(areas, stores, parts),
    drafts: createDrafts(areas, stores, moves),
    outbound: createOutbound(areas, stores, moves),
    webhook: createWebhook(areas, stores),
  };
}

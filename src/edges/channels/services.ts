import type { Areas } from "../../core/core.ts";
import type { Files } from "../../features/files/files.ts";
import { createBindings } from "./bindings.ts";
import { createChannelEvents } from "./channel-events.ts";
import { createDrafts } from "./drafts.ts";
import { createMoves } from "./moves.ts";
import { createOutbound } from "./outbound.ts";
import { createPlaces } from "./places.ts";
import { createRegistry } from "./registry.ts";
import { createRouting } from "./routing.ts";
import type { Stores } from "./stores.ts";
import { createWebhook } from "./webhook.ts";

export type ChannelServices = ReturnType<typeof createServices>;

/** The verbs of channels. */
export function createServices(areas: Areas & { files: Files }, stores: Stores) {
  const moves = createMoves(areas, stores);
  const bindings = createBindings(areas, stores, moves);
  const routing = createRouting(areas, stores, moves);
  return {
    db: areas.kernel.db,
    bindings,
    routing,
    places: createPlaces(areas, stores, routing, moves),
    registry: createRegistry(areas, stores, bindings),
    channelEvents: createChannelEvents(areas, stores, routing, moves),
    drafts: createDrafts(areas, stores, moves),
    outbound: createOutbound(areas, stores, moves),
    webhook: createWebhook(areas, stores),
  };
}

import type { Areas } from "../../core/core.ts";
import type { Sweep } from "../../core/retention/sweeps.ts";
import type { Approvals } from "../../features/approvals/approvals.ts";
import type { Files } from "../../features/files/files.ts";
import { lateRoutes } from "../../identity/auth/late-routes.ts";
import type { Tx } from "../../kernel/db/database.ts";
import { createServices } from "./services.ts";
import { createStores } from "./stores.ts";
import { createWebhookPosts } from "./webhook-posts.ts";

export type Channels = ReturnType<typeof createChannels>;

/** Accounts of chat platforms behind adapters: conversations, incoming events and outgoing posts. */
export function createChannels(areas: Areas & { files: Files; approvals: Approvals }) {
  const stores = createStores();
  const services = createServices(areas, stores);
  const { registry, drafts, outbound, channelEvents } = services;
  const webhookPosts = createWebhookPosts(areas, stores, services.webhook);

  const traffic: Sweep = {
    name: "channels.traffic",
    limit: 500,
    sweep: (tx, { floor, limit }) => stores.traffic.forget(tx, floor, limit),
  };

  const codes: Sweep = {
    name: "channels.pairings",
    limit: 500,
    sweep: (tx, { before, limit }) => stores.guests.forgetPairings(tx, before, limit),
  };

  return {
    shape: drafts.shape,
    readdress: drafts.readdress,
    isHeld: outbound.isHeld,
    enqueue: outbound.enqueue,
    followWork: outbound.followWork,
    report: outbound.report,
    postsOfWork: outbound.postsOfWork,
    facts: outbound.facts,
    deaf: registry.deaf,
    followAgent: registry.followAgent,
    restoreAgent: registry.restoreAgent,
    dropAgent: registry.dropAgent,
    wakeForPost: webhookPosts.wakeForPost,
    wakeForWork: webhookPosts.wakeForWork,
    wakeForAgent: webhookPosts.wakeForAgent,
    places: services.places,
    received: channelEvents.received,
    pressed: channelEvents.pressed,
    typed: channelEvents.typed,
    commanded: channelEvents.commanded,
    followTopic: services.replays.followTopic,
    chats: services.chats,
    ended: outbound.ended,
    followApproval: services.pairing.followApproval,
    sweeps: [traffic, codes],
    dueOutside: webhookPosts.dueOutside,

    /** Runs before the first request. */
    start: (tx: Tx): Promise<void> => registry.adopt(tx),
    routes: lateRoutes(["/v1/channels", "/v1/bindings", "/v1/messages/{id}/posts"], async () =>
      (await import("./routes.ts")).channelRoutes(services),
    ),
  };
}

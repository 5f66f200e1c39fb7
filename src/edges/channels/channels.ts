import type { Areas } from "../../core/core.ts";
import type { Files } from "../../features/files/files.ts";
import { lateRoutes } from "../../identity/auth/late-routes.ts";
import type { Tx } from "../../kernel/db/database.ts";
import { createServices } from "./services.ts";
import { createStores } from "./stores.ts";
import { createWebhookPosts } from "./webhook-posts.ts";

/** Due row that forgets old traffic: every hour, and sooner while a slice was full. */
const TIDY = "channel.tidy";
const TIDY_MS = 3_600_000;
const TIDY_SLICE = 500;

export type Channels = ReturnType<typeof createChannels>;

/** Accounts of chat platforms behind adapters: their conversations, the events that come in and the posts that go out. */
export function createChannels(areas: Areas & { files: Files }) {
  const { clock, db, due } = areas.kernel;
  const { rows } = areas.core.messages;
  const stores = createStores(db);
  const services = createServices(areas, stores);
  const { registry, drafts, outbound, events } = services;
  const webhookPosts = createWebhookPosts(areas, stores, services.webhook);

  async function tidy(tx: Tx): Promise<void> {
    const did = await stores.traffic.forget(tx, await rows.floor(tx), TIDY_SLICE);
    await due.schedule(tx, TIDY, "traffic", clock.now() + (did === TIDY_SLICE ? 1000 : TIDY_MS));
  }

  return {
    shape: drafts.shape,
    readdress: drafts.readdress,
    isHeld: outbound.isHeld,
    enqueue: outbound.enqueue,
    followWork: outbound.followWork,
    report: outbound.report,
    postsOfWork: outbound.postsOfWork,
    facts: outbound.facts,
    followAgent: registry.followAgent,
    restoreAgent: registry.restoreAgent,
    dropAgent: registry.dropAgent,
    wakeForPost: webhookPosts.wakeForPost,
    wakeForWork: webhookPosts.wakeForWork,
    wakeForAgent: webhookPosts.wakeForAgent,
    received: events.received,
    ended: outbound.ended,
    dueHandlers: { [TIDY]: tidy },
    dueOutside: webhookPosts.dueOutside,

    /** Before the first request. */
    async start(tx: Tx): Promise<void> {
      await registry.adopt(tx);
      if (!(await due.find(tx, TIDY, "traffic"))) await due.schedule(tx, TIDY, "traffic", clock.now() + TIDY_MS);
    },
    routes: lateRoutes(["/v1/channels", "/v1/bindings", "/v1/messages/{id}/posts"], async () =>
      (await import("./routes.ts")).channelRoutes(services),
    ),
  };
}

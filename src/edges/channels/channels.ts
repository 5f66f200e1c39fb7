import type { Messaging } from "../../core/core.ts";
import type { Files } from "../../features/files/service.ts";
import type { ActivityService } from "../../identity/activity/service.ts";
import { lateRoutes } from "../../identity/auth/late-routes.ts";
import type { Tx } from "../../kernel/db/database.ts";
import type { Egress } from "../../kernel/egress/egress.ts";
import { toTime } from "../../protocol/wire.ts";
import { createBindings } from "./bindings.ts";
import { createEvents } from "./events.ts";
import { createMoves } from "./moves.ts";
import { createOutbound } from "./outbound.ts";
import { createRegistry } from "./registry.ts";
import { createRouting } from "./routing.ts";
import { createChannelStore } from "./store.ts";
import { createMoveStore } from "./store-moves.ts";
import { createTrafficStore } from "./store-traffic.ts";
import { createWebhookStore } from "./store-webhook.ts";
import { createWebhook } from "./webhook.ts";
import { createWebhookPosts } from "./webhook-posts.ts";

export interface ChannelParts {
  messaging: Messaging;
  activity: ActivityService;
  files: Files;
  egress: Egress;
  /** What secrets are derived from. */
  key: string;
}

/** Old traffic is forgotten so often, so much at once. */
const TIDY = "channel.tidy";
const TIDY_MS = 3_600_000;
const TIDY_SLICE = 500;

export type Channels = ReturnType<typeof createChannels>;

/** Wires channels: accounts of chat platforms behind adapters, who their conversations go to, what comes in and goes out. */
export function createChannels({ messaging, activity, files, egress, key }: ChannelParts) {
  const { db, agents, agentStore, members, roster, sender, leases, claims, due, clock, explainer } = messaging;
  const store = createChannelStore(db);
  const traffic = createTrafficStore(db);
  const base = {
    ...{ agents, agentStore, members, roster, activity, sender, leases, claims, due, clock, store, traffic },
    ...{ messages: messaging.store, works: messaging.works },
  };
  const moves = createMoves({ ...base, store: createMoveStore(db) });
  const bindings = createBindings({ ...base, moves });
  const hooks = createWebhookStore(db);
  const registry = createRegistry({ ...base, bindings, hooks });
  const routing = createRouting(store, agentStore, moves);
  const events = createEvents({ ...base, routing, moves });
  const outbound = createOutbound({ ...base, files, moves });
  const webhook = createWebhook({ ...base, db, egress, hooks, key });
  createWebhookPosts({ ...base, db, egress, hooks, webhook });

  sender.nameBy(registry.names);
  agents.onDeleted(async (tx, agentId) => {
    await store.endBindingsTo(tx, agentId, clock.now());
    if (!(await store.byId(tx, agentId))) return;
    await store.remove(tx, agentId);
    await hooks.remove(tx, agentId);
  });
  explainer.alsoTell(async (on, row) => {
    const at = toTime(row.createdAt);
    const routed = row.route === null ? [] : [{ at, step: "routed" as const, ...JSON.parse(row.route) }];
    const parts = await traffic.parts(on, row.id);
    const posted = parts.map(({ part, externalId, at: when }) => ({
      ...{ at: toTime(when), step: "posted" as const, part, externalId },
    }));
    const ahead = await outbound.aheadOf(on, row.id);
    const waiting = ahead === undefined ? [] : [{ at, step: "waiting" as const, behind: ahead }];
    return [...routed, ...waiting, ...posted];
  });
  due.on(TIDY, async (tx) => {
    const did = await traffic.forget(tx, await messaging.store.floor(tx), TIDY_SLICE);
    await due.schedule(tx, TIDY, "traffic", clock.now() + (did === TIDY_SLICE ? 1000 : TIDY_MS));
  });

  return {
    ...{ registry, bindings, events, outbound, routing, store },
    /** What has to be there before anybody asks. */
    async start(tx: Tx): Promise<void> {
      await registry.adopt(tx);
      if (!(await due.find(tx, TIDY, "traffic"))) await due.schedule(tx, TIDY, "traffic", clock.now() + TIDY_MS);
    },
    routes: lateRoutes(["/v1/channels", "/v1/bindings", "/v1/messages/{id}/posts"], async () =>
      (await import("./routes.ts")).channelRoutes({ db, registry, bindings, routing, events, outbound, webhook }),
    ),
  };
}

import { createHmac } from "node:crypto";
import type { Areas } from "../../core/core.ts";
import type { Delegations } from "../../features/delegations/delegations.ts";
import type { Route } from "../../identity/auth/route.ts";
import type { OutsideWork } from "../../kernel/due/due.ts";
import type { Bells } from "./bells.ts";
import { createCalls } from "./calls.ts";
import { cardRoutes } from "./card-routes.ts";
import { createContact } from "./contact.ts";
import { createDeliverer } from "./deliver.ts";
import { createOutsideService } from "./external.ts";
import { outsideRoutes } from "./external-routes.ts";
import { createFollow } from "./follow.ts";
import { createFront } from "./front.ts";
import { createHandlers } from "./handler.ts";
import { DELIVER, LOOK, PUSH, REFRESH, type WorkKind } from "./kinds.ts";
import { createOutgoing } from "./outgoing.ts";
import { createLooker } from "./poll.ts";
import { createPushes } from "./pushes.ts";
import { createRemote } from "./remote.ts";
import { bindingRoutes } from "./routes.ts";
import { createSeal } from "./seal.ts";
import { createTaskService } from "./service.ts";
import type { Stores } from "./stores.ts";
import type { Streams } from "./stream.ts";

interface Means {
  stores: Stores;
  bells: Bells;
  streams: Streams;
  publicUrl: string | undefined;
  /** Notes the end of a request that the relay made. */
  note(what: string, isGood: boolean): void;
}

type A2AAreas = Areas & { delegations: Delegations };

/** Everything that speaks the protocol: its routes, and the work that becomes due. */
export function createInside(areas: A2AAreas, means: Means) {
  const { kernel, identity } = areas;
  const { stores, streams, publicUrl, note } = means;
  const tasks = createTaskService(areas, stores.contexts);
  const follow = createFollow(areas, tasks);
  const pushes = createPushes(areas, stores.pushes, { tasks, seal: createSeal(kernel.key), note });
  const handlers = createHandlers(kernel.db, tasks, { follow, pushes });
  const front = createFront(areas, { handlers, streams, publicUrl });
  const { outside, work } = createOut(areas, means);
  const routes: Route[] = [...cardRoutes(identity.agents, publicUrl), ...outsideRoutes(kernel.db, outside)];
  const works: Record<WorkKind, OutsideWork> = { ...work, [PUSH]: pushes.work };
  return { routes, bindings: bindingRoutes(front), work: works };
}

/** Agents of other machines: registering them, and what is sent to them. */
function createOut(areas: A2AAreas, { stores, bells, note }: Means) {
  const { key, egress } = areas.kernel;
  const store = stores.outside;
  const seal = createSeal(key);
  const contact = createContact(areas, store, { remote: createRemote(egress), seal, note });
  const calls = createCalls(areas, store);
  const relay = createHmac("sha256", key).update("a2a message ids").digest("hex").slice(0, 12);
  const outgoing = createOutgoing(areas, store);
  const work = {
    [REFRESH]: contact.refresh,
    [DELIVER]: createDeliverer(areas, store, { outgoing, contact, calls, relay }),
    [LOOK]: createLooker(areas, store, { contact, calls }),
  };
  return { outside: createOutsideService(areas, store, { bells, seal }), work };
}

import { createHmac } from "node:crypto";
import type { Route } from "../../identity/auth/route.ts";
import type { OutsideWork } from "../../kernel/due/due.ts";
import type { Problem } from "../../protocol/problem.ts";
import type { A2AParts } from "./a2a.ts";
import type { Bells } from "./bells.ts";
import { createCalls } from "./calls.ts";
import { cardRoutes } from "./card-routes.ts";
import { extendedRelayCard, MAX_NAMED } from "./cards.ts";
import { createContact } from "./contact.ts";
import { createDeliverer } from "./deliver.ts";
import { createOutsideService } from "./external.ts";
import { outsideRoutes } from "./external-routes.ts";
import { createFollow } from "./follow.ts";
import { createHandlers } from "./handler.ts";
import { DELIVER, LOOK, PUSH, REFRESH, type WorkKind } from "./kinds.ts";
import { createOutgoing } from "./outgoing.ts";
import { createLooker } from "./poll.ts";
import { createPushes } from "./pushes.ts";
import { createRemote } from "./remote.ts";
import { bindingRoutes } from "./routes.ts";
import { createSeal } from "./seal.ts";
import { createTaskService } from "./service.ts";
import type { CallRow, OutsideStore } from "./store.ts";
import type { ContextStore } from "./store-contexts.ts";
import type { PushStore } from "./store-pushes.ts";
import type { Streams } from "./stream.ts";

export interface InsideParts extends A2AParts {
  stores: { outside: OutsideStore; pushes: PushStore; contexts: ContextStore };
  bells: Bells;
  streams: Streams;
  /** Told how each request that the relay made has ended. */
  asked(what: string, isGood: boolean): void;
}

/** Everything that speaks the protocol: its routes, and the work that becomes due. */
export function createInside(parts: InsideParts) {
  const { messaging, agents, delegations: room, idempotency, stores, streams, asked } = parts;
  const { egress, publicUrl, key, onError } = parts;
  const { db, lists, sender, waits, due, clock } = messaging;
  const seal = createSeal(key);
  const tasks = createTaskService({ ...stores, delegations: room.delegations, idempotency, lists, sender });
  const follow = createFollow({ db, waits, tasks });
  const pushes = createPushes({ db, store: stores.pushes, agents, tasks, sender, egress, seal, due, clock, asked });
  const handlers = createHandlers({ db, tasks, follow, pushes });
  const extendedCard = async (base: string) => extendedRelayCard(base, await agents.providers(MAX_NAMED));
  const { outside, work } = createOut(parts);
  const routes: Route[] = [...cardRoutes(agents, publicUrl), ...outsideRoutes(db, outside)];
  const bindings = bindingRoutes({ handlers, streams, publicUrl, extendedCard, onError });
  const works: Record<WorkKind, OutsideWork> = { ...work, [PUSH]: pushes.work };
  return { routes, bindings, work: works };
}

/** Agents out there: who they are, what goes to them, and what becomes of that. */
function createOut(parts: InsideParts) {
  const { messaging, agents, activity, delegations: room, inbox, egress, key, onError, stores, bells, asked } = parts;
  const { db, due, clock, works, agentStore, sender, claims } = messaging;
  const store = stores.outside;
  const seal = createSeal(key);
  const base = { db, store, agents, due, clock };
  const hurry: Parameters<typeof createContact>[0]["hurry"] = (tx, agentId) =>
    due.hurry(tx, DELIVER, agentId, clock.now());
  const contact = createContact({ ...base, remote: createRemote(egress), seal, asked, hurry });
  const onLost = (problem: Problem, { messageId, agentId }: CallRow) =>
    onError(problem, `a2a: what ${agentId} said about message ${messageId} reached nobody`);
  const calls = createCalls({ store, delegations: room.delegations, sender, claims, clock, onLost });
  const relay = createHmac("sha256", key).update("a2a message ids").digest("hex").slice(0, 12);
  const outgoing = createOutgoing(store, works);
  const work = {
    [REFRESH]: contact.refresh,
    [DELIVER]: createDeliverer({ ...base, inbox, outgoing, contact, calls, claims, sender, relay }),
    [LOOK]: createLooker({ ...base, contact, calls }),
  };
  return { outside: createOutsideService({ ...base, agentStore, activity, bells, egress, seal }), work };
}

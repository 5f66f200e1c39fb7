import { createHmac } from "node:crypto";
import type { ActivityService } from "../activity/service.ts";
import type { AgentService } from "../agents/service.ts";
import type { Tx } from "../db/database.ts";
import type { Delegations } from "../delegations/service.ts";
import type { DelegationRow } from "../delegations/store.ts";
import type { Egress } from "../egress/egress.ts";
import { lateRoutes } from "../http/late.ts";
import type { Idempotency } from "../idempotency/service.ts";
import type { Inbox } from "../inbox/inbox.ts";
import type { Messaging } from "../messages/messaging.ts";
import type { Problem } from "../problem.ts";
import { toTime, toTimeOrNull } from "../wire.ts";
import { createCalls } from "./calls.ts";
import { extendedRelayCard, MAX_NAMED } from "./cards.ts";
import { createContact } from "./contact.ts";
import { createDeliverer, DELIVER } from "./deliver.ts";
import { createFollow } from "./follow.ts";
import { createHandlers } from "./handler.ts";
import { createLooker } from "./look.ts";
import { createOutgoing } from "./outgoing.ts";
import { createOutsideService } from "./outside.ts";
import { createPushes } from "./pushes.ts";
import { createRemote } from "./remote.ts";
import { createSeal, type Seal } from "./seal.ts";
import { createTaskService } from "./service.ts";
import { type CallRow, createOutsideStore } from "./store.ts";
import { createContextStore } from "./store-contexts.ts";
import { createPushStore } from "./store-pushes.ts";
import { createStreams } from "./stream.ts";

export interface A2AParts {
  messaging: Messaging;
  agents: AgentService;
  activity: ActivityService;
  delegations: { delegations: Delegations; onChange(listener: (row: DelegationRow) => void): unknown };
  inbox: Inbox;
  idempotency: Idempotency;
  egress: Egress;
  publicUrl: string | undefined;
  /** What secrets are sealed with: see `derivationKey`. */
  key: string;
  onError(error: unknown, stage?: string): void;
}

/** Wires A2A: who is here for agents out there, and agents out there for who is here. */
export function createA2A(parts: A2AParts) {
  const { messaging, agents, delegations: room, idempotency, egress, publicUrl, key, onError } = parts;
  const { db, lists, sender, waits, connections } = messaging;
  const contexts = createContextStore(db);
  const tasks = createTaskService({ delegations: room.delegations, contexts, idempotency, lists, sender });
  const follow = createFollow({ db, waits, tasks });
  const seal = createSeal(key);
  const listeners: ((what: string, outcome: "good" | "failed") => void)[] = [];
  const asked = (what: string, isGood: boolean) => {
    for (const listener of listeners) listener(what, isGood ? "good" : "failed");
  };
  const { leases, due, clock } = messaging;
  const pushStore = createPushStore(db);
  const pushes = createPushes({ db, store: pushStore, agents, tasks, sender, leases, egress, seal, due, clock, asked });
  const handlers = createHandlers({ db, tasks, follow, pushes });
  const streams = createStreams(connections, onError);
  const extendedCard = async (base: string) => extendedRelayCard(base, await agents.providers(MAX_NAMED));
  const outside = wireOutside(parts, seal, asked);

  forgetWith(messaging, onError, contexts.forget);
  // That somebody took it is no message to who asked.
  room.onChange((row) => waits.nudge(row.fromId));

  return {
    openStreams: streams.size,
    pauseOf: pushes.pauseOf,
    /** Told of each request that the relay made, and how it ended. */
    onAsked: (listener: (what: string, outcome: "good" | "failed") => void) => listeners.push(listener),
    /** Before anything is due. */
    load: () => db.read((on) => outside.load(on)),
    /** Cards and members: part of the OpenAPI document. */
    routes: lateRoutes(["/.well-known/agent-card.json", "/a2a", "/v1/a2a"], async () => {
      const [{ cardRoutes }, { outsideRoutes }] = await Promise.all([
        import("./card-routes.ts"),
        import("./outside-routes.ts"),
      ]);
      return [...cardRoutes(agents, publicUrl), ...outsideRoutes(db, outside)];
    }),
    /** The protocol's own calls, which it describes itself. */
    bindings: lateRoutes(["/a2a"], async () =>
      (await import("./routes.ts")).bindingRoutes({ handlers, streams, publicUrl, extendedCard, onError }),
    ),
  };
}

const FORGET_AT_ONCE = 500;
const MAX_TOLD = 200;

function wireOutside(parts: A2AParts, seal: Seal, asked: (what: string, isGood: boolean) => void) {
  const { messaging, agents, activity, delegations: room, inbox, egress, key, onError } = parts;
  const { db, due, clock, works, agentStore, members, sender, claims, explainer } = messaging;
  const { delegations } = room;
  const store = createOutsideStore(db);
  const base = { db, store, agents, due, clock };
  const hurry: Parameters<typeof createContact>[0]["hurry"] = (tx, agentId) =>
    due.hurry(tx, DELIVER, agentId, clock.now());
  const contact = createContact({ ...base, remote: createRemote(egress), seal, asked, hurry });
  const onLost = (problem: Problem, { messageId, agentId }: CallRow) =>
    onError(problem, `a2a: what ${agentId} said about message ${messageId} reached nobody`);
  const calls = createCalls({ store, delegations, sender, claims, clock, onLost });
  const relay = createHmac("sha256", key).update("a2a message ids").digest("hex").slice(0, 12);
  createDeliverer({ ...base, inbox, outgoing: createOutgoing(store, works), contact, calls, claims, sender, relay });
  createLooker({ ...base, contact, calls });
  const outside = createOutsideService({ ...base, agentStore, members, activity, sender, egress, seal });

  messaging.roster.knowElsewhere(outside.isOutside);
  explainer.alsoTell(async (on, { id }) =>
    (await store.callsOf(on, id, MAX_TOLD)).map(({ agentId, taskId, startedAt, endedAt }) => ({
      ...{ at: toTime(startedAt), step: "called" as const, agentId, taskId, endedAt: toTimeOrNull(endedAt) },
    })),
  );
  forgetWith(messaging, onError, store.forget);
  return outside;
}

/** Has rows go with the messages that retention takes. */
function forgetWith(
  { db, retention }: Messaging,
  onError: A2AParts["onError"],
  forget: (tx: Tx, upTo: number, limit: number) => Promise<number>,
): void {
  async function forgetUpTo(upTo: number): Promise<void> {
    while ((await db.background((tx) => forget(tx, upTo, FORGET_AT_ONCE))) >= FORGET_AT_ONCE);
  }
  retention.onRun(({ upTo }) => void forgetUpTo(upTo).catch(onError));
}

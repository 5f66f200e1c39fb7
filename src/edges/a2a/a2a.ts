import type { Messaging } from "../../core/core.ts";
import type { Inbox } from "../../core/inbox/inbox.ts";
import type { Delegations } from "../../features/delegations/service.ts";
import type { DelegationRow } from "../../features/delegations/store.ts";
import type { ActivityService } from "../../identity/activity/service.ts";
import type { AgentService } from "../../identity/agents/service.ts";
import { lateRoutes } from "../../identity/auth/late-routes.ts";
import type { Tx } from "../../kernel/db/database.ts";
import type { Egress } from "../../kernel/egress/egress.ts";
import type { Idempotency } from "../../kernel/idempotency/service.ts";
import { lazy } from "../../kernel/lazy.ts";
import { toTime, toTimeOrNull } from "../../protocol/wire.ts";
import { wireBells } from "./bells.ts";
import { WORK_KINDS, WORK_MS } from "./kinds.ts";
import { createOutsideStore } from "./store.ts";
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

const FORGET_AT_ONCE = 500;
const MAX_TOLD = 200;

/**
 * Wires A2A: who is here for agents out there, and agents out there for who is here. What speaks the protocol, with its SDK,
 * is loaded when it is first spoken: most relays never do.
 */
export function createA2A(parts: A2AParts) {
  const { messaging, agents, delegations: room, onError } = parts;
  const { db, due, waits, connections, explainer } = messaging;
  const stores = { outside: createOutsideStore(db), pushes: createPushStore(db), contexts: createContextStore(db) };
  const bells = wireBells({ ...messaging, ...stores, agents });
  const streams = createStreams(connections, onError);
  const listeners: ((what: string, outcome: "good" | "failed") => void)[] = [];
  const asked = (what: string, isGood: boolean) => {
    for (const listener of listeners) listener(what, isGood ? "good" : "failed");
  };
  const inside = lazy(async () =>
    (await import("./inside.ts")).createInside({ ...parts, stores, bells, streams, asked }),
  );
  for (const kind of WORK_KINDS)
    due.outside(kind, WORK_MS[kind], async (row, signal) => (await inside()).work[kind](row, signal));

  messaging.roster.knowElsewhere(bells.isOutside);
  explainer.alsoTell(async (on, { id }) =>
    (await stores.outside.callsOf(on, id, MAX_TOLD)).map(({ agentId, taskId, startedAt, endedAt }) => ({
      ...{ at: toTime(startedAt), step: "called" as const, agentId, taskId, endedAt: toTimeOrNull(endedAt) },
    })),
  );
  forgetWith(messaging, onError, stores.outside.forget);
  forgetWith(messaging, onError, stores.contexts.forget);
  // That somebody took it is no message to who asked.
  room.onChange((row) => waits.nudge(row.fromId));

  return {
    openStreams: streams.size,
    pauseOf: bells.pauseOf,
    /** Told of each request that the relay made, and how it ended. */
    onAsked: (listener: (what: string, outcome: "good" | "failed") => void) => listeners.push(listener),
    /** Before anything is due. */
    load: () => db.read((on) => bells.load(on)),
    /** Cards and members: part of the OpenAPI document. */
    routes: lateRoutes(["/.well-known/agent-card.json", "/a2a", "/v1/a2a"], async () => (await inside()).routes),
    /** The protocol's own calls, which it describes itself. */
    bindings: lateRoutes(["/a2a"], async () => (await inside()).bindings),
  };
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

import type { Areas } from "../../core/core.ts";
import type { MessageRow } from "../../core/messages/row.ts";
import type { Sweep } from "../../core/retention/sweeps.ts";
import type { Delegations } from "../../features/delegations/delegations.ts";
import type { RunRow } from "../../features/runs/row.ts";
import type { Runs } from "../../features/runs/runs.ts";
import { lateRoutes } from "../../identity/auth/late-routes.ts";
import type { ReadTx } from "../../kernel/db/database.ts";
import type { OutsideWork } from "../../kernel/due/due.ts";
import { lazy } from "../../kernel/lazy.ts";
import type { DelegationChange } from "../../protocol/delegations.ts";
import type { Fact } from "../../protocol/explain.ts";
import type { RunChange } from "../../protocol/runs.ts";
import { toTime, toTimeOrNull } from "../../protocol/wire.ts";
import { WORK_KINDS, WORK_MS, type WorkKind } from "./kinds.ts";
import { createStores } from "./stores.ts";
import { createStreams } from "./stream.ts";
import { createWakeUps } from "./wake-ups.ts";

const MAX_FACTS = 200;

export type A2A = ReturnType<typeof createA2A>;

/**
 * Agents of the relay for A2A clients, and A2A external agents for the relay. The code that speaks the protocol,
 * with its SDK, is loaded when it is first needed: most relays never do.
 */
export function createA2A(
  areas: Areas & { delegations: Delegations; runs: Runs },
  options: { publicUrl: string | undefined },
) {
  const { db, hooks } = areas.kernel;
  const { waits } = areas.core.inbox;
  const stores = createStores(db);
  const wakeUps = createWakeUps(areas, stores);
  const streams = createStreams(areas.kernel);
  /** A request of the relay to another machine ended. */
  const asked = hooks.event<[kind: string, outcome: "good" | "failed"]>("a2a.asked");
  const inside = lazy(async () =>
    (await import("./inside.ts")).createInside(areas, {
      ...{ stores, wakeUps, streams, publicUrl: options.publicUrl },
      note: (what, isGood) => asked.announce(what, isGood ? "good" : "failed"),
    }),
  );

  /** Deletes rows of messages that retention has passed. */
  const sweepOf = (name: string, { forget }: Pick<typeof stores.external, "forget">): Sweep => ({
    ...{ name, limit: 500 },
    sweep: (tx, { floor, limit }) => forget(tx, floor, limit),
  });

  const lateWork = (kind: WorkKind): { maxMs: number; work: OutsideWork } => ({
    maxMs: WORK_MS[kind],
    work: async (row, signal) => (await inside()).work[kind](row, signal),
  });

  return {
    openStreams: streams.size,
    asked,
    wakePushes: wakeUps.wakePushes,
    wakeDelivery: wakeUps.wakeDelivery,
    followWork: wakeUps.followWork,
    dropAgent: wakeUps.dropAgent,
    forgetAgent: wakeUps.forgetAgent,
    pauseOf: wakeUps.pauseOf,
    setUpBy: wakeUps.setUpBy,
    /** Calls that a message has caused. */
    async facts(on: ReadTx, { id }: MessageRow): Promise<Fact[]> {
      return (await stores.external.callsOf(on, id, MAX_FACTS)).map(({ agentId, taskId, startedAt, endedAt }) => ({
        ...{ at: toTime(startedAt), step: "called" as const, agentId, taskId, endedAt: toTimeOrNull(endedAt) },
      }));
    },
    /** Wakes the asker's waits: no message says that its request was claimed. */
    delegationChanged({ from }: DelegationChange): void {
      waits.nudge(from);
    },
    /** Wakes the waits of whoever asked: no message says that a run was taken. */
    runChanged(_: RunChange, { delegationId, askedBy }: RunRow): void {
      if (delegationId !== null && askedBy !== null) waits.nudge(askedBy);
    },
    sweeps: [sweepOf("a2a.calls", stores.external), sweepOf("a2a.contexts", stores.contexts)],
    dueOutside: Object.fromEntries(WORK_KINDS.map((kind) => [kind, lateWork(kind)])),
    /** Runs before anything is due. */
    load: () => db.read((on) => wakeUps.load(on)),
    /** Cards and members: part of the OpenAPI document. */
    routes: lateRoutes(["/.well-known/agent-card.json", "/a2a", "/v1/a2a"], async () => (await inside()).routes),
    /** The protocol's own calls, which it describes itself. */
    bindings: lateRoutes(["/a2a"], async () => (await inside()).bindings),
  };
}

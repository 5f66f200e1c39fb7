import type { Areas } from "../../core/core.ts";
import type { LogEntry } from "../../core/messages/entry.ts";
import type { Sweep } from "../../core/retention/sweeps.ts";
import { lateRoutes } from "../../identity/auth/late-routes.ts";
import type { ReadTx } from "../../kernel/db/database.ts";
import { createPairLifecycle } from "./lifecycle.ts";
import { createPairService } from "./service.ts";
import { createPairStore } from "./store.ts";

export type Pairs = ReturnType<typeof createPairs>;

/** Two agents that agreed to work together. */
export function createPairs(areas: Areas) {
  const { db } = areas.kernel;
  const store = createPairStore();
  const lifecycle = createPairLifecycle(areas, store);
  const service = createPairService(areas, store, lifecycle);

  /** Requests to pair that need nothing more: for the requester at once, for the target once answered or expired. */
  async function settledAmong(on: ReadTx, entries: readonly LogEntry[], reader: string): Promise<number[]> {
    const asked = entries.flatMap((entry) => askedIn(entry) ?? []);
    const pairIds = asked.map(({ pairId }) => pairId);
    const pending = await store.pendingAmong(on, pairIds);
    return asked.filter(({ pairId, by }) => by === reader || !pending.has(pairId)).map(({ id }) => id);
  }

  const ended: Sweep = {
    name: "pairs",
    limit: 200,
    sweep: (tx, { before, limit }) => store.forget(tx, before, limit),
  };

  return {
    changed: lifecycle.changed,
    dropAgent: lifecycle.dropAgent,
    settledAmong,
    sweeps: [ended],
    dueHandlers: lifecycle.dueHandlers,
    routes: lateRoutes(["/v1/pairs"], async () => (await import("./routes.ts")).pairRoutes(db, service)),
  };
}

/** Pair and requester in an entry that asks for a pair. */
function askedIn({ id, kind, from, json }: LogEntry): { id: number; pairId: string; by: unknown } | undefined {
  if (kind !== "pair" || from !== "system") return undefined;
  const { payload } = JSON.parse(json) as { payload: Record<string, unknown> | null };
  if (payload?.pairEvent !== "requested" || typeof payload.pairId !== "string") return undefined;
  return { id, pairId: payload.pairId, by: payload.requesterId };
}

import type { Areas } from "../../core/core.ts";
import type { LogEntry } from "../../core/messages/entry.ts";
import { CAUTION } from "../../core/retention/retention.ts";
import { lateRoutes } from "../../identity/auth/late-routes.ts";
import type { Reading } from "../../kernel/db/database.ts";
import { createPairLife } from "./life.ts";
import { createPairService } from "./service.ts";
import { createPairStore } from "./store.ts";

const DAY_MS = 86_400_000;
const FORGET_AT_ONCE = 200;

export type Pairs = ReturnType<typeof createPairs>;

/** Two agents that agreed to work together. */
export function createPairs(areas: Areas, { retentionDays }: { retentionDays: number }) {
  const { db, due, clock, onError } = areas.kernel;
  const store = createPairStore();
  const life = createPairLife(areas, store);
  const service = createPairService(areas, store, life);

  /** A question whether to pair up is settled for its asker at once, and for the agent asked when it was answered or expired. */
  async function settledAmong(on: Reading, entries: readonly LogEntry[], reader: string): Promise<number[]> {
    const asked = entries.flatMap((entry) => askedIn(entry) ?? []);
    const pairIds = asked.map(({ pairId }) => pairId);
    const pending = await store.pendingAmong(on, pairIds);
    return asked.filter(({ pairId, by }) => by === reader || !pending.has(pairId)).map(({ id }) => id);
  }

  /** Pairs that ended before the retention time go, unless a jump of the clock only makes them look so old. */
  async function forget(): Promise<void> {
    if (await db.read((on) => due.find(on, CAUTION, "log"))) return;
    const before = clock.now() - retentionDays * DAY_MS;
    while ((await db.background((tx) => store.forget(tx, before, FORGET_AT_ONCE))) >= FORGET_AT_ONCE);
  }

  return {
    changed: life.changed,
    dropAgent: life.dropAgent,
    settledAmong,
    retain: (): void => void forget().catch(onError),
    dueHandlers: life.dueHandlers,
    routes: lateRoutes(["/v1/pairs"], async () => (await import("./routes.ts")).pairRoutes(db, service)),
  };
}

/** The pair that an entry asks about, and who wants it. */
function askedIn({ id, kind, from, json }: LogEntry): { id: number; pairId: string; by: unknown } | undefined {
  if (kind !== "pair" || from !== "system") return undefined;
  const { payload } = JSON.parse(json) as { payload: Record<string, unknown> | null };
  if (payload?.pairEvent !== "requested" || typeof payload.pairId !== "string") return undefined;
  return { id, pairId: payload.pairId, by: payload.requesterId };
}

import type { Messaging } from "../../core/core.ts";
import { CAUTION } from "../../core/retention/retention.ts";
import type { ActivityService } from "../../identity/activity/service.ts";
import { lateRoutes } from "../../identity/auth/late-routes.ts";
import type { Idempotency } from "../../kernel/idempotency/service.ts";
import type { LogEntry } from "../../kernel/log/tail.ts";
import { createPairLife } from "./life.ts";
import { createPairService } from "./service.ts";
import { createPairStore } from "./store.ts";

export interface PairRoomParts {
  messaging: Messaging;
  idempotency: Idempotency;
  activity: ActivityService;
  retentionDays: number;
  onError(error: unknown): void;
}

const DAY_MS = 86_400_000;
const FORGET_AT_ONCE = 200;

/** Wires agents that work in twos. */
export function createPairs({ messaging, idempotency, activity, retentionDays, onError }: PairRoomParts) {
  const { db, due, clock, retention, settled, store: messages } = messaging;
  const store = createPairStore();
  const base = { ...messaging, store, messages, idempotency, activity };
  const life = createPairLife(base);
  const pairs = createPairService({ ...base, life });

  // A question whether to pair up: for who asked it at once, for who was asked when it was answered or has expired.
  settled.alsoBy(async (on, entries, reader) => {
    const asked = entries.flatMap((entry) => askedIn(entry) ?? []);
    const pending = await store.pendingAmong(
      on,
      asked.map(({ pairId }) => pairId),
    );
    return asked.filter(({ pairId, by }) => by === reader || !pending.has(pairId)).map(({ id }) => id);
  });
  retention.onRun(() => void forget().catch(onError));

  /** What ended before the retention time goes, unless a jump of the clock only makes it look so. */
  async function forget(): Promise<void> {
    if (await db.read((on) => due.find(on, CAUTION, "log"))) return;
    const before = clock.now() - retentionDays * DAY_MS;
    while ((await db.background((tx) => store.forget(tx, before, FORGET_AT_ONCE))) >= FORGET_AT_ONCE);
  }

  return {
    onChange: life.onChange,
    routes: lateRoutes(["/v1/pairs"], async () => (await import("./routes.ts")).pairRoutes(db, pairs)),
  };
}

/** The pair that an entry asks about, and who wants it. */
function askedIn({ id, kind, from, json }: LogEntry): { id: number; pairId: string; by: unknown } | undefined {
  if (kind !== "pair" || from !== "system") return undefined;
  const { payload } = JSON.parse(json) as { payload: Record<string, unknown> | null };
  if (payload?.pairEvent !== "requested" || typeof payload.pairId !== "string") return undefined;
  return { id, pairId: payload.pairId, by: payload.requesterId };
}

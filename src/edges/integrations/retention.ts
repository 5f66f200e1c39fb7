import type { Clock } from "../../kernel/clock.ts";
import type { Due } from "../../kernel/due/due.ts";
import type { Idempotency } from "../../kernel/idempotency/service.ts";
import type { EndStore } from "./store-ends.ts";

/** The operation of idempotency keys that deliveries have. */
export const EVENT = "event";
const RETAIN = "integrations.retention";
const SLICE = 200;
const FIRST_MS = 120_000;
const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;

export interface DeliveryRetentionParts {
  due: Due;
  idempotency: Idempotency;
  ends: EndStore;
  clock: Clock;
  retentionDays: number;
}

/** Ids of deliveries and ends are known for the retention time: no sender repeats a delivery, or is late, for longer. */
export function wireDeliveryRetention({ due, idempotency, ends, clock, retentionDays }: DeliveryRetentionParts): void {
  due.onResume((tx, now) => due.schedule(tx, RETAIN, "deliveries", now + FIRST_MS));
  due.on(RETAIN, async (tx) => {
    const before = clock.now() - retentionDays * DAY_MS;
    const keys = await idempotency.forget(tx, EVENT, before, SLICE);
    const ended = await ends.removeBefore(tx, before, SLICE);
    const isMore = keys === SLICE || ended === SLICE;
    await due.schedule(tx, RETAIN, "deliveries", clock.now() + (isMore ? 0 : HOUR_MS));
  });
}

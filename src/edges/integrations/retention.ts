import type { Tx } from "../../kernel/db/database.ts";
import type { Kernel } from "../../kernel/kernel.ts";
import type { EndStore } from "./store-ends.ts";

/** Operation of the idempotency keys that deliveries have. */
export const EVENT = "event";
const RETAIN = "integrations.retention";
const SLICE = 200;
const FIRST_MS = 120_000;
const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;

/** Ids of deliveries and ends are kept for the retention time: no sender repeats a delivery, or is late, for longer. */
export function createDeliveryRetention({ due, idempotency, clock }: Kernel, ends: EndStore, days: number) {
  async function retain(tx: Tx): Promise<void> {
    const before = clock.now() - days * DAY_MS;
    const keys = await idempotency.forget(tx, EVENT, before, SLICE);
    const ended = await ends.removeBefore(tx, before, SLICE);
    const isMore = keys === SLICE || ended === SLICE;
    await due.schedule(tx, RETAIN, "deliveries", clock.now() + (isMore ? 0 : HOUR_MS));
  }

  return {
    async planRetention(tx: Tx, now: number): Promise<void> {
      await due.schedule(tx, RETAIN, "deliveries", now + FIRST_MS);
    },
    dueHandlers: { [RETAIN]: retain },
  };
}

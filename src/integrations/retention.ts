import type { Clock } from "../clock.ts";
import type { Due } from "../due/due.ts";
import type { Idempotency } from "../idempotency/service.ts";
import { EVENT } from "./events.ts";

const RETAIN = "integrations.retention";
const SLICE = 200;
const FIRST_MS = 120_000;
const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;

/** The ids of deliveries are known for the retention time: no sender repeats one for longer. */
export function wireDeliveryRetention(due: Due, idempotency: Idempotency, clock: Clock, days: number): void {
  due.onResume((tx, now) => due.schedule(tx, RETAIN, "deliveries", now + FIRST_MS));
  due.on(RETAIN, async (tx) => {
    const deleted = await idempotency.forget(tx, EVENT, clock.now() - days * DAY_MS, SLICE);
    await due.schedule(tx, RETAIN, "deliveries", clock.now() + (deleted === SLICE ? 0 : HOUR_MS));
  });
}

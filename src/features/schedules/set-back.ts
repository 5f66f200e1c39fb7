import type { Areas } from "../../core/core.ts";
import { createPauses } from "../../kernel/breathe.ts";
import type { Tx } from "../../kernel/db/database.ts";
import { FIRE } from "./fires.ts";
import { scheduleStore as store } from "./store.ts";
import { nextTime } from "./times.ts";

/**
 * Plans schedules anew that a clock planned which was ahead: none of their times from now on has been sent. Times up to the last one
 * that was sent stay sent. `jumpedMs` is 0 at a start.
 */
export const createSetBack = ({ kernel: { due } }: Areas) =>
  async function followClock(tx: Tx, now: number, jumpedMs: number): Promise<void> {
    if (jumpedMs > 0) return;
    const pause = createPauses();
    for (const row of await store.plannedAfter(tx, now)) {
      await pause();
      const last = await store.lastTimed(tx, row.id);
      const nextAt = nextTime(row, Math.max(now, last?.firedAt ?? 0, last?.scheduledAt ?? 0));
      if (nextAt === null || row.nextAt === null || nextAt >= row.nextAt) continue;
      await store.change(tx, row, { nextAt });
      await due.schedule(tx, FIRE, row.id, nextAt);
    }
  };

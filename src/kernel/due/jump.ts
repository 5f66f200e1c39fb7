import type { Clock } from "../clock.ts";
import type { Tx } from "../db/database.ts";
import type { Event } from "../hooks.ts";

/** How far wall clock and steady clock may drift apart between two transactions before it counts as a jump. */
const TOLERANCE_MS = 2000;

/**
 * Notices that the relay was away: at its start, after the machine slept, and when the clock was set. It is asked at the
 * beginning of every transaction, so that no verb sees the new time before the leases were given their grace.
 */
export function createJumpWatch(clock: Clock, resumed: Event<[now: number, jumpedMs: number]>) {
  let offset: number | undefined;

  return {
    async notice(tx: Tx): Promise<void> {
      const now = clock.now();
      const drift = now - clock.mono();
      const jumped = offset === undefined ? 0 : drift - offset;
      if (offset !== undefined && Math.abs(jumped) < TOLERANCE_MS) return;
      await resumed.raise(tx, now, jumped);
      // Not before it is on disk: what a lost commit took back is done again in the next.
      tx.afterCommit(() => {
        offset = drift;
      });
    },
  };
}

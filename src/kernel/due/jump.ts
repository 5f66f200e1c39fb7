import type { Clock } from "../clock.ts";
import type { Tx } from "../db/database.ts";
import type { Event } from "../hooks.ts";

/** Drift between wall clock and steady clock, from one transaction to the next, that counts as a jump. */
const TOLERANCE_MS = 2000;

/**
 * Notices that the relay was away: at its start, after the machine slept, and when the clock was set. Asked at the beginning
 * of every transaction, so that leases get their grace before a verb sees the new time.
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
      // After the commit: a lost one is repeated in the next transaction.
      tx.afterCommit(() => {
        offset = drift;
      });
    },
  };
}

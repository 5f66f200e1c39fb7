import type { Timing } from "./timing.ts";

/** Upper bound of the wait that a relay may ask for. */
const LONGEST_WAIT_MS = 3_600_000;

/**
 * Waits that double from `firstMs` to `maxMs`, each with up to a quarter of jitter, so that clients that lost the relay together do
 * not come back together. They start over only after a connection has been open for `stableMs`: one that is accepted and dropped at
 * once must not be tried every second for ever.
 */
export function createBackoff(
  timing: Timing,
  { firstMs = 1_000, maxMs = 30_000, stableMs = 10_000 }: { firstMs?: number; maxMs?: number; stableMs?: number } = {},
) {
  let step = 0;
  let upSince: number | undefined;
  return {
    /** Reports an open connection. */
    up() {
      upSince = timing.now();
    },
    /** Reports a lost or failed connection. @returns the wait in milliseconds, at least `atLeastMs` */
    delay(atLeastMs = 0) {
      if (upSince !== undefined && timing.now() - upSince >= stableMs) step = 0;
      upSince = undefined;
      const plain = Math.min(firstMs * 2 ** step++, maxMs);
      const asked = Math.min(atLeastMs, LONGEST_WAIT_MS);
      // A wait that the relay asked for is a lower bound, so here the jitter only adds.
      return Math.max(plain * (0.75 + timing.random() / 2), asked * (1 + timing.random() / 4));
    },
    /** Starts over after a success. */
    reset() {
      step = 0;
    },
  };
}

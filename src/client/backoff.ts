import type { Timing } from "./timing.ts";

/** A relay that asks for more than this is asked again after this long. */
const LONGEST_WAIT_MS = 3_600_000;

export interface Backoff {
  /** The connection stands from now on. */
  up(): void;
  /** It is gone, or was never made: how long to wait, in milliseconds; never less than `atLeastMs`. */
  delay(atLeastMs?: number): number;
  /** What was tried has succeeded: begin anew. */
  reset(): void;
}

/**
 * Waits that double from `firstMs` to `maxMs`, each moved by up to a quarter so that clients who lost the relay together do
 * not come back together. They begin anew only when a connection has stood for `stableMs`: one that is accepted and dropped
 * at once must not be tried every second for ever.
 */
export function createBackoff(
  timing: Timing,
  { firstMs = 1_000, maxMs = 30_000, stableMs = 10_000 }: { firstMs?: number; maxMs?: number; stableMs?: number } = {},
): Backoff {
  let step = 0;
  let upSince: number | undefined;
  return {
    up() {
      upSince = timing.now();
    },
    delay(atLeastMs = 0) {
      if (upSince !== undefined && timing.now() - upSince >= stableMs) step = 0;
      upSince = undefined;
      const plain = Math.min(firstMs * 2 ** step++, maxMs);
      const asked = Math.min(atLeastMs, LONGEST_WAIT_MS);
      // Asked to stay away, stay away at least that long: there the jitter only adds.
      return Math.max(plain * (0.75 + timing.random() / 2), asked * (1 + timing.random() / 4));
    },
    reset() {
      step = 0;
    },
  };
}

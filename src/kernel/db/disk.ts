import { statfsSync } from "node:fs";
import { Problem } from "../../protocol/problem.ts";
import type { Clock } from "../clock.ts";

/** Returns the free bytes of the disk that holds the data. */
export type DiskProbe = () => number;

/** Probes the file system of a folder. */
export const probeOf =
  (folder: string): DiskProbe =>
  () => {
    const { bavail, bsize } = statfsSync(folder);
    return bavail * bsize;
  };

/** Time for which a measurement is reused. */
const KNOWN_FOR_MS = 1000;
const LARGE_BYTES = 16 * 1024;

/**
 * Keeps the last of the disk for necessary writes: receipts, claims, short messages.
 * @param reserve bytes below which the disk counts as nearly full; 0 turns the check off
 */
export function createDisk(probe: DiskProbe, clock: Clock, reserve: number) {
  let known: { at: number; free: number } | undefined;

  function free(): number {
    if (!known || clock.mono() - known.at >= KNOWN_FOR_MS) known = { at: clock.mono(), free: probe() };
    return known.free;
  }

  return {
    free,
    /** Refuses bytes that would reach into the reserve; small writes always pass. @throws Problem 503 */
    checkRoom(bytes: number, what: string): void {
      if (reserve === 0 || bytes < LARGE_BYTES || free() - bytes >= reserve) return;
      throw new Problem(
        "storage-unavailable",
        `The relay's disk is nearly full: ${what} of more than ${LARGE_BYTES / 1024} KiB are not taken until there is room. Tell its operator.`,
        { retryAfterSeconds: 60 },
      );
    },
  };
}

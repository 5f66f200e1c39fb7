import { statfsSync } from "node:fs";
import { Problem } from "../../protocol/problem.ts";
import type { Clock } from "../clock.ts";

/** Bytes that are free where the data lies. */
export type DiskProbe = () => number;

/** Asks the file system of a folder. */
export const probeOf =
  (folder: string): DiskProbe =>
  () => {
    const { bavail, bsize } = statfsSync(folder);
    return bavail * bsize;
  };

/** A measurement is reused for this long. */
const KNOWN_FOR_MS = 1000;
const LARGE_BYTES = 16 * 1024;

/**
 * Keeps the last of the disk for what has to be written: receipts, claims, short messages. 0 as `reserve` turns it off.
 * @param reserve bytes below which the disk is nearly full
 */
export function createDisk(probe: DiskProbe, clock: Clock, reserve: number) {
  let known: { at: number; free: number } | undefined;

  function free(): number {
    if (!known || clock.mono() - known.at >= KNOWN_FOR_MS) known = { at: clock.mono(), free: probe() };
    return known.free;
  }

  return {
    free,
    /** @throws Problem 503 when so many bytes more would reach into the reserve; small ones are always let through. */
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

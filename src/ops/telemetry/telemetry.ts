import type { Areas } from "../../core/core.ts";
import type { RunRow } from "../../features/runs/row.ts";
import type { Runs } from "../../features/runs/runs.ts";
import type { Tx } from "../../kernel/db/database.ts";
import type { OutsideWork } from "../../kernel/due/due.ts";
import type { TelemetryOptions } from "./options.ts";

export type Telemetry = ReturnType<typeof createTelemetry>;

const EXPORT = "telemetry.run";
/** Runs that wait for the collector; those that end meanwhile are not exported. */
const MAX_WAITING = 10_000;
const MAX_MS = 60_000;

/** Tells a collector of each run that ended, by spans. Runs never wait for it, and never fail because of it. */
export function createTelemetry(areas: Areas & { runs: Runs }, options: TelemetryOptions) {
  const { clock, due } = areas.kernel;
  const { endpoint } = options;
  /** Since the start: rows of an earlier process come on top. */
  let waiting = 0;
  let sender: Promise<OutsideWork> | undefined;

  // Loaded with the first run that ended: most relays have no collector.
  const work: OutsideWork = async (row, signal) => {
    sender ??= import("./export.ts").then(({ createExport }) => createExport(areas, options));
    const settle = await (await sender)(row, signal);
    return async (tx) => {
      const again = await settle(tx);
      if (again === null) tx.afterCommit(() => (waiting = Math.max(0, waiting - 1)));
      return again;
    };
  };

  return {
    /** Remembers to tell of a run, in the write that ends it. */
    async runEnded(tx: Tx, { id }: RunRow): Promise<void> {
      if (endpoint === undefined || waiting >= MAX_WAITING) return;
      await due.schedule(tx, EXPORT, id, clock.now());
      tx.afterCommit(() => void waiting++);
    },
    dueOutside: { [EXPORT]: { maxMs: MAX_MS, work } },
  };
}

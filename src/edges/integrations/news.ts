import type { TaskRow } from "../../features/tasks/row.ts";
import type { ReadTx, Tx } from "../../kernel/db/database.ts";
import type { Kernel } from "../../kernel/kernel.ts";
import type { Report } from "./mappings/report.ts";
import type { EndRow } from "./row.ts";
import type { EndStore } from "./store-ends.ts";

/**
 * Tells whether a report is news. Deliveries overtake each other and repeat, so a report older than the known state changes nothing.
 * An end is kept under its key: its beginning may come later.
 */
export function createNews({ clock }: Kernel, ends: EndStore) {
  return {
    async isOld(on: ReadTx, source: string, report: Report, known: TaskRow | undefined): Promise<boolean> {
      const { asOf, dedupeKey: key, status } = report;
      if (asOf !== undefined && known?.asOf != null && asOf < known.asOf) return true;
      const end = key === undefined ? undefined : await ends.byKey(on, source, key);
      return end !== undefined && (status === "open" ? isOver(end, report) : isBefore(end, asOf));
    },

    /** Stores the end that a report tells of, or deletes the end that a new beginning follows. */
    async note(tx: Tx, source: string, { dedupeKey: key, status, asOf }: Report): Promise<void> {
      if (key === undefined) return;
      if (status === "open") return ends.remove(tx, source, key);
      await ends.put(tx, { source, key, asOf: asOf ?? null, at: clock.now() });
    },
  };
}

/** A report is outdated when it began no later than the known end, begins only once, or is an edit. */
const isOver = (end: EndRow, { asOf, afterEnd }: Report): boolean =>
  afterEnd === false || (asOf !== undefined && end.asOf !== null && asOf <= end.asOf);

const isBefore = (end: EndRow, asOf: number | undefined): boolean =>
  asOf !== undefined && end.asOf !== null && asOf < end.asOf;

import type { TaskRow } from "../../features/tasks/row.ts";
import type { Reading, Tx } from "../../kernel/db/database.ts";
import type { Kernel } from "../../kernel/kernel.ts";
import type { Report } from "./mappings/report.ts";
import type { EndRow } from "./row.ts";
import type { EndStore } from "./store-ends.ts";

/**
 * Whether a report is news. Deliveries overtake each other and come again, so a report older than what is known changes
 * nothing, whether it opens or closes. A source's end is kept under its key: the beginning may come after it.
 */
export function createNews({ clock }: Kernel, ends: EndStore) {
  return {
    async isOld(on: Reading, source: string, report: Report, known: TaskRow | undefined): Promise<boolean> {
      const { asOf, dedupeKey: key, status } = report;
      if (asOf !== undefined && known?.asOf != null && asOf < known.asOf) return true;
      const end = key === undefined ? undefined : await ends.byKey(on, source, key);
      return end !== undefined && (status === "open" ? isOver(end, report) : isBefore(end, asOf));
    },

    /** Keeps what a report that is news says about an end: that there is one, or that it is over with the last. */
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

import type { Clock } from "../../kernel/clock.ts";
import type { Reading } from "../../kernel/db/database.ts";
import type { LogEntry } from "../../kernel/log/tail.ts";
import type { WorkRow } from "../work/store.ts";

/** Finds those of an agent's entries that need nothing more from it. */
type Judge = (on: Reading, entries: readonly LogEntry[], reader: string) => Promise<Iterable<number>>;

export type Settled = ReturnType<typeof createSettled>;

/**
 * Entries of an inbox that need nothing more from their reader: work that has ended or that another agent holds, and
 * whatever a feature that owns a kind of message says has ended (`alsoBy`). They stay in the log; no model is shown them.
 */
export function createSettled(clock: Clock) {
  const judges: Judge[] = [];

  function isSettled(reader: string, work: WorkRow): boolean {
    if (work.state === "open" || work.state === "delayed") return false;
    if (work.state !== "claimed") return true;
    // A lease that ran out is open work, whether or not that has been noticed yet.
    return work.holder !== reader && (work.dueAt ?? 0) > clock.now();
  }

  return {
    /** Adds a judge over entries that are not claimable. */
    alsoBy: (judge: Judge) => judges.push(judge),

    /** Ids among `entries`; `states` holds the work of the claimable ones. */
    async among(
      on: Reading,
      reader: string,
      entries: readonly LogEntry[],
      states: ReadonlyMap<number, WorkRow>,
    ): Promise<Set<number>> {
      const settled = new Set<number>();
      for (const work of states.values()) if (isSettled(reader, work)) settled.add(work.messageId);
      const others = entries.filter((entry) => !entry.claimable);
      for (const judge of judges) for (const id of await judge(on, others, reader)) settled.add(id);
      return settled;
    },
  };
}

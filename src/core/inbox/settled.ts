import type { Clock } from "../../kernel/clock.ts";
import type { ReadTx } from "../../kernel/db/database.ts";
import type { Hooks } from "../../kernel/hooks.ts";
import type { LogEntry } from "../messages/entry.ts";
import type { WorkRow } from "../work/row.ts";

export type Settled = ReturnType<typeof createSettled>;

/**
 * Entries of an inbox that need no further action of their reader: work that has ended or that another agent holds, and
 * messages that a feature reports as ended. They stay in the log; no model is shown them.
 */
export function createSettled(clock: Clock, hooks: Hooks) {
  /** Ids of entries that are not claimable and need no further action of their reader. */
  const settledAmong = hooks.question<[entries: readonly LogEntry[], reader: string], Iterable<number>>(
    "inbox.settled",
  );

  function isSettled(reader: string, work: WorkRow): boolean {
    if (work.state === "open" || work.state === "delayed") return false;
    if (work.state !== "claimed") return true;
    // Work whose lease ran out is open, even before the timer notices.
    return work.holder !== reader && (work.dueAt ?? 0) > clock.now();
  }

  return {
    settledAmong,

    /** Ids among `entries`; `states` holds the work of the claimable ones. */
    async among(
      on: ReadTx,
      reader: string,
      entries: readonly LogEntry[],
      states: ReadonlyMap<number, WorkRow>,
    ): Promise<Set<number>> {
      const settled = new Set<number>();
      for (const work of states.values()) if (isSettled(reader, work)) settled.add(work.messageId);
      const others = entries.filter((entry) => !entry.claimable);
      for (const ids of await settledAmong.all(on, others, reader)) for (const id of ids) settled.add(id);
      return settled;
    },
  };
}

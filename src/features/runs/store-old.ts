import { and, asc, eq, lt, sql } from "drizzle-orm";
import type { ReadTx, Tx } from "../../kernel/db/database.ts";
import { inIds } from "../../kernel/db/lists.ts";
import { runInputs, runParts, runRecordings, runSources, runs, runTurns } from "./tables.ts";

/** Place among ended runs, oldest first. */
export interface EndedPlace {
  endedAt: number;
  number: number;
}

/** Deleting old runs, in the background: nothing here is prepared. */
export const oldRuns = {
  /** Runs that ended before a time, after a place. */
  endedBefore: async (on: ReadTx, before: number, from: EndedPlace, limit: number) =>
    on.db
      .select({ number: runs.number, endedAt: runs.endedAt, rootRunId: runs.rootRunId })
      .from(runs)
      .where(
        and(
          sql`ended_at is not null`,
          lt(runs.endedAt, before),
          sql`(${runs.endedAt}, ${runs.number}) > (${from.endedAt}, ${from.number})`,
        ),
      )
      .orderBy(asc(runs.endedAt), asc(runs.number))
      .limit(limit)
      .all(),

  /** Deletes parts of a run; answers their number. */
  async removeParts(tx: Tx, runId: string, limit: number): Promise<number> {
    const some = tx.db
      .select({ place: runParts.place })
      .from(runParts)
      .where(eq(runParts.runId, runId))
      .orderBy(asc(runParts.place))
      .limit(limit)
      .all();
    if (some.length === 0) return 0;
    tx.db
      .delete(runParts)
      .where(
        inIds(
          runParts.place,
          some.map(({ place }) => place),
        ),
      )
      .run();
    return some.length;
  },

  /** Deletes a run with everything but its parts. */
  async remove(tx: Tx, id: string): Promise<void> {
    tx.db.delete(runTurns).where(eq(runTurns.runId, id)).run();
    tx.db.delete(runRecordings).where(eq(runRecordings.runId, id)).run();
    tx.db.delete(runInputs).where(eq(runInputs.runId, id)).run();
    tx.db.delete(runSources).where(eq(runSources.runId, id)).run();
    tx.db.delete(runs).where(eq(runs.id, id)).run();
  },
};

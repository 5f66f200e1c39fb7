import { and, asc, desc, eq, gt, lt, lte, sql } from "drizzle-orm";
import { bound } from "../../kernel/db/bound.ts";
import type { ReadTx, Tx } from "../../kernel/db/database.ts";
import { inIds } from "../../kernel/db/lists.ts";
import { statement } from "../../kernel/db/prepared.ts";
import { lastIdOf } from "../../kernel/db/sequence.ts";
import { changeWhere, columns, columnsWhere, equal, everyColumn, pick, rowsWhere } from "../../kernel/db/statements.ts";
import type { PartRow, RecordingRow } from "./row.ts";
import { isDiff, isNotCompact, isStart, runParts, runRecordings, runSources, runs } from "./tables.ts";

export type PartStore = ReturnType<typeof createPartStore>;

/** Parts to read: of a run, or of one of its turns. */
export interface PartScope {
  runId: string;
  turnId?: string | undefined;
}

const head = lastIdOf("run_parts");
const insert = statement((q) => q.insert(runParts).values(everyColumn(runParts)).prepare());
const afterWhere = and(equal(runParts, "runId"), gt(runParts.place, bound("after")));
const after = rowsWhere(runParts, afterWhere, { orderBy: asc(runParts.place), limit: "limit" });
const beforeWhere = and(equal(runParts, "runId"), lt(runParts.place, bound("before")));
const before = rowsWhere(runParts, beforeWhere, { orderBy: desc(runParts.place), limit: "limit" });
const start = columnsWhere(pick(runParts, "place"), runParts, and(equal(runParts, "turnId"), isStart));
const diffsWhere = and(equal(runParts, "runId"), isDiff, gt(runParts.place, bound("after")));
const diffs = rowsWhere(runParts, diffsWhere, { orderBy: asc(runParts.place), limit: "limit" });
const change = changeWhere(runParts, columns("json"), equal(runParts, "place"));
const notCompact = columnsWhere(pick(runs, "id"), runs, and(isNotCompact, lte(runs.endedAt, bound("before"))), {
  orderBy: asc(runs.endedAt),
  limit: 1,
});
const recording = rowsWhere(runRecordings, equal(runRecordings, "runId"));
const sources = columnsWhere(pick(runSources, "source", "next"), runSources, equal(runSources, "runId"));
const saveRecording = statement((q) =>
  q
    .insert(runRecordings)
    .values(everyColumn(runRecordings))
    .onConflictDoUpdate({
      target: runRecordings.runId,
      set: { turnId: sql`excluded.turn_id`, bytes: sql`excluded.bytes`, state: sql`excluded.state` },
    })
    .prepare(),
);
const saveSource = statement((q) =>
  q
    .insert(runSources)
    .values(everyColumn(runSources))
    .onConflictDoUpdate({ target: [runSources.runId, runSources.source], set: { next: sql`excluded.next` } })
    .prepare(),
);

/** The log of runs: its parts, and how far each run's recording has come. */
export function createPartStore() {
  return {
    /** Newest place ever given out. */
    head,
    /** Stores parts in the order given; answers them with their places. */
    append: async (tx: Tx, rows: readonly Omit<PartRow, "place">[]): Promise<PartRow[]> => {
      let place = head(tx);
      const statement = insert(tx);
      return rows.map((row) => {
        place += 1;
        const stored = { place, ...row };
        statement.run(stored);
        return stored;
      });
    },
    /** Parts of a run after a place, oldest first. */
    after: async (on: ReadTx, runId: string, place: number, limit: number): Promise<PartRow[]> =>
      after(on).all({ runId, after: place, limit }),
    /** Parts of a run before a place, newest first. */
    before: async (on: ReadTx, runId: string, place: number, limit: number): Promise<PartRow[]> =>
      before(on).all({ runId, before: place, limit }),
    /** Place of the first part of a turn that has begun. */
    start: async (on: ReadTx, turnId: string): Promise<number | undefined> => start(on).get({ turnId })?.place,
    /** Changes of files after a place, oldest first. */
    diffs: async (on: ReadTx, runId: string, place: number, limit: number): Promise<PartRow[]> =>
      diffs(on).all({ runId, after: place, limit }),

    /** A run whose parts were not joined, and that ended before. */
    notCompact: async (on: ReadTx, before: number): Promise<string | undefined> => notCompact(on).get({ before })?.id,
    setCompact: async (tx: Tx, runId: string): Promise<void> => {
      tx.db.update(runs).set({ compact: true }).where(eq(runs.id, runId)).run();
    },
    change: async (tx: Tx, parts: readonly Pick<PartRow, "place" | "json">[]): Promise<void> => {
      for (const part of parts) change(tx).run({ ...part });
    },
    delete: async (tx: Tx, places: readonly number[]): Promise<void> => {
      tx.db.delete(runParts).where(inIds(runParts.place, places)).run();
    },

    recording: async (on: ReadTx, runId: string): Promise<RecordingRow | undefined> => recording(on).get({ runId }),
    saveRecording: async (tx: Tx, row: RecordingRow): Promise<void> => {
      saveRecording(tx).run({ ...row });
    },
    /** Sequence expected next, by source. */
    sources: async (on: ReadTx, runId: string): Promise<Map<string, number>> =>
      new Map(
        sources(on)
          .all({ runId })
          .map(({ source, next }) => [source, next]),
      ),
    saveSource: async (tx: Tx, runId: string, source: string, next: number): Promise<void> => {
      saveSource(tx).run({ runId, source, next });
    },
  };
}

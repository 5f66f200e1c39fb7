import { and, eq, gt, isNotNull, or, sql } from "drizzle-orm";
import type { ReadTx, Tx } from "../db/database.ts";
import { statement } from "../db/prepared.ts";
import { byTime, equal, rowsWhere } from "../db/statements.ts";
import type { DueRow } from "./row.ts";
import { due } from "./tables.ts";

export type DueStore = ReturnType<typeof createDueStore>;

const p = sql.placeholder;

const times = byTime(due, "at");
const one = rowsWhere(due, equal(due, "kind", "key"));
const remove = statement((q) =>
  q
    .delete(due)
    .where(equal(due, "kind", "key"))
    .prepare(),
);
// Run at each sweep, and for each of them at a start.
const put = statement((q) =>
  q
    .insert(due)
    .values({ kind: p("kind"), key: p("key"), at: p("at"), data: p("data"), tries: 0, lastError: null })
    .onConflictDoUpdate({
      target: [due.kind, due.key],
      set: { at: sql`excluded.at`, data: sql`excluded.data`, tries: 0, lastError: null, running: false },
    })
    .prepare(),
);
// Run on each append, once for each delivery.
const hurry = statement((q) =>
  q
    .insert(due)
    .values({ kind: p("kind"), key: p("key"), at: p("at"), data: p("data"), tries: 0, lastError: null })
    .onConflictDoUpdate({
      target: [due.kind, due.key],
      set: { at: sql`excluded.at` },
      setWhere: and(eq(due.running, sql`0`), sql`${due.at} > excluded.at`),
    })
    .prepare(),
);

export function createDueStore() {
  return {
    earliest: times.earliest,
    ripe: times.ripe,
    find: async (on: ReadTx, kind: string, key: string): Promise<DueRow | undefined> => one(on).get({ kind, key }),
    put: async (tx: Tx, row: Omit<DueRow, "id" | "tries" | "lastError" | "running">): Promise<void> => {
      put(tx).run({ ...row });
    },
    /** Puts a row back unchanged, for another time. */
    keep: async (tx: Tx, row: Omit<DueRow, "id">): Promise<void> => {
      tx.db.insert(due).values(row).run();
    },
    /** Makes interrupted outside work due now. */
    takeUp: async (tx: Tx, now: number): Promise<void> => {
      tx.db.update(due).set({ at: now, running: false }).where(eq(due.running, true)).run();
    },
    /** Brings failed rows forward to `latest` at most. */
    hurryRetries: async (tx: Tx, latest: number): Promise<void> => {
      const hasFailed = or(isNotNull(due.lastError), eq(due.running, true));
      tx.db
        .update(due)
        .set({ at: latest })
        .where(and(gt(due.at, latest), hasFailed))
        .run();
    },
    remove: async (tx: Tx, kind: string, key: string): Promise<void> => {
      remove(tx).run({ kind, key });
    },
    /** As `put`, but an existing row only moves forward, and one that is running stays unchanged. */
    hurry: async (tx: Tx, row: Pick<DueRow, "kind" | "key" | "at" | "data">): Promise<void> => {
      hurry(tx).run({ ...row });
    },
    /** Removes a running row; a row that replaced it meanwhile stays. */
    done: async (tx: Tx, kind: string, key: string): Promise<void> => {
      const row = isRunning({ kind, key });
      tx.db.delete(due).where(row).run();
    },
    /** Puts off a running row to a time, unless it was cancelled or replaced meanwhile. */
    goOn: async (tx: Tx, row: DueRow, at: number): Promise<void> => {
      const set = { at, tries: row.tries + 1, lastError: null, running: false };
      tx.db.update(due).set(set).where(isRunning(row)).run();
    },
    /** Sets the time of the next try and the tries before it, unless the row was cancelled meanwhile. */
    retry: async (tx: Tx, row: DueRow, at: number, error: string | null): Promise<void> => {
      const set = { at, tries: row.tries, lastError: error };
      tx.db.update(due).set(set).where(is(row)).run();
    },
  };
}

const is = ({ kind, key }: Pick<DueRow, "kind" | "key">) => and(eq(due.kind, kind), eq(due.key, key));
const isRunning = (row: Pick<DueRow, "kind" | "key">) => and(is(row), eq(due.running, true));

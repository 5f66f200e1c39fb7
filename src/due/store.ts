import { and, asc, eq, gt, isNotNull, lte } from "drizzle-orm";
import { bound, boundLimit, fixedLimit } from "../db/bound.ts";
import type { Db, Reading, Tx } from "../db/database.ts";
import { due } from "./tables.ts";

export type DueRow = typeof due.$inferSelect;
export type DueStore = ReturnType<typeof createDueStore>;

export function createDueStore(db: Db) {
  const earliest = db.statement((q) =>
    q.select({ at: due.at }).from(due).orderBy(asc(due.at)).limit(fixedLimit(1)).prepare(),
  );
  const ripe = db.statement((q) =>
    q
      .select()
      .from(due)
      .where(lte(due.at, bound("now")))
      .orderBy(asc(due.at))
      .limit(boundLimit("limit"))
      .prepare(),
  );
  return {
    earliest: async (on: Reading): Promise<number | null> => earliest(on).get()?.at ?? null,
    ripe: async (on: Reading, now: number, limit: number): Promise<DueRow[]> => ripe(on).all({ now, limit }),
    find: async (on: Reading, kind: string, key: string): Promise<DueRow | undefined> =>
      on.db
        .select()
        .from(due)
        .where(and(eq(due.kind, kind), eq(due.key, key)))
        .get(),
    put: async (tx: Tx, row: Omit<DueRow, "id" | "tries" | "lastError">): Promise<void> => {
      const fresh = { at: row.at, data: row.data, tries: 0, lastError: null };
      tx.db
        .insert(due)
        .values({ ...row, ...fresh })
        .onConflictDoUpdate({ target: [due.kind, due.key], set: fresh })
        .run();
    },
    /** Puts a row back as it was, for another time. */
    keep: async (tx: Tx, row: Omit<DueRow, "id">): Promise<void> => {
      tx.db.insert(due).values(row).run();
    },
    /** What failed before comes no later than `latest`. */
    hurryRetries: async (tx: Tx, latest: number): Promise<void> => {
      tx.db
        .update(due)
        .set({ at: latest })
        .where(and(gt(due.at, latest), gt(due.tries, 0), isNotNull(due.lastError)))
        .run();
    },
    remove: async (tx: Tx, kind: string, key: string): Promise<void> => {
      tx.db
        .delete(due)
        .where(and(eq(due.kind, kind), eq(due.key, key)))
        .run();
    },
    /** Another try at that time; nothing when the row was cancelled meanwhile. */
    retry: async (tx: Tx, row: DueRow, at: number, error: string | null): Promise<void> => {
      tx.db
        .update(due)
        .set({ at, tries: row.tries + 1, lastError: error })
        .where(and(eq(due.kind, row.kind), eq(due.key, row.key)))
        .run();
    },
  };
}

import { and, eq, sql } from "drizzle-orm";
import { bound } from "../../kernel/db/bound.ts";
import type { Db, Reading, Tx } from "../../kernel/db/database.ts";
import type { EndRow } from "./row.ts";
import { sourceEnds } from "./tables.ts";

/** Operation of the idempotency keys of deliveries. */
export const EVENT = "event";

export type EndStore = ReturnType<typeof createEndStore>;

/** Ends that sources reported, by key. */
export function createEndStore(db: Db) {
  const byKey = db.statement((q) =>
    q
      .select()
      .from(sourceEnds)
      .where(and(eq(sourceEnds.source, bound("source")), eq(sourceEnds.key, bound("key"))))
      .prepare(),
  );
  return {
    byKey: async (on: Reading, source: string, key: string): Promise<EndRow | undefined> =>
      byKey(on).get({ source, key }),
    put: async (tx: Tx, row: EndRow): Promise<void> => {
      const { asOf, at } = row;
      tx.db
        .insert(sourceEnds)
        .values(row)
        .onConflictDoUpdate({ target: [sourceEnds.source, sourceEnds.key], set: { asOf, at } })
        .run();
    },
    remove: async (tx: Tx, source: string, key: string): Promise<void> => {
      tx.db
        .delete(sourceEnds)
        .where(and(eq(sourceEnds.source, source), eq(sourceEnds.key, key)))
        .run();
    },
    /** Deletes at most `limit` that were told before `at`; answers how many. */
    removeBefore: async (tx: Tx, at: number, limit: number): Promise<number> => {
      const { changes } = tx.db.run(sql`
        delete from source_ends where rowid in (
          select rowid from source_ends where at < ${at} order by at limit ${limit})`) as unknown as {
        changes: number;
      };
      return changes;
    },
  };
}

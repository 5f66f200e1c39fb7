import { and, eq, lt } from "drizzle-orm";
import type { ReadTx, Tx } from "../../kernel/db/database.ts";
import { deleteSome } from "../../kernel/db/delete-some.ts";
import { equal, rowsWhere } from "../../kernel/db/statements.ts";
import type { EndRow } from "./row.ts";
import { sourceEnds } from "./tables.ts";

/** Operation of the idempotency keys of deliveries. */
export const EVENT = "event";
/** Operation of the keys of notices. */
export const NOTICE = "integration.notice";

export type EndStore = ReturnType<typeof createEndStore>;

const byKey = rowsWhere(sourceEnds, equal(sourceEnds, "source", "key"));

/** Ends that sources reported, by key. */
export function createEndStore() {
  return {
    byKey: async (on: ReadTx, source: string, key: string): Promise<EndRow | undefined> =>
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
    /** Deletes some that were reported before a time. @returns how many */
    removeBefore: async (tx: Tx, before: number, limit: number): Promise<number> =>
      deleteSome(tx, sourceEnds, lt(sourceEnds.at, before), limit),
  };
}

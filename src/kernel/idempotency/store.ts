import { and, eq, lt, sql } from "drizzle-orm";
import type { ReadTx, Tx } from "../db/database.ts";
import { deleteSome } from "../db/delete-some.ts";
import { statement } from "../db/prepared.ts";
import { equal, everyColumn, rowsWhere } from "../db/statements.ts";
import { idempotencyKeys } from "./tables.ts";

type KeyRow = typeof idempotencyKeys.$inferSelect;
export type IdempotencyStore = ReturnType<typeof createIdempotencyStore>;

const find = rowsWhere(idempotencyKeys, equal(idempotencyKeys, "key", "sender"));
const put = statement((q) =>
  q
    .insert(idempotencyKeys)
    .values(everyColumn(idempotencyKeys))
    .onConflictDoUpdate({
      target: [idempotencyKeys.key, idempotencyKeys.sender],
      set: {
        operation: sql`excluded.operation`,
        fingerprint: sql`excluded.fingerprint`,
        subject: sql`excluded.subject`,
        createdAt: sql`excluded.created_at`,
      },
    })
    .prepare(),
);

export function createIdempotencyStore() {
  return {
    find: async (on: ReadTx, sender: string, key: string): Promise<KeyRow | undefined> => find(on).get({ sender, key }),
    put: async (tx: Tx, row: KeyRow): Promise<void> => {
      put(tx).run({ ...row });
    },
    /** Deletes at most `limit` keys of one operation from before `at`; answers their number. */
    removeBefore: async (tx: Tx, operation: string, at: number, limit: number): Promise<number> =>
      deleteSome(
        tx,
        idempotencyKeys,
        and(eq(idempotencyKeys.operation, operation), lt(idempotencyKeys.createdAt, at)),
        limit,
      ),
  };
}

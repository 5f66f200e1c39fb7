import { and, eq } from "drizzle-orm";
import type { Reading, Tx } from "../db/database.ts";
import { idempotencyKeys } from "./tables.ts";

type KeyRow = typeof idempotencyKeys.$inferSelect;
export type IdempotencyStore = ReturnType<typeof createIdempotencyStore>;

export function createIdempotencyStore() {
  return {
    find: async (on: Reading, sender: string, key: string): Promise<KeyRow | undefined> =>
      on.db
        .select()
        .from(idempotencyKeys)
        .where(and(eq(idempotencyKeys.key, key), eq(idempotencyKeys.sender, sender)))
        .get(),
    put: async (tx: Tx, row: KeyRow): Promise<void> => {
      tx.db
        .insert(idempotencyKeys)
        .values(row)
        .onConflictDoUpdate({ target: [idempotencyKeys.key, idempotencyKeys.sender], set: row })
        .run();
    },
  };
}

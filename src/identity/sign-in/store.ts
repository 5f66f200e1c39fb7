import { eq, lte } from "drizzle-orm";
import type { ReadTx, Tx } from "../../kernel/db/database.ts";
import { equal, rowsWhere } from "../../kernel/db/statements.ts";
import { signInLinks } from "./tables.ts";

export type LinkRow = typeof signInLinks.$inferSelect;

const byHash = rowsWhere(signInLinks, equal(signInLinks, "hash"));

export function createSignInStore() {
  return {
    byHash: async (on: ReadTx, hash: string): Promise<LinkRow | undefined> => byHash(on).get({ hash }),
    add: async (tx: Tx, row: LinkRow): Promise<void> => {
      tx.db.insert(signInLinks).values(row).run();
    },
    delete: async (tx: Tx, hash: string): Promise<void> => {
      tx.db.delete(signInLinks).where(eq(signInLinks.hash, hash)).run();
    },
    deleteExpired: async (tx: Tx, now: number): Promise<void> => {
      tx.db.delete(signInLinks).where(lte(signInLinks.expiresAt, now)).run();
    },
  };
}

import { eq, ne } from "drizzle-orm";
import type { Db, ReadTx, Tx } from "../../kernel/db/database.ts";
import { putWhole } from "../../kernel/db/statements.ts";
import { quotas } from "./tables.ts";

export type QuotaRow = typeof quotas.$inferSelect;

/** Daily use per agent. */
export function createQuotaStore(db: Db) {
  // Runs once a second for each agent that wrote.
  const put = putWhole(db, quotas, quotas.agentId);
  return {
    of: async (on: ReadTx, day: number): Promise<QuotaRow[]> =>
      on.db.select().from(quotas).where(eq(quotas.day, day)).all(),
    put: async (tx: Tx, row: QuotaRow): Promise<void> => {
      put(tx).run({ ...row });
    },
    /** Deletes the counts of other days. */
    forget: async (tx: Tx, day: number): Promise<void> => {
      tx.db.delete(quotas).where(ne(quotas.day, day)).run();
    },
  };
}

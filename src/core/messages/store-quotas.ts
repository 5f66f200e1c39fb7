import { eq, ne } from "drizzle-orm";
import type { ReadTx, Tx } from "../../kernel/db/database.ts";
import { quotas } from "./tables.ts";

export type QuotaRow = typeof quotas.$inferSelect;

/** Daily use per agent. */
export const quotaStore = {
  of: async (on: ReadTx, day: number): Promise<QuotaRow[]> =>
    on.db.select().from(quotas).where(eq(quotas.day, day)).all(),
  put: async (tx: Tx, row: QuotaRow): Promise<void> => {
    tx.db.insert(quotas).values(row).onConflictDoUpdate({ target: quotas.agentId, set: row }).run();
  },
  /** Deletes the counts of other days. */
  forget: async (tx: Tx, day: number): Promise<void> => {
    tx.db.delete(quotas).where(ne(quotas.day, day)).run();
  },
};

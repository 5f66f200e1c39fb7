import { and, asc, eq, gt } from "drizzle-orm";
import type { ReadTx, Tx } from "../../kernel/db/database.ts";
import { readRows } from "../../kernel/db/reads.ts";
import type { LimitRow } from "./row.ts";
import { limits } from "./tables.ts";

/** Limits are few, and change some times an hour: nothing here is prepared. */
export const limitStore = {
  of: async (on: ReadTx, provider: string, account: string): Promise<LimitRow | undefined> =>
    readRows(on, limits, and(eq(limits.provider, provider), eq(limits.account, account)))[0],
  add: async (tx: Tx, row: Omit<LimitRow, "number">): Promise<LimitRow> =>
    tx.db.insert(limits).values(row).returning().get(),
  save: async (tx: Tx, row: LimitRow): Promise<void> => {
    tx.db.update(limits).set(row).where(eq(limits.number, row.number)).run();
  },
  remove: async (tx: Tx, { number }: LimitRow): Promise<void> => {
    tx.db.delete(limits).where(eq(limits.number, number)).run();
  },
  /** Oldest first. */
  page: async (on: ReadTx, after: number, limit: number): Promise<LimitRow[]> =>
    readRows(on, limits, gt(limits.number, after), { orderBy: asc(limits.number), limit }),
};

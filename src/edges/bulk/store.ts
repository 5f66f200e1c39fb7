import { and, count, desc, eq, lt, sql } from "drizzle-orm";
import type { ReadTx, Tx } from "../../kernel/db/database.ts";
import { deleteSome } from "../../kernel/db/delete-some.ts";
import { readRows } from "../../kernel/db/reads.ts";
import type { BulkState } from "../../protocol/bulk.ts";
import { bulks } from "./tables.ts";

export type BulkRow = typeof bulks.$inferSelect;

/** People begin bulk actions by hand: nothing here is prepared. */
export const bulkStore = {
  add: async (tx: Tx, row: BulkRow): Promise<void> => {
    tx.db.insert(bulks).values(row).run();
  },
  save: async (tx: Tx, row: BulkRow): Promise<void> => {
    const { place, state, matched, done, failed, failures, reason, endedAt } = row;
    const set = { place, state, matched, done, failed, failures, reason, endedAt };
    tx.db.update(bulks).set(set).where(eq(bulks.id, row.id)).run();
  },
  byId: async (on: ReadTx, id: string): Promise<BulkRow | undefined> =>
    on.db.select().from(bulks).where(eq(bulks.id, id)).get(),
  countRunning: async (on: ReadTx): Promise<number> =>
    on.db.select({ n: count() }).from(bulks).where(sql`ended_at is null`).get()?.n ?? 0,
  /** Newest first. */
  page: async (on: ReadTx, state: BulkState | undefined, before: string | undefined, limit: number) =>
    readRows(
      on,
      bulks,
      and(
        state === undefined ? undefined : eq(bulks.state, state),
        before === undefined ? undefined : lt(bulks.id, before),
      ),
      { orderBy: desc(bulks.id), limit },
    ),
  /** Deletes some that ended before a time; answers their number. */
  forget: async (tx: Tx, before: number, limit: number): Promise<number> =>
    deleteSome(tx, bulks, and(sql`ended_at is not null`, lt(bulks.endedAt, before)), limit),
};

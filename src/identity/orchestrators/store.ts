import { and, asc, eq, gt } from "drizzle-orm";
import type { ReadTx, Tx } from "../../kernel/db/database.ts";
import { inIds } from "../../kernel/db/lists.ts";
import { readRows } from "../../kernel/db/reads.ts";
import type { OrchestratorStatus } from "../../protocol/orchestrators.ts";
import { orchestrators } from "./tables.ts";

export type OrchestratorRow = typeof orchestrators.$inferSelect;

export interface OrchestratorFilter {
  status?: OrchestratorStatus | undefined;
  hostname?: string | undefined;
  /** These alone. */
  ids?: readonly string[] | undefined;
}

export const orchestratorStore = {
  byId: async (on: ReadTx, id: string): Promise<OrchestratorRow | undefined> =>
    on.db.select().from(orchestrators).where(eq(orchestrators.id, id)).get(),
  put: async (tx: Tx, row: OrchestratorRow): Promise<void> => {
    tx.db.insert(orchestrators).values(row).onConflictDoUpdate({ target: orchestrators.id, set: row }).run();
  },
  set: async (
    tx: Tx,
    id: string,
    fields: Pick<OrchestratorRow, "status"> & Partial<Pick<OrchestratorRow, "draining" | "stoppedAt">>,
  ): Promise<void> => {
    tx.db.update(orchestrators).set(fields).where(eq(orchestrators.id, id)).run();
  },
  remove: async (tx: Tx, id: string): Promise<void> => {
    tx.db.delete(orchestrators).where(eq(orchestrators.id, id)).run();
  },
  /** By id. */
  page: async (on: ReadTx, filter: OrchestratorFilter, after: string, limit: number): Promise<OrchestratorRow[]> =>
    readRows(
      on,
      orchestrators,
      and(
        gt(orchestrators.id, after),
        filter.status ? eq(orchestrators.status, filter.status) : undefined,
        filter.ids && inIds(orchestrators.id, filter.ids),
        filter.hostname ? eq(orchestrators.hostname, filter.hostname) : undefined,
      ),
      { orderBy: asc(orchestrators.id), limit },
    ),
  status: (on: ReadTx, id: string): OrchestratorStatus | undefined =>
    on.db.select({ status: orchestrators.status }).from(orchestrators).where(eq(orchestrators.id, id)).get()?.status,
  /** Status of each. */
  statuses: async (on: ReadTx) =>
    on.db.select({ id: orchestrators.id, status: orchestrators.status }).from(orchestrators).all(),
};

import { asc, eq, gt, sql } from "drizzle-orm";
import type { ReadTx, Tx } from "../../kernel/db/database.ts";
import { readRows } from "../../kernel/db/reads.ts";
import { equal, rowsWhere } from "../../kernel/db/statements.ts";
import type { IntegrationRow } from "./row.ts";
import { integrations } from "./tables.ts";

export type IntegrationStore = ReturnType<typeof createIntegrationStore>;

const bySource = rowsWhere(integrations, equal(integrations, "source"));

export function createIntegrationStore() {
  return {
    bySource: async (on: ReadTx, source: string): Promise<IntegrationRow | undefined> => bySource(on).get({ source }),
    put: async (tx: Tx, row: IntegrationRow): Promise<void> => {
      const { source: _, createdAt: __, ...set } = row;
      tx.db.insert(integrations).values(row).onConflictDoUpdate({ target: integrations.source, set }).run();
    },
    remove: async (tx: Tx, source: string): Promise<void> => {
      tx.db.delete(integrations).where(eq(integrations.source, source)).run();
    },
    /** By name. */
    page: async (on: ReadTx, after: string | undefined, limit: number): Promise<IntegrationRow[]> =>
      readRows(on, integrations, after === undefined ? sql`1` : gt(integrations.source, after), {
        orderBy: asc(integrations.source),
        limit,
      }),
  };
}

import { eq, ne, sql } from "drizzle-orm";
import type { ReadTx, Tx } from "../../kernel/db/database.ts";
import { quotas } from "./tables.ts";

export type QuotaRow = typeof quotas.$inferSelect;

/** Daily use per agent. */
export const quotaStore = {
  of: async (on: ReadTx, day: number): Promise<QuotaRow[]> =>
    on.db.select().from(quotas).where(eq(quotas.day, day)).all(),
  /** Stores the counts of many agents in one statement: one for each costs a twentieth of their sends. */
  put: async (tx: Tx, rows: readonly QuotaRow[]): Promise<void> => {
    const values = rows.map(({ agentId, day, messages, files }) => [agentId, day, messages, files]);
    tx.db.run(sql`insert into quotas (agent_id, day, messages, files)
      select value ->> 0, value ->> 1, value ->> 2, value ->> 3 from json_each(${JSON.stringify(values)}) where true
      on conflict (agent_id) do update set day = excluded.day, messages = excluded.messages, files = excluded.files`);
  },
  /** Deletes the counts of other days. */
  forget: async (tx: Tx, day: number): Promise<void> => {
    tx.db.delete(quotas).where(ne(quotas.day, day)).run();
  },
};

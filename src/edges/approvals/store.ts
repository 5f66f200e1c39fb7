import { eq, lt } from "drizzle-orm";
import type { ReadTx, Tx } from "../../kernel/db/database.ts";
import { deleteSome } from "../../kernel/db/delete-some.ts";
import { readRows } from "../../kernel/db/reads.ts";
import { approvalButtons } from "./tables.ts";

type ButtonRow = typeof approvalButtons.$inferSelect;

export type ButtonStore = ReturnType<typeof createButtonStore>;

/** Buttons of approvals. */
export function createButtonStore() {
  return {
    add: async (tx: Tx, rows: readonly ButtonRow[]): Promise<void> => {
      if (rows.length > 0)
        tx.db
          .insert(approvalButtons)
          .values([...rows])
          .run();
    },
    byId: async (on: ReadTx, id: string): Promise<ButtonRow | undefined> =>
      on.db.select().from(approvalButtons).where(eq(approvalButtons.id, id)).get(),
    of: async (on: ReadTx, approvalId: string): Promise<ButtonRow[]> =>
      readRows(on, approvalButtons, eq(approvalButtons.approvalId, approvalId)),
    forget: async (tx: Tx, before: number, limit: number): Promise<number> =>
      deleteSome(tx, approvalButtons, lt(approvalButtons.createdAt, before), limit),
  };
}

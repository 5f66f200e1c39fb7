import { and, eq, lte } from "drizzle-orm";
import type { ReadTx, Tx } from "../../kernel/db/database.ts";
import { deleteSome } from "../../kernel/db/delete-some.ts";
import { readRows } from "../../kernel/db/reads.ts";
import { columnsWhere, equal } from "../../kernel/db/statements.ts";
import type { AgentId } from "../../protocol/ids.ts";
import { taskContexts } from "./tables.ts";

export type ContextRow = typeof taskContexts.$inferSelect;

export type ContextStore = ReturnType<typeof createContextStore>;

const nameOf = columnsWhere(
  { contextId: taskContexts.contextId },
  taskContexts,
  equal(taskContexts, "threadId", "ownerId"),
);

/** Threads of contexts that clients named. */
export function createContextStore() {
  return {
    nameOf: async (on: ReadTx, ownerId: string, threadId: number): Promise<string | undefined> =>
      nameOf(on).get({ ownerId, threadId })?.contextId,
    byName: async (on: ReadTx, ownerId: AgentId, contextId: string): Promise<ContextRow | undefined> =>
      readRows(on, taskContexts, and(eq(taskContexts.ownerId, ownerId), eq(taskContexts.contextId, contextId)))[0],
    add: async (tx: Tx, row: ContextRow): Promise<void> => {
      tx.db.insert(taskContexts).values(row).onConflictDoNothing().run();
    },
    /** Deletes some contexts whose threads retention has passed. @returns how many */
    forget: async (tx: Tx, upTo: number, limit: number): Promise<number> =>
      deleteSome(tx, taskContexts, lte(taskContexts.threadId, upTo), limit),
  };
}

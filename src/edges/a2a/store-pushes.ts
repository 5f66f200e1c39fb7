import { and, asc, eq, type SQL } from "drizzle-orm";
import type { ReadTx, Tx } from "../../kernel/db/database.ts";
import { columnsWhere, equal } from "../../kernel/db/statements.ts";
import { taskPushes } from "./tables.ts";

export type PushRow = typeof taskPushes.$inferSelect;

export type PushStore = ReturnType<typeof createPushStore>;

const idsOfThread = columnsWhere({ id: taskPushes.id }, taskPushes, equal(taskPushes, "threadId"));

/** Push notification configs of tasks. */
export function createPushStore() {
  const pushes = (on: ReadTx, where: SQL | undefined) => on.db.select().from(taskPushes).where(where);
  return {
    idsOfThread: async (on: ReadTx, threadId: number): Promise<string[]> =>
      idsOfThread(on)
        .all({ threadId })
        .map(({ id }) => id),
    byId: async (on: ReadTx, id: string): Promise<PushRow | undefined> => pushes(on, eq(taskPushes.id, id)).get(),
    byName: async (on: ReadTx, messageId: number, configId: string): Promise<PushRow | undefined> =>
      pushes(on, and(eq(taskPushes.messageId, messageId), eq(taskPushes.configId, configId))).get(),
    ofTask: async (on: ReadTx, messageId: number): Promise<PushRow[]> =>
      pushes(on, eq(taskPushes.messageId, messageId)).orderBy(asc(taskPushes.configId)).all(),
    put: async (tx: Tx, row: PushRow): Promise<void> => {
      tx.db.insert(taskPushes).values(row).onConflictDoUpdate({ target: taskPushes.id, set: row }).run();
    },
    change: async (tx: Tx, id: string, change: Partial<PushRow>): Promise<void> => {
      tx.db.update(taskPushes).set(change).where(eq(taskPushes.id, id)).run();
    },
    madeBy: async (on: ReadTx, tokenId: string): Promise<PushRow[]> =>
      pushes(on, eq(taskPushes.tokenId, tokenId)).all(),
    removeOf: async (tx: Tx, ownerId: string): Promise<void> => {
      tx.db.delete(taskPushes).where(eq(taskPushes.ownerId, ownerId)).run();
    },
    remove: async (tx: Tx, id: string): Promise<void> => {
      tx.db.delete(taskPushes).where(eq(taskPushes.id, id)).run();
    },
  };
}

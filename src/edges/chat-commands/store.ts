import { eq, lt } from "drizzle-orm";
import type { ReadTx, Tx } from "../../kernel/db/database.ts";
import { deleteSome } from "../../kernel/db/delete-some.ts";
import { readRows } from "../../kernel/db/reads.ts";
import type { MessageId } from "../../protocol/ids.ts";
import { chatButtons, chatOrders } from "./tables.ts";

export type ButtonRow = typeof chatButtons.$inferSelect;
export type OrderRow = typeof chatOrders.$inferSelect;

/** Buttons under answers to commands, and commands that chats wait for. */
export const chatCommandStore = {
  addButtons: async (tx: Tx, rows: readonly ButtonRow[]): Promise<void> => {
    tx.db
      .insert(chatButtons)
      .values([...rows])
      .run();
  },
  button: async (on: ReadTx, id: string): Promise<ButtonRow | undefined> =>
    readRows(on, chatButtons, eq(chatButtons.id, id))[0],
  dropButtons: async (tx: Tx, messageId: MessageId): Promise<void> => {
    tx.db.delete(chatButtons).where(eq(chatButtons.messageId, messageId)).run();
  },
  addOrder: async (tx: Tx, row: OrderRow): Promise<void> => {
    tx.db.insert(chatOrders).values(row).run();
  },
  order: async (on: ReadTx, delegationId: string): Promise<OrderRow | undefined> =>
    readRows(on, chatOrders, eq(chatOrders.delegationId, delegationId))[0],
  dropOrder: async (tx: Tx, delegationId: string): Promise<void> => {
    tx.db.delete(chatOrders).where(eq(chatOrders.delegationId, delegationId)).run();
  },
  /** Deletes some rows made before a time. @returns how many */
  forget: async (tx: Tx, before: number, limit: number): Promise<number> =>
    Math.max(
      deleteSome(tx, chatButtons, lt(chatButtons.createdAt, before), limit),
      deleteSome(tx, chatOrders, lt(chatOrders.createdAt, before), limit),
    ),
};

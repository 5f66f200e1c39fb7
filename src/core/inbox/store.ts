import { and, asc, eq, gt, ne, sql } from "drizzle-orm";
import { bound } from "../../kernel/db/bound.ts";
import type { Db, ReadTx, Tx } from "../../kernel/db/database.ts";
import { statement } from "../../kernel/db/prepared.ts";
import { columnsWhere, equal, everyColumn, rowsWhere } from "../../kernel/db/statements.ts";
import { losses } from "../retention/tables.ts";
import type { DeliveryRow } from "./row.ts";
import { deliveries } from "./tables.ts";

export type InboxStore = ReturnType<typeof createInboxStore>;

const addDelivery = statement((q) => q.insert(deliveries).values(everyColumn(deliveries, "id")).prepare());
const newest = columnsWhere(
  { upTo: sql<number | null>`max(${deliveries.upToId})` },
  deliveries,
  and(equal(deliveries, "agentId"), ne(deliveries.transport, sql`'named'`)),
);
const beyond = rowsWhere(deliveries, and(equal(deliveries, "agentId"), gt(deliveries.upToId, bound("after"))), {
  orderBy: asc(deliveries.upToId),
  limit: "limit",
});
const loss = rowsWhere(losses, equal(losses, "agentId"));

/** Deliveries to each agent, and its losses by retention. */
export function createInboxStore(db: Db, directory: { cursorOf(on: ReadTx, agentId: string): number }) {
  const offered = db.keep("newest offers", (on, agentId): number => newest(on).get({ agentId })?.upTo ?? 0);

  return {
    addDelivery: async (tx: Tx, row: DeliveryRow): Promise<void> => {
      addDelivery(tx).run({ ...row });
      offered.forget(row.agentId);
    },
    /** An agent's cursor, and the newest entry that a stored range reaches. */
    handed: (on: ReadTx, agentId: string) => ({
      cursor: directory.cursorOf(on, agentId),
      upTo: offered.get(on, agentId),
    }),
    /** Notes that old deliveries were deleted. */
    thinned: (): void => offered.forget(),
    /** Ranges that reach beyond a place, nearest first. */
    deliveriesBeyond: async (on: ReadTx, agentId: string, after: number, limit: number): Promise<DeliveryRow[]> =>
      beyond(on).all({ agentId, after, limit }),

    loss: async (on: ReadTx, agentId: string) => loss(on).get({ agentId }),
    clearLoss: async (tx: Tx, agentId: string): Promise<void> => {
      tx.db.delete(losses).where(eq(losses.agentId, agentId)).run();
    },
  };
}

import { and, asc, eq, gt, sql } from "drizzle-orm";
import { agents } from "../../identity/agents/tables.ts";
import { bound } from "../../kernel/db/bound.ts";
import type { Db, ReadTx, Tx } from "../../kernel/db/database.ts";
import { columnsWhere, equal, everyColumn, rowsWhere } from "../../kernel/db/statements.ts";
import { losses } from "../retention/tables.ts";
import type { DeliveryRow } from "./row.ts";
import { deliveries } from "./tables.ts";

export type InboxStore = ReturnType<typeof createInboxStore>;

/** Deliveries to each agent, and its losses by retention. */
export function createInboxStore(db: Db) {
  const addDelivery = db.statement((q) => q.insert(deliveries).values(everyColumn(deliveries, "id")).prepare());
  const handed = columnsWhere(
    db,
    {
      cursor: agents.cursor,
      upTo: sql<
        number | null
      >`(select max(up_to_id) from offers where agent_id = ${bound("agentId")} and transport <> 'named')`,
    },
    agents,
    eq(agents.id, bound("agentId")),
  );
  const beyond = rowsWhere(db, deliveries, and(equal(deliveries, "agentId"), gt(deliveries.upToId, bound("after"))), {
    orderBy: asc(deliveries.upToId),
    limit: "limit",
  });
  const loss = rowsWhere(db, losses, equal(losses, "agentId"));

  return {
    addDelivery: async (tx: Tx, row: DeliveryRow): Promise<void> => {
      addDelivery(tx).run({ ...row });
    },
    /** An agent's cursor, and the newest entry that a stored range reaches. */
    handed: (on: ReadTx, agentId: string) => handed(on).get({ agentId }),
    /** Ranges that reach beyond a place, nearest first. */
    deliveriesBeyond: async (on: ReadTx, agentId: string, after: number, limit: number): Promise<DeliveryRow[]> =>
      beyond(on).all({ agentId, after, limit }),

    loss: async (on: ReadTx, agentId: string) => loss(on).get({ agentId }),
    clearLoss: async (tx: Tx, agentId: string): Promise<void> => {
      tx.db.delete(losses).where(eq(losses.agentId, agentId)).run();
    },
  };
}

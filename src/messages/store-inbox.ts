import { and, asc, eq, gt, sql } from "drizzle-orm";
import { acks, agents } from "../agents/tables.ts";
import { bound } from "../db/bound.ts";
import type { Db, Reading, Tx } from "../db/database.ts";
import { losses, offers } from "./tables.ts";

export type OfferRow = Omit<typeof offers.$inferSelect, "id">;
export type InboxStore = ReturnType<typeof createInboxStore>;

const p = sql.placeholder;

/** How far each agent has acknowledged, what it was offered, and what retention took from it. */
export function createInboxStore(db: Db) {
  const setCursor = db.statement((q) =>
    q
      .update(agents)
      .set({ cursor: sql`${p("upTo")}`, ackedAt: sql`${p("at")}` })
      .where(eq(agents.id, bound("agentId")))
      .prepare(),
  );
  const addAck = db.statement((q) =>
    q
      .insert(acks)
      .values({ agentId: p("agentId"), second: p("second"), upTo: p("upTo"), at: p("at") })
      .onConflictDoUpdate({
        target: [acks.agentId, acks.second],
        set: { upTo: sql`excluded.up_to`, at: sql`excluded.at` },
      })
      .prepare(),
  );
  const addOffer = db.statement((q) =>
    q
      .insert(offers)
      .values({
        agentId: p("agentId"),
        instanceId: p("instanceId"),
        connection: p("connection"),
        transport: p("transport"),
        afterId: p("afterId"),
        upToId: p("upToId"),
        at: p("at"),
      })
      .prepare(),
  );
  const loss = db.statement((q) =>
    q
      .select()
      .from(losses)
      .where(eq(losses.agentId, bound("agentId")))
      .prepare(),
  );

  return {
    /** At most one row a second: with it one can say when a message was acknowledged. */
    ack: async (tx: Tx, agentId: string, upTo: number, at: number): Promise<void> => {
      setCursor(tx).run({ agentId, upTo, at });
      addAck(tx).run({ agentId, second: Math.floor(at / 1000), upTo, at });
    },
    /** When the agent first acknowledged as far as `id`. */
    ackedAt: async (on: Reading, agentId: string, id: number): Promise<number | undefined> =>
      on.db
        .select({ at: acks.at })
        .from(acks)
        .where(and(eq(acks.agentId, agentId), sql`${acks.upTo} >= ${id}`))
        .orderBy(asc(acks.second))
        .limit(1)
        .get()?.at,

    addOffer: async (tx: Tx, row: OfferRow): Promise<void> => {
      addOffer(tx).run({ ...row });
    },
    /** Ranges that reach beyond a place, nearest first. */
    offersBeyond: async (on: Reading, agentId: string, after: number, limit: number): Promise<OfferRow[]> =>
      on.db
        .select()
        .from(offers)
        .where(and(eq(offers.agentId, agentId), gt(offers.upToId, after)))
        .orderBy(asc(offers.upToId))
        .limit(limit)
        .all(),

    loss: async (on: Reading, agentId: string) => loss(on).get({ agentId }),
    clearLoss: async (tx: Tx, agentId: string): Promise<void> => {
      tx.db.delete(losses).where(eq(losses.agentId, agentId)).run();
    },
  };
}

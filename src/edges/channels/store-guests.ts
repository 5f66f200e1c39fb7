import { and, asc, eq, gt, lt, sql } from "drizzle-orm";
import { bound } from "../../kernel/db/bound.ts";
import type { ReadTx, Tx } from "../../kernel/db/database.ts";
import { deleteSome } from "../../kernel/db/delete-some.ts";
import { readRows, readValues } from "../../kernel/db/reads.ts";
import { columnsWhere, equal } from "../../kernel/db/statements.ts";
import type { AgentId } from "../../protocol/ids.ts";
import type { Rename } from "./store-moves.ts";
import { guests, pairings } from "./tables.ts";

export type GuestRow = typeof guests.$inferSelect;
export type PairingRow = typeof pairings.$inferSelect;
/** A sender in a chat, as rows have them. */
export type Seat = Pick<GuestRow, "channelId" | "conversationId" | "senderId">;

/** Members of a guest that decisions about a sender need. */
type GuestFacts = Pick<GuestRow, "senderId" | "personId" | "approves">;

/** Names the index: with the statistics of a small table the planner would scan, and keep scanning as the table grows. */
const guestsByPlace = sql`${guests} indexed by channel_guests_by_place`;

/** Most guests of one channel. */
export const MAX_GUESTS = 1000;

// A guest is a chat, a sender, or both: no row has neither, so these are three at most.
const matching = columnsWhere(
  {
    senderId: sql<string>`${guests.senderId}`,
    personId: sql<string | null>`${guests.personId}`,
    approves: sql<number>`${guests.approves}`,
  },
  guestsByPlace,
  and(
    equal(guests, "channelId"),
    sql`${guests.conversationId} in ('', ${bound("conversationId")})`,
    sql`${guests.senderId} in ('', ${bound("senderId")})`,
  ),
);

/** Guests of channels, and codes told to strangers. */
export function createGuestStore() {
  const isOf = (channelId: AgentId) => eq(guests.channelId, channelId);

  return {
    /** Guests that a sender in a chat counts as. */
    matching: async (on: ReadTx, seat: Seat): Promise<GuestFacts[]> =>
      matching(on)
        .all({ ...seat })
        .map((row) => ({ ...row, approves: row.approves === 1 })),
    /** The guest of exactly this chat and sender. */
    at: async (on: ReadTx, { channelId, conversationId, senderId }: Seat): Promise<GuestRow | undefined> =>
      readRows(
        on,
        guests,
        and(isOf(channelId), eq(guests.conversationId, conversationId), eq(guests.senderId, senderId)),
      )[0],
    /** Whether a guest of exactly this chat may approve. */
    hasApprover: async (on: ReadTx, { channelId, conversationId }: Omit<Seat, "senderId">): Promise<boolean> => {
      const approves = and(isOf(channelId), eq(guests.conversationId, conversationId), eq(guests.approves, true));
      return readValues(on, guests.id, approves, { limit: 1 }).length > 0;
    },
    byId: async (on: ReadTx, id: string): Promise<GuestRow | undefined> => readRows(on, guests, eq(guests.id, id))[0],
    put: async (tx: Tx, row: GuestRow): Promise<void> => {
      tx.db.insert(guests).values(row).onConflictDoUpdate({ target: guests.id, set: row }).run();
    },
    remove: async (tx: Tx, id: string): Promise<void> => {
      tx.db.delete(guests).where(eq(guests.id, id)).run();
    },
    count: async (on: ReadTx, channelId: AgentId): Promise<number> =>
      readValues(on, guests.id, isOf(channelId), { limit: MAX_GUESTS }).length,
    /** By id, oldest first. */
    page: async (on: ReadTx, channelId: AgentId, after: string | undefined, limit: number): Promise<GuestRow[]> =>
      readRows(on, guests, and(isOf(channelId), after === undefined ? undefined : gt(guests.id, after)), {
        orderBy: asc(guests.id),
        limit,
      }),
    /** Carries guests of a chat to its new id. One that is there for the same sender stays as it is. */
    carry: async (tx: Tx, channelId: AgentId, { from, to }: Rename): Promise<void> => {
      const own = and(isOf(channelId), eq(guests.conversationId, from));
      const isThere = sql`exists (select 1 from ${guests} g where g.channel_id = ${channelId}
        and g.conversation_id = ${to} and g.sender_id = ${guests.senderId})`;
      tx.db.delete(guests).where(and(own, isThere)).run();
      tx.db.update(guests).set({ conversationId: to }).where(own).run();
      tx.db
        .update(pairings)
        .set({ conversationId: to })
        .where(and(eq(pairings.channelId, channelId), eq(pairings.conversationId, from)))
        .run();
    },
    /** Deletes everything of a deleted channel. */
    drop: async (tx: Tx, channelId: AgentId): Promise<void> => {
      tx.db.delete(guests).where(isOf(channelId)).run();
      tx.db.delete(pairings).where(eq(pairings.channelId, channelId)).run();
    },

    /** The last code that a sender was told. */
    pairing: async (
      on: ReadTx,
      { channelId, senderId }: Pick<Seat, "channelId" | "senderId">,
    ): Promise<PairingRow | undefined> =>
      readRows(on, pairings, and(eq(pairings.channelId, channelId), eq(pairings.senderId, senderId)))[0],
    pairingOf: async (on: ReadTx, approvalId: string): Promise<PairingRow | undefined> =>
      readRows(on, pairings, eq(pairings.approvalId, approvalId))[0],
    putPairing: async (tx: Tx, row: PairingRow): Promise<void> => {
      const target = [pairings.channelId, pairings.senderId];
      tx.db.insert(pairings).values(row).onConflictDoUpdate({ target, set: row }).run();
    },
    /** Deletes some codes told before a time. @returns how many */
    forgetPairings: async (tx: Tx, before: number, limit: number): Promise<number> =>
      deleteSome(tx, pairings, lt(pairings.createdAt, before), limit),
  };
}

import type { Areas } from "../../core/core.ts";
import type { Caller } from "../../identity/auth/caller.ts";
import type { ReadTx, Tx } from "../../kernel/db/database.ts";
import type { AgentId } from "../../protocol/ids.ts";
import type { Place } from "./place.ts";
import type { Rename } from "./store-moves.ts";
import type { Stores } from "./stores.ts";

/** A conversation of a channel has a new id, reported by one event of the platform. */
export interface Move {
  channelId: string;
  externalId: string;
  from: string;
  to: string;
}

export type Moves = ReturnType<typeof createMoves>;

/** Moves of conversations: the platform changed the id, and the old id stands for the new one from then on. */
export function createMoves({ kernel, identity, core }: Areas, { renamed: store, traffic, guests, chats }: Stores) {
  const { clock } = kernel;
  const { leases, rows: works } = core.work;

  const now = (on: ReadTx, channelId: AgentId, conversationId: string): Promise<string> =>
    conversationId === "" ? Promise.resolve("") : store.now(on, channelId, conversationId);

  /** Carries waiting posts. Of two conversations that become one, the later head waits for the earlier. */
  async function carryPosts(tx: Tx, channelId: AgentId, { from, to }: Rename): Promise<void> {
    const later: number[] = [];
    for (const threadId of await store.waitingThreads(tx, channelId, from)) {
      const own = await traffic.head(tx, { channelId, conversationId: from, threadId });
      const other = await traffic.head(tx, { channelId, conversationId: to, threadId });
      if (own !== undefined && other !== undefined) later.push(Math.max(own, other));
    }
    await store.carryPosts(tx, channelId, { from, to });
    for (const id of later) {
      const work = await works.byId(tx, id);
      if (work?.state === "open") await leases.hold(tx, work);
    }
  }

  return {
    now,
    names: store.names,
    carryPost: store.carryPost,
    /** The place under its current id. */
    placeNow: async <T extends Place>(on: ReadTx, place: T): Promise<T> => ({
      ...place,
      conversationId: await now(on, place.channelId, place.conversationId),
    }),

    /** Carries bindings, guests and waiting posts to the new id. @returns whether this event is known already */
    async move(tx: Tx, caller: Caller, { channelId, externalId, from, to }: Move): Promise<boolean> {
      if (await store.isKnown(tx, channelId, externalId)) return true;
      const last = await store.now(tx, channelId, to);
      // A move back takes the old id; otherwise follow the moves of the new one.
      const movedTo = last === from ? to : last;
      await store.add(tx, { channelId, externalId, conversationId: from, movedTo, active: true, at: clock.now() });
      await store.carryBindings(tx, channelId, { from, to: movedTo });
      await guests.carry(tx, channelId, { from, to: movedTo });
      await chats.carry(tx, channelId, { from, to: movedTo });
      await carryPosts(tx, channelId, { from, to: movedTo });
      await identity.activity.record(tx, caller, "channel.moved", channelId, { conversationId: from, movedTo });
      return false;
    },
  };
}

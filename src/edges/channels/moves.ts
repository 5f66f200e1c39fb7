import type { Leases } from "../../core/work/leases.ts";
import type { WorkStore } from "../../core/work/store.ts";
import type { ActivityService } from "../../identity/activity/service.ts";
import type { Caller } from "../../identity/auth/caller.ts";
import type { Clock } from "../../kernel/clock.ts";
import type { Reading, Tx } from "../../kernel/db/database.ts";
import type { AgentId } from "../../protocol/ids.ts";
import type { Place } from "./store.ts";
import type { MoveStore, Renaming } from "./store-moves.ts";
import type { TrafficStore } from "./store-traffic.ts";

export interface MoveParts {
  activity: ActivityService;
  leases: Leases;
  works: WorkStore;
  store: MoveStore;
  traffic: TrafficStore;
  clock: Clock;
}

/** A conversation of a channel is called otherwise, as one event of the platform says. */
export interface Move {
  channelId: string;
  externalId: string;
  from: string;
  to: string;
}

export type Moves = ReturnType<typeof createMoves>;

/** Conversations whose id the platform has changed: everything that names the old id means the new one from then on. */
export function createMoves({ activity, leases, works, store, traffic, clock }: MoveParts) {
  const now = (on: Reading, channelId: AgentId, conversationId: string): Promise<string> =>
    conversationId === "" ? Promise.resolve("") : store.now(on, channelId, conversationId);

  /** Two conversations that become one have two posts at their heads: the later one waits for the other. */
  async function carryPosts(tx: Tx, channelId: AgentId, { from, to }: Renaming): Promise<void> {
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
    /** The place as it is called now. */
    placeNow: async <T extends Place>(on: Reading, place: T): Promise<T> => ({
      ...place,
      conversationId: await now(on, place.channelId, place.conversationId),
    }),

    /** Carries bindings and posts that wait. Answers whether this event said so before. */
    async move(tx: Tx, caller: Caller, { channelId, externalId, from, to }: Move): Promise<boolean> {
      if (await store.isKnown(tx, channelId, externalId)) return true;
      const last = await store.now(tx, channelId, to);
      // Back to what it was called before, else on to where that has moved meanwhile.
      const movedTo = last === from ? to : last;
      await store.add(tx, { channelId, externalId, conversationId: from, movedTo, active: true, at: clock.now() });
      await store.carryBindings(tx, channelId, { from, to: movedTo });
      await carryPosts(tx, channelId, { from, to: movedTo });
      await activity.record(tx, caller, "channel.moved", channelId, { conversationId: from, movedTo });
      return false;
    },
  };
}

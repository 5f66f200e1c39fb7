import type { StreamResponse } from "@a2a-js/sdk";
import type { Areas } from "../../core/core.ts";
import type { Caller } from "../../identity/auth/caller.ts";
import { eventsSince, firstEvent, positionOf } from "./events.ts";
import type { Endpoint, TaskService } from "./service.ts";
import { type Exchange, isSettled, isTerminal, stateOf } from "./tasks.ts";

/** One follower at an endpoint. */
export interface Follower {
  caller: Caller;
  endpoint: Endpoint;
  /** Aborted when the client has left. */
  signal: AbortSignal;
}

/** Longest wait of a call for a result. The task goes on after it, and can be asked for. */
const BLOCKING_MS = 180_000;
/** Longest time between two reads of a task. */
const READ_EVERY_MS = 600_000;

export type Follow = ReturnType<typeof createFollow>;

/** Waits for changes of a task, over the rows of its delegation. */
export function createFollow({ kernel, core }: Areas, tasks: TaskService) {
  const { db } = kernel;
  const { waits } = core.inbox;

  function wait(follower: Follower, from: Exchange, waitMs: number, found: (now: Exchange) => boolean) {
    const { caller, endpoint, signal } = follower;
    const { delegation } = from;
    return waits.forEntries<Exchange>({
      caller,
      agentId: caller.agentId ?? delegation.from,
      waitMs,
      signal,
      // Every message about the task, and its end, sends the asker a message in the same write.
      targets: async () => [delegation.from],
      look: () => db.read((on) => tasks.get(on, caller, endpoint, delegation.id)),
      found,
    });
  }

  return {
    /** The task when it is over or needs more from the client, or when the time is up. */
    async result(follower: Follower, from: Exchange): Promise<Exchange> {
      if (isSettled(stateOf(from))) return from;
      return wait(follower, from, BLOCKING_MS, (now) => isSettled(stateOf(now)));
    },

    /** The task, then what happens to it, until it is over, or comes to need more from the client. */
    async *events(follower: Follower, from: Exchange, historyLength?: number): AsyncGenerator<StreamResponse, void> {
      yield firstEvent(from, historyLength);
      let position = positionOf(from);
      while (!isTerminal(position.state) && !follower.signal.aborted) {
        const before = position;
        const now = await wait(follower, from, READ_EVERY_MS, (seen) => eventsSince(seen, before).length > 0);
        const events = eventsSince(now, before);
        for (const { event } of events) yield event;
        position = positionOf(now);
        if (events.length > 0 && isSettled(position.state)) return;
      }
    },
  };
}

import type { Task } from "@a2a-js/sdk";
import type { Areas } from "../../core/core.ts";
import type { Tx } from "../../kernel/db/database.ts";
import type { OutsideWork } from "../../kernel/due/due.ts";
import type { Calls } from "./calls.ts";
import type { Contact } from "./contact.ts";
import { RemoteError } from "./remote.ts";
import type { CallRow, OutsideRow, OutsideStore } from "./store.ts";

interface Means {
  contact: Contact;
  calls: Calls;
}

/** Bounds of the time between two requests for a task: a quarter of its age. */
const SOONEST_MS = 1000;
const LATEST_MS = 60_000;
const MAX_RETRY_MS = 300_000;
/** Longest time that a task without a deadline is followed. */
const GIVE_UP_MS = 7 * 86_400_000;

type Outcome = { task: Task } | { failed: RemoteError } | { unwanted: true };

/** Follows tasks at agents of other machines until they are over or their asker has stopped waiting. */
export function createLooker({ kernel }: Areas, store: OutsideStore, { contact, calls }: Means) {
  const { db, clock } = kernel;

  const work: OutsideWork = async (row, signal) => {
    const [agentId = "", id = ""] = row.key.split(" ");
    const found = await db.read(async (on) => {
      const call = await store.call(on, Number(id), agentId);
      const outside = await store.byId(on, agentId);
      return call && outside && call.endedAt === null && call.taskId !== null
        ? { call, outside, taskId: call.taskId, isWanted: await calls.isWanted(on, call) }
        : undefined;
    });
    if (!found) return async () => null;
    const outcome = await ask(found, signal);
    return (tx) => settle(tx, Number(id), found.outside, outcome);
  };

  async function ask({ outside, taskId, isWanted }: Found, signal: AbortSignal): Promise<Outcome> {
    try {
      const task = await contact.call(outside, "look", signal, (client) =>
        isWanted
          ? client.getTask({ tenant: "", id: taskId, historyLength: 0 })
          : client.cancelTask({ tenant: "", id: taskId, metadata: undefined }),
      );
      return isWanted ? { task } : { unwanted: true };
    } catch (error) {
      if (!(error instanceof RemoteError)) throw error;
      return isWanted ? { failed: error } : { unwanted: true };
    }
  }

  async function settle(tx: Tx, messageId: number, outside: OutsideRow, outcome: Outcome): Promise<number | null> {
    const now = clock.now();
    const call = await store.call(tx, messageId, outside.agentId);
    if (!call || call.endedAt !== null) return null;
    if ("unwanted" in outcome) {
      await store.changeCall(tx, call, { endedAt: now });
      return null;
    }
    if ("task" in outcome) {
      if (outside.state !== "reachable") await contact.succeeded(tx, outside);
      const after = await calls.came(tx, call, outcome.task);
      return after.endedAt === null
        ? now + Math.min(Math.max((now - call.startedAt) / 4, SOONEST_MS), LATEST_MS)
        : null;
    }
    const { failed } = outcome;
    if (failed.isFinal || now - call.startedAt >= GIVE_UP_MS) {
      await calls.answer(tx, call, { text: "", error: failed.message });
      await store.changeCall(tx, call, { endedAt: now });
      return null;
    }
    await contact.failed(tx, outside, failed.message);
    await store.changeCall(tx, call, { failures: call.failures + 1 });
    return now + Math.min(SOONEST_MS * 2 ** Math.min(call.failures, 20), MAX_RETRY_MS);
  }

  return work;
}

interface Found {
  call: CallRow;
  outside: OutsideRow;
  taskId: string;
  isWanted: boolean;
}

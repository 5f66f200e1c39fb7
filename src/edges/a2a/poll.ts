import type { Task } from "@a2a-js/sdk";
import type { Areas } from "../../core/core.ts";
import type { Tx } from "../../kernel/db/database.ts";
import type { OutsideWork } from "../../kernel/due/due.ts";
import { backoffMs } from "../../kernel/egress/post.ts";
import type { Calls } from "./calls.ts";
import type { Contact } from "./contact.ts";
import { asRemoteError, type RemoteError } from "./remote.ts";
import type { CallRow, ExternalRow, ExternalStore } from "./store.ts";

/** Bounds of the time between two requests for a task: a quarter of its age. */
const SOONEST_MS = 1000;
const LATEST_MS = 60_000;
const MAX_RETRY_MS = 300_000;
/** Longest time that a task without a deadline is followed. */
const GIVE_UP_MS = 7 * 86_400_000;

type Outcome = { task: Task } | { failed: RemoteError } | { unwanted: true };

/** Follows tasks at external agents until they are over or their asker has stopped waiting. */
export function createPoller({ kernel }: Areas, store: ExternalStore, contact: Contact, calls: Calls) {
  const { db, clock } = kernel;

  const work: OutsideWork = async (row, signal) => {
    const [agentId = "", id = ""] = row.key.split(" ");
    const found = await db.read(async (on) => {
      const call = await store.call(on, Number(id), agentId);
      const external = await store.byId(on, agentId);
      return call && external && call.endedAt === null && call.taskId !== null
        ? { call, external, taskId: call.taskId, isWanted: await calls.isWanted(on, call) }
        : undefined;
    });
    if (!found) return async () => null;
    const outcome = await ask(found, signal);
    return (tx) => settle(tx, Number(id), found.external, outcome);
  };

  async function ask({ external, taskId, isWanted }: Found, signal: AbortSignal): Promise<Outcome> {
    try {
      const task = await contact.call(external, "look", signal, (client) =>
        isWanted
          ? client.getTask({ tenant: "", id: taskId, historyLength: 0 })
          : client.cancelTask({ tenant: "", id: taskId, metadata: undefined }),
      );
      return isWanted ? { task } : { unwanted: true };
    } catch (error) {
      const failed = asRemoteError(error);
      return isWanted ? { failed } : { unwanted: true };
    }
  }

  async function settle(tx: Tx, messageId: number, external: ExternalRow, outcome: Outcome): Promise<number | null> {
    const now = clock.now();
    const call = await store.call(tx, messageId, external.agentId);
    if (!call || call.endedAt !== null) return null;
    if ("unwanted" in outcome) {
      await store.changeCall(tx, call, { endedAt: now });
      return null;
    }
    if ("task" in outcome) {
      if (external.state !== "reachable") await contact.succeeded(tx, external);
      const after = await calls.record(tx, call, outcome.task);
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
    await contact.failed(tx, external, failed.message);
    await store.changeCall(tx, call, { failures: call.failures + 1 });
    return now + backoffMs(call.failures, SOONEST_MS, MAX_RETRY_MS);
  }

  return work;
}

interface Found {
  call: CallRow;
  external: ExternalRow;
  taskId: string;
  isWanted: boolean;
}

import { StreamResponse, type TaskPushNotificationConfig, TaskState } from "@a2a-js/sdk";
import { A2AError, UnsupportedOperationError } from "@a2a-js/sdk/errors";
import type { Areas } from "../../core/core.ts";
import { actingAs, type Caller } from "../../identity/auth/caller.ts";
import type { ReadTx, Tx } from "../../kernel/db/database.ts";
import type { OutsideWork } from "../../kernel/due/due.ts";
import { withoutAddresses } from "../../kernel/egress/addresses.ts";
import { EgressError } from "../../kernel/egress/egress.ts";
import { isAccepted, post } from "../../kernel/egress/post.ts";
import { newId } from "../../kernel/ids.ts";
import type { Seal } from "../../kernel/seal.ts";
import { PushDraft } from "../../protocol/a2a.ts";
import { Problem } from "../../protocol/problem.ts";
import { callerAs } from "./calls.ts";
import type { Note } from "./contact.ts";
import { type EventPosition, eventsSince, positionOf, type TaskEvent } from "./events.ts";
import { PUSH, PUSH_MS, PUSHES_AT_ONCE } from "./kinds.ts";
import type { Endpoint, TaskService } from "./service.ts";
import type { PushRow, PushStore } from "./store-pushes.ts";
import { type Exchange, isTerminal, stateOf } from "./tasks.ts";

const MAX_OF_TASK = 8;
/** Waits after failures in a row, in seconds; after the last one it is given up. */
const WAITS = [5, 30, 120, 600, 1800, 3600, 7200, 14_400, 28_800];

export type Pushes = ReturnType<typeof createPushes>;

/**
 * Pushes changes of a task to a client's address. There is no queue: the rows of the delegation beyond the last push are
 * still to be sent.
 */
export function createPushes(
  { kernel, identity, core }: Areas,
  store: PushStore,
  { tasks, seal, note }: { tasks: TaskService; seal: Seal; note: Note },
) {
  const { db, egress, due, clock } = kernel;
  const { agents } = identity;
  const { messages } = core;

  /** The task as its owner sees it; undefined when it is gone. */
  async function taskFor(on: ReadTx, { ownerId, delegationId }: PushRow): Promise<Exchange | undefined> {
    try {
      return await tasks.get(on, callerAs(ownerId), null, delegationId);
    } catch (error) {
      if (error instanceof A2AError || error instanceof Problem) return undefined;
      throw error;
    }
  }

  const work: OutsideWork = async (row, signal) => {
    const found = await db.read(async (on) => {
      const push = await store.byId(on, row.key);
      const task = push && (await taskFor(on, push));
      return { push, task, events: push && task ? eventsSince(task, push).slice(0, PUSHES_AT_ONCE) : [] };
    });
    if (!found.push) return async () => null;
    if (found.push.isPaused) return (tx) => leave(tx, row.key, found.task);
    const progress = await sendAll(found.push, found.events, signal);
    return (tx) => settle(tx, row.key, progress);
  };

  /** A paused configuration sends nothing, and goes with the end of its task. */
  async function leave(tx: Tx, id: string, task: Exchange | undefined): Promise<null> {
    if (!task || isTerminal(stateOf(task))) await store.remove(tx, id);
    return null;
  }

  /** Sends events in order, up to the first failure. */
  async function sendAll(push: PushRow, events: readonly TaskEvent[], signal: AbortSignal): Promise<Progress> {
    const progress: Progress = {};
    for (const { event, position } of events) {
      progress.failure = await send(push, event, signal);
      note("push", !progress.failure);
      if (progress.failure) break;
      progress.position = position;
    }
    return progress;
  }

  /** Sends one event. @returns the failure, if any */
  async function send(push: PushRow, event: StreamResponse, signal: AbortSignal): Promise<PushFailure | undefined> {
    const { url } = push;
    const headers = { "content-type": "application/a2a+json", ...proofOf(push) };
    const body = JSON.stringify(StreamResponse.toJSON(event));
    const answer = await post(egress, { url, body, headers, signal, timeoutMs: PUSH_MS });
    if (answer instanceof EgressError) return { error: answer.message, isGone: false };
    return isAccepted(answer) ? undefined : { error: `It answered ${answer.status}.`, isGone: answer.status === 410 };
  }

  /** Header that proves to the receiver who sends. */
  function proofOf({ id, secret: sealed, scheme }: PushRow): Record<string, string> {
    const secret = sealed === null ? undefined : seal.tryOpen(sealed, id);
    if (secret === undefined) return {};
    return scheme === null ? { "x-a2a-notification-token": secret } : { authorization: `${scheme} ${secret}` };
  }

  async function settle(tx: Tx, id: string, { position, failure }: Progress): Promise<number | null> {
    const push = await store.byId(tx, id);
    if (!push) return null;
    const now = { ...push, ...position };
    if (position) await store.change(tx, id, { ...position, failures: 0 });
    if (failure) return failed(tx, position ? { ...now, failures: 0 } : now, failure);
    const task = await taskFor(tx, push);
    if (!task || isTerminal(now.state)) {
      await store.remove(tx, id);
      return null;
    }
    return eventsSince(task, now).length ? clock.now() : null;
  }

  async function failed(tx: Tx, push: PushRow, { error, isGone }: PushFailure): Promise<number | null> {
    const wait = isGone ? undefined : WAITS[push.failures];
    if (wait !== undefined) {
      await store.change(tx, push.id, { failures: push.failures + 1 });
      return clock.now() + wait * 1000;
    }
    await store.remove(tx, push.id);
    await messages.tell(tx, push.ownerId, {
      subject: `Notifications about ${push.delegationId} have ended`,
      body: `${push.url} does not take them: ${withoutAddresses(error, push.url)} The task itself goes on.`.slice(
        0,
        4096,
      ),
      replyTo: push.messageId,
      payload: { delegationId: push.delegationId, pushNotificationConfigId: push.configId },
    });
    return null;
  }

  /** Lets the owner and operators pass. @throws TaskNotFoundError */
  async function require(on: ReadTx, caller: Caller, endpoint: Endpoint, taskId: string): Promise<Exchange> {
    const task = await tasks.get(on, caller, endpoint, taskId);
    if (caller.role !== "operator" && actingAs(caller) !== task.delegation.from)
      throw new UnsupportedOperationError(`Only ${task.delegation.from} may set push notifications for ${taskId}.`);
    return task;
  }

  const show = (row: PushRow): TaskPushNotificationConfig => ({
    ...{ tenant: "", id: row.configId, taskId: row.delegationId, url: row.url, token: "" },
    authentication: row.scheme === null ? undefined : { scheme: row.scheme, credentials: "" },
  });

  return {
    work,
    /** Pushes changes from now on; of a task that is over, its end. The same id replaces. @throws TaskNotFoundError, Problem 422, A2AError */
    async set(tx: Tx, caller: Caller, endpoint: Endpoint, taskId: string, config: TaskPushNotificationConfig) {
      const task = await require(tx, caller, endpoint, taskId);
      await agents.requireToken(tx, caller);
      const { delegation } = task;
      const parsed = PushDraft.safeParse(config);
      if (!parsed.success) {
        const [issue] = parsed.error.issues;
        throw Problem.invalid(issue?.path.join(".") ?? "url", issue?.message ?? "is not acceptable");
      }
      const { url, token, authentication } = parsed.data;
      egress.requireAllowed(url, "url");
      const made = newId("pnc", clock.now());
      const configId = parsed.data.id || made;
      const before = await store.byName(tx, delegation.messageId, configId);
      if (!before && (await store.ofTask(tx, delegation.messageId)).length >= MAX_OF_TASK)
        throw new UnsupportedOperationError(`A task may have ${MAX_OF_TASK} push notification configs.`);
      const id = before?.id ?? made;
      const secret = authentication?.credentials || token;
      const row: PushRow = {
        ...{ id, configId, ownerId: delegation.from, delegationId: delegation.id, messageId: delegation.messageId },
        ...{ threadId: delegation.threadId, url, secret: secret ? seal.close(secret, id) : null },
        scheme: authentication?.credentials ? authentication.scheme : null,
        ...(before ? { upTo: before.upTo, state: before.state } : firstPosition(task)),
        ...{ failures: 0, createdAt: before?.createdAt ?? clock.now(), tokenId: caller.tokenId, isPaused: false },
      };
      await store.put(tx, row);
      if (before || isTerminal(stateOf(task))) await due.hurry(tx, PUSH, id, clock.now());
      return show(row);
    },

    async get(on: ReadTx, caller: Caller, endpoint: Endpoint, { taskId, configId }: PushName) {
      const { delegation } = await require(on, caller, endpoint, taskId);
      const row = await store.byName(on, delegation.messageId, configId);
      if (!row) throw new Problem("not-found", `Task ${taskId} has no such push notification config.`);
      return show(row);
    },

    async list(on: ReadTx, caller: Caller, endpoint: Endpoint, taskId: string) {
      const { delegation } = await require(on, caller, endpoint, taskId);
      return (await store.ofTask(on, delegation.messageId)).map(show);
    },

    /** Succeeds for an unknown configuration too. */
    async remove(tx: Tx, caller: Caller, endpoint: Endpoint, { taskId, configId }: PushName): Promise<void> {
      const { delegation } = await require(tx, caller, endpoint, taskId);
      const row = await store.byName(tx, delegation.messageId, configId);
      if (!row) return;
      await store.remove(tx, row.id);
      await due.cancel(tx, PUSH, row.id);
    },
  };
}

/** A push notification config, as its client names it. */
interface PushName {
  taskId: string;
  configId: string;
}

interface PushFailure {
  error: string;
  isGone: boolean;
}

/** Position after the last event that the address took, and the failure of the next. */
interface Progress {
  position?: EventPosition;
  failure?: PushFailure | undefined;
}

/** Position before the first event to push: the next one, or the end of a task that is over already. */
function firstPosition(task: Exchange): EventPosition {
  const position = positionOf(task);
  return isTerminal(position.state) ? { ...position, state: TaskState.TASK_STATE_SUBMITTED } : position;
}

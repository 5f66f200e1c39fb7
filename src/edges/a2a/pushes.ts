import { StreamResponse, type TaskPushNotificationConfig, TaskState } from "@a2a-js/sdk";
import { A2AError, UnsupportedOperationError } from "@a2a-js/sdk/errors";
import type { Areas } from "../../core/core.ts";
import { actingAs, type Caller } from "../../identity/auth/caller.ts";
import type { Reading, Tx } from "../../kernel/db/database.ts";
import type { OutsideWork } from "../../kernel/due/due.ts";
import { withoutAddresses } from "../../kernel/egress/addresses.ts";
import { EgressError } from "../../kernel/egress/egress.ts";
import { newId } from "../../kernel/ids.ts";
import { PushDraft } from "../../protocol/a2a.ts";
import { Problem } from "../../protocol/problem.ts";
import { callerAs } from "./calls.ts";
import { type Event, eventsSince, toldBy } from "./events.ts";
import { PUSH, PUSH_MS, PUSHES_AT_ONCE } from "./kinds.ts";
import type { Seal } from "./seal.ts";
import type { Endpoint, TaskService } from "./service.ts";
import type { PushRow, PushStore } from "./store-pushes.ts";
import { type Exchange, isTerminal, stateOf } from "./tasks.ts";

interface Means {
  tasks: TaskService;
  seal: Seal;
  /** Notes the end of a request. */
  note(what: "push", isGood: boolean): void;
}

const MAX_OF_TASK = 8;
/** Waits after failures in a row, in seconds; after the last one it is given up. */
const WAITS = [5, 30, 120, 600, 1800, 3600, 7200, 14_400, 28_800];

export type Pushes = ReturnType<typeof createPushes>;

/**
 * Pushes changes of a task to a client's address. There is no queue: the rows of the delegation beyond the last push are
 * still to be sent.
 */
export function createPushes({ kernel, identity, core }: Areas, store: PushStore, { tasks, seal, note }: Means) {
  const { db, egress, due, clock } = kernel;
  const { agents } = identity;
  const { messages } = core;

  /** The task as its owner sees it; undefined when it is gone. */
  async function taskFor(on: Reading, { ownerId, delegationId }: PushRow): Promise<Exchange | undefined> {
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
    const { told, error, isGone } = await tell(found.push, found.events, signal);
    const { id } = found.push;
    return (tx) => settle(tx, id, told, error, isGone);
  };

  /** A paused one says nothing, and goes with the end of its task. */
  async function leave(tx: Tx, id: string, task: Exchange | undefined): Promise<null> {
    if (!task || isTerminal(stateOf(task))) await store.remove(tx, id);
    return null;
  }

  /** One after the other, as they happened; it stops where one is not taken. */
  async function tell(push: PushRow, events: readonly Event[], signal: AbortSignal) {
    let told: Event["told"] | undefined;
    for (const event of events) {
      const { error, isGone = false } = await post(push, event, signal);
      note("push", error === undefined);
      if (error !== undefined) return { told, error, isGone };
      told = event.told;
    }
    return { told, error: undefined, isGone: false };
  }

  async function post(
    push: PushRow,
    { event }: Event,
    signal: AbortSignal,
  ): Promise<{ error?: string; isGone?: boolean }> {
    const secret = push.secret === null ? undefined : seal.open(push.secret, push.id);
    const shown: Record<string, string> =
      secret === undefined
        ? {}
        : push.scheme === null
          ? { "x-a2a-notification-token": secret }
          : { authorization: `${push.scheme} ${secret}` };
    try {
      const { status } = await egress.request({
        ...{ url: push.url, method: "POST", body: JSON.stringify(StreamResponse.toJSON(event)), signal },
        headers: { "content-type": "application/a2a+json", ...shown },
        ...{ timeoutMs: PUSH_MS, maxBytes: 1024, overflow: "cut" },
      });
      return status >= 200 && status < 300 ? {} : { error: `It answered ${status}.`, isGone: status === 410 };
    } catch (error) {
      if (error instanceof EgressError) return { error: error.message };
      throw error;
    }
  }

  async function settle(
    tx: Tx,
    id: string,
    told: Event["told"] | undefined,
    error: string | undefined,
    isGone: boolean,
  ) {
    const push = await store.byId(tx, id);
    if (!push) return null;
    const now = { ...push, ...told };
    if (told) await store.change(tx, id, { ...told, failures: 0 });
    if (error !== undefined) return failed(tx, told ? { ...now, failures: 0 } : now, error, isGone);
    const task = await taskFor(tx, push);
    if (!task || isTerminal(now.state)) {
      await store.remove(tx, id);
      return null;
    }
    return eventsSince(task, now).length ? clock.now() : null;
  }

  async function failed(tx: Tx, push: PushRow, error: string, isGone: boolean): Promise<number | null> {
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
  async function require(on: Reading, caller: Caller, endpoint: Endpoint, taskId: string): Promise<Exchange> {
    const task = await tasks.get(on, caller, endpoint, taskId);
    if (caller.role !== "operator" && actingAs(caller) !== task.delegation.from)
      throw new UnsupportedOperationError(`Only ${task.delegation.from} is told of what happens to ${taskId}.`);
    return task;
  }

  const show = (row: PushRow): TaskPushNotificationConfig => ({
    ...{ tenant: "", id: row.configId, taskId: row.delegationId, url: row.url, token: "" },
    authentication: row.scheme === null ? undefined : { scheme: row.scheme, credentials: "" },
  });

  return {
    work,
    /** From now on; of a task that is over its end is told. Repeating it with the same id changes it. @throws TaskNotFoundError, Problem 422, A2AError */
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
        throw new UnsupportedOperationError(`A task may have ${MAX_OF_TASK} addresses that are told.`);
      const id = before?.id ?? made;
      const secret = authentication?.credentials || token;
      const row: PushRow = {
        ...{ id, configId, ownerId: delegation.from, delegationId: delegation.id, messageId: delegation.messageId },
        ...{ threadId: delegation.threadId, url, secret: secret ? seal.close(secret, id) : null },
        scheme: authentication?.credentials ? authentication.scheme : null,
        ...(before ? { upTo: before.upTo, state: before.state } : toldFor(task)),
        ...{ failures: 0, createdAt: before?.createdAt ?? clock.now(), tokenId: caller.tokenId, isPaused: false },
      };
      await store.put(tx, row);
      if (before || isTerminal(stateOf(task))) await due.hurry(tx, PUSH, id, clock.now());
      return show(row);
    },

    async get(on: Reading, caller: Caller, endpoint: Endpoint, { taskId, configId }: PushName) {
      const { delegation } = await require(on, caller, endpoint, taskId);
      const row = await store.byName(on, delegation.messageId, configId);
      if (!row) throw new Problem("not-found", `Task ${taskId} has no such push notification config.`);
      return show(row);
    },

    async list(on: Reading, caller: Caller, endpoint: Endpoint, taskId: string) {
      const { delegation } = await require(on, caller, endpoint, taskId);
      return (await store.ofTask(on, delegation.messageId)).map(show);
    },

    /** Removing an unknown one succeeds. */
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

/** First event to push: the next one, or the end of a task that is over already. */
function toldFor(task: Exchange): Event["told"] {
  const told = toldBy(task);
  return isTerminal(told.state) ? { ...told, state: TaskState.TASK_STATE_SUBMITTED } : told;
}

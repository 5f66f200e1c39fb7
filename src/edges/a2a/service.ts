import { type Message, type SendMessageRequest, TaskState } from "@a2a-js/sdk";
import { UnsupportedOperationError } from "@a2a-js/sdk/errors";
import type { Areas } from "../../core/core.ts";
import type { Delegations } from "../../features/delegations/delegations.ts";
import type { Runs } from "../../features/runs/runs.ts";
import { isGroup } from "../../identity/agents/target.ts";
import { actingAs, type Caller, readingAs } from "../../identity/auth/caller.ts";
import type { ReadTx, Tx } from "../../kernel/db/database.ts";
import { jsonBytes, PAGE_BYTES } from "../../kernel/pages.ts";
import { OwnMetadata } from "../../protocol/a2a.ts";
import { type Delegation, DelegationDraft } from "../../protocol/delegations.ts";
import { MessageDraft } from "../../protocol/messages.ts";
import { Problem } from "../../protocol/problem.ts";
import { line } from "../../protocol/wire.ts";
import { asCancelError, asTaskError } from "./errors.ts";
import { exchangeOf, isQuestion, workerOf } from "./exchange.ts";
import { textOf } from "./parts.ts";
import { servingRun } from "./served.ts";
import type { ContextStore } from "./store-contexts.ts";
import { contextOf, type Exchange, isTerminal, stateOf, threadOf } from "./tasks.ts";

/** Target of an endpoint: an agent or a group, in its written form; null for the relay's own endpoint. */
export type Endpoint = string | null;

/** Time-out of a request that names none: an hour. */
const TIMEOUT_SECONDS = 3600;
/** Messages about the tasks of one page, after which it ends. */
const MAX_READ = 4000;

/** Areas that tasks are made of. */
export type TaskAreas = Areas & { delegations: Delegations; runs: Runs };

export type TaskService = ReturnType<typeof createTaskService>;

/** The verbs of tasks, each one a verb of delegations: there is no other store of them. */
export function createTaskService(areas: TaskAreas, contexts: ContextStore) {
  const { idempotency } = areas.kernel;
  const { messages } = areas.core;
  const { service: delegations } = areas.delegations;

  const exchange = async (on: ReadTx, delegation: Delegation): Promise<Exchange> => ({
    delegation,
    contextId: await nameOf(on, delegation),
    messages: await exchangeOf(on, messages.lists, delegation),
    run: await servingRun(on, areas.runs, delegation),
  });
  const nameOf = async (on: ReadTx, { from, threadId }: Delegation): Promise<string> =>
    (await contexts.nameOf(on, from, threadId)) ?? contextOf(threadId);

  /** A task by its id, if the caller may see it and it is of this endpoint. @throws TaskNotFoundError, Problem 409 */
  async function get(on: ReadTx, caller: Caller, endpoint: Endpoint, id: string): Promise<Exchange> {
    const delegation = await find(on, caller, endpoint, id);
    return exchange(on, delegation);
  }

  async function find(on: ReadTx, caller: Caller, endpoint: Endpoint, id: string): Promise<Delegation> {
    try {
      const delegation = await delegations.get(on, caller, id);
      if (endpoint !== null && delegation.to !== endpoint && delegation.holder !== endpoint)
        throw new Problem("not-found", `${id} is not a task of ${endpoint}.`);
      return delegation;
    } catch (error) {
      throw asTaskError(error, id);
    }
  }

  /** A new task. The same message sent again is the same task. @throws Problem 403, 409, 422, A2AError */
  async function ask(tx: Tx, caller: Caller, to: string, message: Message): Promise<Delegation> {
    const { timeoutSeconds, parentId, context } = ownOf(message);
    const place = await contextIn(tx, actingAs(caller), message);
    const draft = DelegationDraft.safeParse({
      to,
      text: textOf(message.parts),
      timeoutSeconds: timeoutSeconds ?? TIMEOUT_SECONDS,
      ...(parentId && { parentId }),
      ...(context && { context }),
      ...(place.threadId !== undefined && { threadId: place.threadId }),
    });
    if (!draft.success) throw refused(draft.error);
    const asked = { ...draft.data, ...causeOf(message) };
    const { made } = await onceFor(message, () => delegations.ask(tx, caller, asked, keyOf(message)));
    if (place.isNew) {
      const { contextId, messageId: begunBy } = message;
      await contexts.add(tx, { ownerId: made.from, contextId, threadId: made.threadId, begunBy });
    }
    return made;
  }

  /** Place of a message: an existing thread, or a new one, which the client may have named. */
  async function contextIn(on: ReadTx, owner: string, { contextId, messageId }: Message): Promise<Place> {
    if (contextId === "") return { isNew: false };
    const threadId = threadOf(contextId);
    if (threadId !== undefined) return { threadId, isNew: false };
    if (!ContextName.safeParse(contextId).success)
      throw Problem.invalid("message.contextId", "is longer than 200 bytes, or has control characters");
    const known = await contexts.byName(on, owner, contextId);
    // The message that began the context begins it again when the client repeats it.
    if (known && known.begunBy !== messageId) return { threadId: known.threadId, isNew: false };
    return { isNew: !known };
  }

  /** Sends more about a task to its worker, as a reply. @throws Problem 403, 409, 422, A2AError */
  async function goOn(tx: Tx, caller: Caller, endpoint: Endpoint, message: Message): Promise<Delegation> {
    const found = await get(tx, caller, endpoint, message.taskId);
    const { delegation, contextId } = found;
    if (message.contextId && message.contextId !== contextId)
      throw Problem.invalid("message.contextId", `is not the context of ${delegation.id}`);
    if (actingAs(caller) !== delegation.from)
      throw new Problem("forbidden", `Only ${delegation.from} says more about ${delegation.id}.`);
    const { taskId, parts } = message;
    // A repeated message is not sent again, in whatever state the task is.
    const attempt = { sender: delegation.from, key: keyOf(message), operation: SAY, asked: { taskId, parts } };
    const make = async () => ({ subject: delegation.id, made: await say(tx, caller, found, message) });
    await onceFor(message, () => idempotency.once(tx, { ...attempt, make, again: async () => delegation }));
    return delegation;
  }

  async function say(tx: Tx, caller: Caller, found: Exchange, message: Message): Promise<Delegation> {
    const { delegation, messages: exchanged } = found;
    if (isTerminal(stateOf(found)))
      throw new UnsupportedOperationError(`Task ${delegation.id} is over: send a message without a taskId.`);
    const worker = workerOf(delegation);
    if (isGroup(worker)) throw new UnsupportedOperationError(`No member of ${worker} works on ${delegation.id} yet.`);
    const draft = MessageDraft.safeParse({
      to: worker,
      kind: "chat",
      body: textOf(message.parts),
      replyTo: exchanged.findLast((one) => isQuestion(delegation, one))?.id ?? delegation.messageId,
      idempotencyKey: keyOf(message),
      ...causeOf(message),
    });
    if (!draft.success) throw refused(draft.error);
    await messages.send(tx, caller, draft.data);
    return delegation;
  }

  return {
    get,

    /** SendMessage: begins a task, or goes on with one. */
    async send(tx: Tx, caller: Caller, endpoint: Endpoint, { message }: SendMessageRequest): Promise<Exchange> {
      if (!message) throw Problem.invalid("message", "is missing");
      if (message.taskId) return exchange(tx, await goOn(tx, caller, endpoint, message));
      if (!endpoint)
        throw Problem.invalid("tenant", "names no recipient: give an agent's id, or a group such as tag:review");
      return exchange(tx, await ask(tx, caller, endpoint, message));
    },

    /** @throws TaskNotFoundError, TaskNotCancelableError */
    async cancel(tx: Tx, caller: Caller, endpoint: Endpoint, id: string): Promise<Exchange> {
      await find(tx, caller, endpoint, id);
      try {
        const { delegation } = await delegations.cancel(tx, caller, id, { tree: false });
        return exchange(tx, delegation);
      } catch (error) {
        throw asCancelError(error, id);
      }
    },

    /** Tasks that the caller has asked for, newest first; all-readers see all. A page may be short. */
    async list(on: ReadTx, caller: Caller, endpoint: Endpoint, wanted: TaskFilter) {
      const from = readingAs(caller) ?? undefined;
      const filter = { from, to: endpoint ?? undefined };
      const page = await delegations.list(on, caller, { ...filter, page: wanted.before, limit: wanted.limit });
      const found: Exchange[] = [];
      let messagesRead = 0;
      let bytes = 0;
      for (const [index, delegation] of page.items.entries()) {
        if (wanted.contextId && wanted.contextId !== (await nameOf(on, delegation))) continue;
        const one = await exchange(on, delegation);
        bytes += fits(one, wanted) ? jsonBytes(one) : 0;
        if (found.length > 0 && bytes > PAGE_BYTES)
          return { found, next: String(page.items[index - 1]?.messageId ?? "") };
        if (fits(one, wanted)) found.push(one);
        messagesRead += one.messages.length;
        if (messagesRead > MAX_READ) return { found, next: String(delegation.messageId) };
      }
      return { found, next: page.nextPage ?? "" };
    },
  };
}

/** Filter of a list. */
export interface TaskFilter {
  contextId: string;
  /** Unspecified: any. */
  state: TaskState;
  /** Milliseconds. */
  changedSince: number | undefined;
  /** Message id at which the last page ended. */
  before: number | undefined;
  limit: number;
}

function fits(found: Exchange, { state, changedSince }: TaskFilter): boolean {
  const { delegation, messages: exchanged } = found;
  if (state !== TaskState.TASK_STATE_UNSPECIFIED && state !== stateOf(found)) return false;
  const changedAt = delegation.endedAt ?? exchanged.at(-1)?.createdAt ?? delegation.createdAt;
  return changedSince === undefined || Date.parse(changedAt) >= changedSince;
}

function ownOf({ metadata }: Message): OwnMetadata {
  const parsed = OwnMetadata.nullish().safeParse(metadata?.signalbox);
  if (!parsed.success)
    throw Problem.invalid(
      "message.metadata.signalbox",
      "takes timeoutSeconds, parentId, context, causedBy and about alone, with their types",
    );
  return parsed.data ?? {};
}

/** `causedBy: null` for a message that nothing caused, by the sender's word. */
function causeOf(message: Message): { causedBy?: null } {
  const { causedBy, about } = ownOf(message);
  return causedBy === null || about === "nothing" ? { causedBy: null } : {};
}

const ContextName = line(200);
/** Idempotency scope of a follow-up message to a task. */
const SAY = "a2a.say";

const keyOf = ({ messageId }: Message): string => `a2a:${messageId}`;

/** @throws Problem 422 in the protocol's words when the id of a message was used for another */
async function onceFor<T>({ messageId }: Message, act: () => Promise<T>): Promise<T> {
  try {
    return await act();
  } catch (error) {
    if (!(error instanceof Problem) || error.code !== "idempotency-mismatch") throw error;
    const refusal = `Message ${messageId} was sent before with other content: use a new messageId.`;
    throw new Problem("idempotency-mismatch", refusal);
  }
}

interface Place {
  threadId?: number;
  /** The client has named it, and it has no messages yet. */
  isNew: boolean;
}

/** Refusal of a message that fits no request here. */
function refused(error: { issues: readonly { path: PropertyKey[]; message: string }[] }): Problem {
  const [issue] = error.issues;
  const place = issue?.path[0] === "to" ? "tenant" : "message.parts";
  return Problem.invalid(place, issue?.message ?? "is not acceptable");
}

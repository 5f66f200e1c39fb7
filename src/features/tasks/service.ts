import type { Areas } from "../../core/core.ts";
import type { WorkItem } from "../../core/work/items.ts";
import type { WorkRow } from "../../core/work/row.ts";
import { tokenOf } from "../../core/work/token.ts";
import { actingAs, actingFor, type Caller, signedBy } from "../../identity/auth/caller.ts";
import type { ReadTx, Tx } from "../../kernel/db/database.ts";
import { Problem } from "../../protocol/problem.ts";
import type {
  ParsedTaskDraft,
  ParsedTaskRenew,
  Task,
  TaskClaim,
  TaskRelease,
  TaskStatus,
  TaskStatusChange,
} from "../../protocol/tasks.ts";
import type { TaskLifecycle } from "./lifecycle.ts";
import type { TaskReaders } from "./readers.ts";
import type { TaskRow } from "./row.ts";
import type { TaskStore } from "./store.ts";
import { isOver, toTask } from "./task.ts";

type Wanted = TaskStatusChange["status"];
type Leased = Pick<TaskRow, "id"> & { messageId: number };

/** Statuses that may be set, by current status. Claiming and losing a lease belong to the message. */
const NEXT: Record<TaskStatus, readonly Wanted[]> = {
  open: ["done", "failed", "cancelled"],
  claimed: ["in_progress", "blocked", "done", "failed", "cancelled"],
  in_progress: ["blocked", "done", "failed", "cancelled"],
  blocked: ["in_progress", "done", "failed", "cancelled"],
  done: [],
  failed: [],
  cancelled: [],
};

export type TaskService = ReturnType<typeof createTaskService>;

/** The verbs of tasks: make, claim, renew, release, say how it goes. */
export function createTaskService(
  { kernel, identity, core }: Areas,
  store: TaskStore,
  lifecycle: TaskLifecycle,
  readers: TaskReaders,
) {
  const { idempotency } = kernel;
  const { agents } = identity;
  const { messages } = core;
  const { rows: works, claims, holders, leases } = core.work;

  /** @throws Problem 404 */
  async function requireTask(on: ReadTx, id: string): Promise<TaskRow> {
    return (await store.byId(on, id)) ?? Problem.missing("task", id);
  }

  /** Message of a task. @throws Problem 404, 422 */
  async function messageIdOf(on: ReadTx, id: string): Promise<number> {
    const { messageId } = await requireTask(on, id);
    if (messageId !== null) return messageId;
    throw new Problem("not-claimable", `Task ${id} has no target, so there is nothing to claim.`);
  }

  /** Token of a call's lease: the one named, else that of the caller's live lease. @throws Problem 409 */
  async function tokenFor(tx: Tx, caller: Caller, task: Leased, token: string | undefined): Promise<string> {
    if (token !== undefined) return token;
    const work = await works.byId(tx, task.messageId);
    const actor = actingFor(caller, work?.holder);
    if (work?.state !== "claimed" || work.holder !== actor)
      throw new Problem("claim-lost", `${actor} holds no lease of task ${task.id}.`);
    return tokenOf(work);
  }

  /** Work of a task, after ending a lease that has run out. */
  async function currentWork(tx: Tx, task: TaskRow): Promise<WorkRow | undefined> {
    const work = task.messageId === null ? undefined : await works.byId(tx, task.messageId);
    return work && leases.overdue(tx, work);
  }

  /** Answers a caller that may not read the task as `GET` does, whatever else is wrong. */
  async function forReader<T>(tx: Tx, caller: Caller, id: string, verb: () => Promise<T>): Promise<T> {
    try {
      return await verb();
    } catch (error) {
      if (error instanceof Problem) await readers.requireReadable(tx, caller, id);
      throw error;
    }
  }

  /** `POST /v1/tasks/{id}/status`. @throws Problem 403, 404, 409 */
  async function setStatus(tx: Tx, caller: Caller, id: string, change: TaskStatusChange): Promise<Task> {
    const given = await requireTask(tx, id);
    const actor = actingAs(caller);
    await agents.requireActor(tx, caller, actor);
    const work = await currentWork(tx, given);
    const task = await requireTask(tx, id);
    const holds = work?.state === "claimed" && work.holder === actor;
    const isTheirs = caller.role === "operator" || task.fromId === actor;
    if (change.status !== "cancelled" && (holds || change.token !== undefined))
      return toTask(await asHolder(tx, caller, task, change, actor));
    if (!isTheirs && !holds && !(work && (await works.workedOn(tx, actor, work.messageId))))
      throw new Problem("forbidden", `Task ${id} is neither made nor held by ${actor}.`);
    if (task.status === change.status) return toTask(task);
    if (!isTheirs && holds) throw new Problem("forbidden", `Only ${task.fromId} or an operator may cancel task ${id}.`);
    if (!isTheirs) throw new Problem("claim-lost", `${actor} does not hold task ${id} any more; it is ${task.status}.`);
    return toTask(await asOwner(tx, caller, task, change, actor));
  }

  /** Sets the status for the holder of the lease. An end of the task ends the lease. */
  async function asHolder(tx: Tx, caller: Caller, task: TaskRow, change: TaskStatusChange, actor: string) {
    const { note, status } = change;
    const messageId = await messageIdOf(tx, task.id);
    const token = await tokenFor(tx, caller, { id: task.id, messageId }, change.token);
    const outcome = status === "done" ? "completed" : status === "failed" ? "failed" : undefined;
    const lease = await holders.requireLease(tx, caller, messageId, token, outcome);
    if (lease.repeated || task.status === status) return task;
    requireNext(task, status);
    const by = caller.role === "operator" ? actor : lease.actor;
    const holder = isOver(status) ? null : task.holder;
    const moved = await lifecycle.move(tx, task, status, { actor: by, person: caller.personId, note, holder });
    const result = note ? { body: note, encoding: "plain" as const } : undefined;
    if (status === "done") await holders.complete(tx, caller, messageId, { token, result });
    if (status === "failed") await holders.fail(tx, caller, messageId, { token, error: note || "failed", final: true });
    return moved;
  }

  /** Sets the status for the maker, which may cancel, or an operator, which may set any that can follow. */
  async function asOwner(tx: Tx, caller: Caller, task: TaskRow, { status, note }: TaskStatusChange, actor: string) {
    const person = caller.personId;
    const isOwn = task.messageId === null || caller.role === "operator";
    if (!isOwn && status !== "cancelled")
      throw new Problem("forbidden", `Task ${task.id} is held by ${task.holder ?? "nobody"}; ${actor} may cancel it.`);
    requireNext(task, status);
    if (status !== "in_progress" && status !== "blocked")
      return lifecycle.end(tx, task, status, { actor, person, note });
    return lifecycle.move(tx, task, status, { actor, person, note, holder: task.holder });
  }

  return {
    /** `POST /v1/tasks`: a task made by an agent or a person. @throws Problem 403, 409, 422 */
    async create(tx: Tx, caller: Caller, draft: ParsedTaskDraft, key: string | undefined) {
      const { from: named, ...asked } = draft;
      const from = actingAs(caller, named);
      return idempotency.once<Task>(tx, {
        ...{ sender: from, key, operation: "task", asked },
        async make() {
          const { kind } = await agents.requireActor(tx, caller, from);
          messages.quotas.take(tx, { id: from, kind }, "messages");
          const { task } = await lifecycle.add(tx, { id: from, kind, ...signedBy(caller, from) }, newTask(draft), {
            actor: from,
          });
          return { subject: task.id, made: toTask(task) };
        },
        async again(id) {
          const task = await store.byId(tx, id);
          return task && toTask(task);
        },
      });
    },

    /** `POST /v1/tasks/{id}/claim`. @throws Problem 403, 404, 409, 422 */
    async claim(tx: Tx, caller: Caller, id: string, { agentId, leaseSeconds = 600 }: TaskClaim): Promise<WorkItem> {
      return forReader(tx, caller, id, async () =>
        claims.claim(tx, caller, await messageIdOf(tx, id), agentId, leaseSeconds),
      );
    },
    /** `POST /v1/tasks/{id}/renew` */
    async renew(tx: Tx, caller: Caller, id: string, { token, ...how }: ParsedTaskRenew): Promise<WorkItem> {
      return forReader(tx, caller, id, async () => {
        const messageId = await messageIdOf(tx, id);
        const lease = { ...how, token: await tokenFor(tx, caller, { id, messageId }, token) };
        return holders.renew(tx, caller, messageId, lease);
      });
    },
    /** `POST /v1/tasks/{id}/release` */
    async release(tx: Tx, caller: Caller, id: string, { token, ...how }: TaskRelease): Promise<WorkItem> {
      return forReader(tx, caller, id, async () => {
        const messageId = await messageIdOf(tx, id);
        const lease = { ...how, token: await tokenFor(tx, caller, { id, messageId }, token) };
        return holders.release(tx, caller, messageId, lease);
      });
    },
    setStatus: (tx: Tx, caller: Caller, id: string, change: TaskStatusChange): Promise<Task> =>
      forReader(tx, caller, id, () => setStatus(tx, caller, id, change)),
  };
}

/** @throws Problem 409 */
function requireNext(task: TaskRow, status: Wanted): void {
  const canStart = task.status === "open" && task.messageId === null && !isOver(status);
  if (canStart || NEXT[task.status].includes(status)) return;
  if (isOver(task.status)) throw new Problem("not-open", `Task ${task.id} is ${task.status}.`);
  throw new Problem("conflict", `Task ${task.id} is ${task.status}; claim it before it is ${status}.`);
}

function newTask(draft: ParsedTaskDraft) {
  return {
    source: null,
    dedupeKey: null,
    title: draft.title,
    body: draft.body ?? "",
    severity: draft.severity,
    externalUrl: draft.externalUrl ?? null,
    target: draft.target ?? null,
    topic: draft.topic ?? null,
    asOf: null,
    payload: draft.payload ? JSON.stringify(draft.payload) : null,
  };
}

import type { Areas } from "../../core/core.ts";
import type { Author } from "../../core/messages/draft.ts";
import type { LogEntry } from "../../core/messages/entry.ts";
import type { ScheduledRow } from "../../core/messages/row.ts";
import type { WorkRow } from "../../core/work/row.ts";
import type { ReadTx, Tx } from "../../kernel/db/database.ts";
import { newId } from "../../kernel/ids.ts";
import { Problem } from "../../protocol/problem.ts";
import type { Severity, Task, TaskStatus } from "../../protocol/tasks.ts";
import type { TaskRow } from "./row.ts";
import type { TaskStore } from "./store.ts";
import { isOver, messageOf, SAMPLE, toTask } from "./task.ts";

/** Report of a task, the first or a repetition. */
export interface Reported {
  title: string;
  body: string;
  severity: Severity;
  externalUrl: string | null;
  topic: string | null;
  /** Position of the source, in its own counting; null when it gives none. */
  asOf: number | null;
  /** JSON text. */
  payload: string | null;
}

/** A task to be made. */
export interface NewTask extends Reported {
  source: string | null;
  dedupeKey: string | null;
  target: string | null;
}

/** A task, and its message where one was just appended. */
export interface TaskAndMessage {
  task: TaskRow;
  sent: { entry: LogEntry; work: WorkRow | undefined } | undefined;
}

/** Actor of a step, and its note. */
export interface Step {
  actor: string;
  note?: string | null | undefined;
  person?: string | null | undefined;
  /** Position of its source at this step. */
  asOf?: number | null;
}

/** Message of a task: sent, or waiting for a person. */
interface Handed {
  sent: { entry: LogEntry; work: WorkRow | undefined } | undefined;
  row: Pick<TaskRow, "target" | "messageId" | "approvalId">;
}

export type TaskLifecycle = ReturnType<typeof createTaskLifecycle>;

/** Steps of tasks, each with its line in the history. */
export function createTaskLifecycle({ kernel, core }: Areas, store: TaskStore) {
  const { clock, hooks } = kernel;
  const { messages } = core;
  const { rows: works, leases } = core.work;
  /** A task took a step, or was reported again. */
  const changed = hooks.event<[task: Task]>("tasks.changed");

  /** Gives a task the state of its message's lease, in the same write. */
  function followWork(tx: Tx, work: WorkRow, before: WorkRow): Promise<void> | undefined {
    const isRenewal = work.state === before.state && work.fence === before.fence;
    if (work.kind !== "task" || isRenewal || !store.isTask(tx, work.messageId)) return undefined;
    return follow(tx, work, before);
  }

  async function follow(tx: Tx, work: WorkRow, before: WorkRow): Promise<void> {
    const task = await store.byMessage(tx, work.messageId);
    const status = STATUS_OF[work.state];
    // A verb that ends both writes the end of the task first, with its own note.
    if (!task || (isOver(task.status) && isOver(status)) || (task.status === "open" && status === "open")) return;
    await move(tx, task, status, { holder: work.holder, ...(await stepOf(tx, work, before)) });
  }

  /** Actor and note of a step, from the lease that ended. */
  async function stepOf(tx: Tx, work: WorkRow, before: WorkRow): Promise<Step> {
    if (work.state === "claimed") return { actor: work.holder ?? "system" };
    if (before.state === "dead") return { actor: "user", note: "requeued" };
    if (before.state !== "claimed" || before.holder === null) return { actor: "system", note: work.error };
    const ended = await works.attempt(tx, work, before.fence);
    const isOwnStep = ended?.outcome !== "expired" && ended?.outcome !== "cancelled";
    const note = ended?.error ?? (ended?.outcome === "released" ? "released" : null);
    return { actor: isOwnStep ? before.holder : "system", note };
  }

  /** Moves a task to another status. The caller has checked that it may follow. */
  async function move(tx: Tx, task: TaskRow, status: TaskStatus, step: Step & { holder: string | null }) {
    const now = clock.now();
    const endedAt = isOver(status) ? now : null;
    const asOf = step.asOf ?? task.asOf;
    const moved: TaskRow = { ...task, status, holder: step.holder, updatedAt: now, asOf, endedAt };
    await store.move(tx, moved);
    await record(tx, moved, task.status, step);
    return moved;
  }

  async function record(
    tx: Tx,
    task: TaskRow,
    from: TaskStatus | null,
    { actor, note, person = null }: Step,
  ): Promise<void> {
    await store.addEvent(tx, {
      taskId: task.id,
      at: clock.now(),
      actor,
      person,
      fromStatus: from,
      toStatus: task.status,
      note: note?.slice(0, MAX_NOTE) ?? null,
      messageId: task.messageId,
      count: 1,
      lastAt: clock.now(),
    });
    await changed.raise(tx, toTask(task));
  }

  /** Tells the maker of a task that another ended it. */
  async function tellMaker(tx: Tx, task: TaskRow, { actor, note }: Step): Promise<void> {
    if (task.fromId === actor || task.fromId === "system") return;
    await messages.tell(tx, task.fromId, {
      subject: `Task ${task.id} is ${task.status}`,
      body: `${actor} says that "${task.title}" is ${task.status}${note ? `: ${note}` : "."}`,
      replyTo: task.messageId,
      payload: { taskId: task.id, messageId: task.messageId, status: task.status },
    });
  }

  /** Appends the message of a task, or asks a person to allow it. @throws Problem 409, 422 at `/target` */
  async function hand(tx: Tx, author: Author, task: TaskRow, target: string): Promise<Handed> {
    const { asks, ...addressed } = await addressOf(tx, author, messageOf(task, target));
    if (asks) {
      const { approvalId } = await messages.waiting.hold(tx, { ...addressed, asks }, { owner: task.id });
      return { sent: undefined, row: { target: addressed.target, messageId: null, approvalId } };
    }
    const sent = await messages.append(tx, addressed);
    return { sent, row: { target: sent.entry.target, messageId: sent.entry.id, approvalId: null } };
  }

  /** The message of a task was allowed and is sent, or never will be: then the task has failed. */
  async function followWaited(tx: Tx, { waits, error }: ScheduledRow, entry: LogEntry | undefined): Promise<void> {
    const task = waits?.owner?.startsWith("tsk_") ? await store.byId(tx, waits.owner) : undefined;
    if (!task || task.approvalId !== waits?.approvalId || isOver(task.status)) return;
    if (entry) {
      const row = { ...task, messageId: entry.id, updatedAt: clock.now() };
      await store.reopen(tx, row);
      return record(tx, row, row.status, { actor: "system", note: "a person allowed it" });
    }
    const step = { actor: "system", note: error };
    await tellMaker(tx, await move(tx, task, "failed", { ...step, holder: null }), step);
  }

  async function addressOf(on: ReadTx, author: Author, draft: ReturnType<typeof messageOf>) {
    try {
      return await messages.address(on, author, draft);
    } catch (error) {
      if (!(error instanceof Problem)) throw error;
      const errors = error.extras.errors?.map(({ message }) => ({ pointer: "/target", message }));
      throw new Problem(error.code, error.message, { ...error.extras, ...(errors && { errors }) });
    }
  }

  return {
    move,
    /** Target as stored, if work could be sent there now. @throws Problem 422 at `/target` */
    async checkTarget(on: ReadTx, author: Author, target: string): Promise<string> {
      return (await addressOf(on, author, messageOf(SAMPLE, target))).target;
    },

    /** Makes a task, with a claimable message when it has a target. @throws Problem 422 */
    async add(tx: Tx, author: Author, task: NewTask, step: Step): Promise<TaskAndMessage> {
      const now = clock.now();
      const row: TaskRow = {
        id: newId("tsk", now),
        fromId: author.id,
        status: "open",
        count: 1,
        messageId: null,
        holder: null,
        approvalId: null,
        createdAt: now,
        updatedAt: now,
        endedAt: null,
        ...task,
        target: null,
      };
      const handed = task.target === null ? undefined : await hand(tx, author, row, task.target);
      const made = { ...row, ...handed?.row };
      await store.add(tx, made);
      await record(tx, made, null, step);
      return { task: made, sent: handed?.sent };
    },

    /** Counts and updates an open task that was reported again. Its message stays as it is. */
    async again(tx: Tx, task: TaskRow, reported: Reported, step: Step): Promise<TaskRow> {
      const now = clock.now();
      const { title, body, severity, externalUrl, payload } = reported;
      const about = { title, body, severity, externalUrl, payload, asOf: reported.asOf ?? task.asOf };
      const row: TaskRow = { ...task, ...about, count: task.count + 1, updatedAt: now };
      await store.describe(tx, row);
      const note = differences(task, row) ?? step.note ?? AGAIN;
      const newest = await store.newestEvent(tx, task.id);
      const isSame = newest?.note === note && newest.actor === step.actor && newest.fromStatus === newest.toStatus;
      if (newest && isSame && newest.toStatus === row.status) {
        await store.repeatEvent(tx, newest.id, now);
        await changed.raise(tx, toTask(row));
      } else await record(tx, row, row.status, { actor: step.actor, note });
      return row;
    },

    /** Sends the message of a task that had no target. @throws Problem 422 at `/target` */
    async handOut(tx: Tx, author: Author, task: TaskRow, target: string, step: Step): Promise<TaskAndMessage> {
      const { sent, row: handed } = await hand(tx, author, task, target);
      const row = { ...task, ...handed, updatedAt: clock.now() };
      await store.reopen(tx, row);
      await record(tx, row, task.status, { ...step, note: `for ${row.target} now` });
      return { task: row, sent };
    },

    /** Reopens a task that was reported again after its end, with a new message. @throws Problem 422 */
    async reopen(tx: Tx, author: Author, task: TaskRow, reported: Reported & Pick<NewTask, "target">, step: Step) {
      const old = task.messageId === null ? undefined : await works.byId(tx, task.messageId);
      // A dead letter could be requeued, and the task be done twice.
      if (old?.state === "dead") await leases.end(tx, old, { as: "overtaken", state: "cancelled" });
      const { target, ...fields } = reported;
      const row: TaskRow = { ...task, ...fields, status: "open", holder: null, endedAt: null, count: task.count + 1 };
      const handed = target === null ? undefined : await hand(tx, author, row, target);
      const none = { target: null, messageId: null, approvalId: null };
      const made: TaskRow = { ...row, ...(handed?.row ?? none), updatedAt: clock.now() };
      await store.reopen(tx, made);
      await record(tx, made, task.status, step);
      return { task: made, sent: handed?.sent } satisfies TaskAndMessage;
    },

    /** Ends a task and its work for an actor that does not hold it, and tells the maker. */
    async end(tx: Tx, task: TaskRow, status: "done" | "failed" | "cancelled", step: Step): Promise<TaskRow> {
      const ended = await move(tx, task, status, { ...step, holder: null });
      const work = task.messageId === null ? undefined : await works.byId(tx, task.messageId);
      const isLive = work !== undefined && LIVE.has(work.state);
      if (isLive) await leases.end(tx, work, { as: "overtaken", state: WORK_OF[status], why: step.note ?? undefined });
      // The sender of a dead letter has been told.
      if (!isLive || status !== "failed") await tellMaker(tx, ended, step);
      return ended;
    },

    changed,
    followWork,
    followWaited,
  };
}

const MAX_NOTE = 4096;
const AGAIN = "reported again";
const STATUS_OF = {
  open: "open",
  delayed: "open",
  claimed: "claimed",
  done: "done",
  dead: "failed",
  expired: "failed",
  cancelled: "cancelled",
} as const satisfies Record<WorkRow["state"], TaskStatus>;
const WORK_OF = { done: "done", failed: "dead", cancelled: "cancelled" } as const;
const LIVE = new Set<WorkRow["state"]>(["open", "delayed", "claimed"]);

/** Changes of severity and title in words; undefined when there are none. */
function differences(before: TaskRow, after: TaskRow): string | undefined {
  const changes: string[] = [];
  if (before.severity !== after.severity) changes.push(`severity ${before.severity} to ${after.severity}`);
  if (before.title !== after.title) changes.push(`title was: ${before.title}`);
  return changes.length ? changes.join("; ") : undefined;
}

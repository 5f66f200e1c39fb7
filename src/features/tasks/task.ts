import type { ParsedDraft } from "../../protocol/messages.ts";
import type { Task, TaskEvent, TaskStatus } from "../../protocol/tasks.ts";
import { toTime } from "../../protocol/wire.ts";
import type { TaskEventRow, TaskRow } from "./row.ts";

const OVER = new Set<TaskStatus>(["done", "failed", "cancelled"]);

/** Whether a task has ended. It can be reopened. */
export const isOver = (status: TaskStatus): boolean => OVER.has(status);

export function toTask({ id, source, fromId: from, createdAt, updatedAt, ...row }: TaskRow): Task {
  const { payload: _p, asOf: _a, endedAt: _e, ...shown } = row;
  return { id, source, from, ...shown, createdAt: toTime(createdAt), updatedAt: toTime(updatedAt) };
}

export function toTaskEvent({
  at,
  actor,
  person,
  fromStatus,
  toStatus,
  note,
  messageId,
  count,
  lastAt,
}: TaskEventRow): TaskEvent {
  return {
    at: toTime(at),
    actor,
    person,
    from: fromStatus,
    to: toStatus,
    note,
    messageId,
    count,
    lastAt: toTime(lastAt),
  };
}

/** Draft of the message of a task. */
export function messageOf(task: TaskRow, target: string): ParsedDraft {
  const { id, source, title, severity, dedupeKey, externalUrl } = task;
  const facts = { taskId: id, source, title, status: task.status, severity, dedupeKey, externalUrl };
  const more = task.payload === null ? {} : { payload: JSON.parse(task.payload) };
  return {
    to: target,
    kind: "task",
    topic: task.topic,
    subject: `[${severity}] ${title}`,
    body: task.body || title,
    claimable: true,
    urgent: severity === "critical",
    maxAttempts: 5,
    encoding: "plain",
    payload: { ...facts, ...more },
  };
}

/** A sample: whether a target can get a task does not depend on its content. */
export const SAMPLE: TaskRow = {
  id: "tsk_0",
  source: null,
  fromId: "system",
  title: "sample",
  body: "",
  status: "open",
  severity: "info",
  dedupeKey: null,
  externalUrl: null,
  target: null,
  topic: null,
  payload: null,
  count: 1,
  messageId: null,
  holder: null,
  approvalId: null,
  createdAt: 0,
  updatedAt: 0,
  asOf: null,
  endedAt: null,
};

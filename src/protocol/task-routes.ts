import { at, contracts, made, paged } from "./contract.ts";
import { strictObject } from "./shape.ts";
import {
  Task,
  TaskClaim,
  TaskDetail,
  TaskDetailQuery,
  TaskDraft,
  TaskId,
  TaskList,
  TaskQuery,
  TaskRelease,
  TaskRenew,
  TaskStatusChange,
} from "./tasks.ts";
import { Claimed, UNCLAIMED, UNHELD, WorkAnswer } from "./work.ts";

const Path = strictObject(() => ({ id: TaskId }));
const contract = contracts("Tasks");

export const createTask = contract("createTask", "POST /v1/tasks", {
  summary: "Create a task by hand",
  description: "With a target it becomes a claimable message too, from whoever makes it.",
  body: TaskDraft,
  example: { title: "Disk of db-1 is full", target: "tag:ops", severity: "warning" },
  idempotent: true,
  answers: made(Task, "Made.", "Made before with this key, as it is now."),
  problems: ["forbidden", "unknown-target", "no-conversation", "not-claimable", "loop-paused"],
});

export const listTasks = contract("listTasks", "GET /v1/tasks", {
  ...paged(TaskQuery, TaskList),
  summary: "Find tasks, newest first",
});

export const getTask = contract("getTask", "GET /v1/tasks/{id}", {
  ...at(Path, TaskDetail, "The task and a page of its history."),
  summary: "Get a task with its history",
  query: TaskDetailQuery,
});

export const claimTask = contract("claimTask", "POST /v1/tasks/{id}/claim", {
  ...at(Path, Claimed, "Held now."),
  summary: "Claim a task: the lease of its message",
  body: TaskClaim,
  example: { leaseSeconds: 600 },
  bodyOptional: true,
  problems: UNCLAIMED,
});

export const renewTask = contract("renewTask", "POST /v1/tasks/{id}/renew", {
  ...at(Path, WorkAnswer, "Held until then."),
  summary: "Renew a lease, and report progress",
  body: TaskRenew,
  example: { token: "clm_1_1", leaseSeconds: 600, progress: "Half of the files are read." },
  bodyOptional: true,
  repeatable: true,
  problems: [...UNHELD, "loop-paused"],
});

export const releaseTask = contract("releaseTask", "POST /v1/tasks/{id}/release", {
  ...at(Path, WorkAnswer, "Open again, at once or after the delay."),
  summary: "Release a task; it is open again",
  body: TaskRelease,
  example: { token: "clm_1_1", delaySeconds: 60 },
  bodyOptional: true,
  problems: UNHELD,
});

export const setTaskStatus = contract("setTaskStatus", "POST /v1/tasks/{id}/status", {
  ...at(Path, Task, "As it is now."),
  summary: "Set a task's status, or end it",
  description:
    "Its holder says in_progress, blocked, done or failed; who made it may cancel it; an operator may end it. " +
    "done completes its message, failed makes that a dead letter, cancelled cancels it, all in the same write.",
  body: TaskStatusChange,
  example: { token: "clm_1_1", status: "done", note: "40 GB of logs rotated." },
  repeatable: true,
  problems: ["forbidden", "claim-lost", "not-open", "not-claimable", "conflict", "not-found"],
});

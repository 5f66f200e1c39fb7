import { z } from "zod";
import { workedAnswer } from "../../core/messages/answers.ts";
import { createdOnce, ok, type Route, route } from "../../identity/auth/route.ts";
import type { Db } from "../../kernel/db/database.ts";
import { nextLink } from "../../kernel/http/link.ts";
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
} from "../../protocol/tasks.ts";
import { Claimed, WorkAnswer } from "../../protocol/work.ts";
import type { TaskReaders } from "./readers.ts";
import type { TaskService } from "./service.ts";

export interface TaskRouteParts {
  db: Pick<Db, "read" | "write">;
  tasks: TaskService;
  readers: TaskReaders;
}

const Path = z.strictObject({ id: TaskId });
const tag = "Tasks";

/** Tasks: made by hand, found, claimed, and what became of them. */
export function taskRoutes({ db, tasks, readers }: TaskRouteParts): Route[] {
  const onTask = { method: "POST" as const, tag, params: Path };
  return [
    route({
      method: "POST",
      path: "/v1/tasks",
      operationId: "createTask",
      summary: "Make a task by hand",
      description: "With a target it becomes a claimable message too, from whoever makes it.",
      tag,
      body: TaskDraft,
      example: { title: "Disk of db-1 is full", target: "tag:ops", severity: "warning" },
      idempotent: true,
      answers: {
        201: { description: "Made.", schema: Task },
        200: { description: "Made before with this key, as it is now.", schema: Task },
      },
      problems: ["forbidden", "unknown-target", "no-conversation", "not-claimable", "loop-paused"],
      run: async ({ caller, body, idempotencyKey }) => {
        const { made, replayed } = await db.write((tx) => tasks.create(tx, caller, body, idempotencyKey));
        return createdOnce(made, replayed);
      },
    }),
    route({
      method: "GET",
      path: "/v1/tasks",
      operationId: "listTasks",
      summary: "Find tasks, newest first",
      tag,
      query: TaskQuery,
      answers: { 200: { description: "A page.", schema: TaskList } },
      problems: ["forbidden"],
      run: async ({ caller, query, request }) => {
        const { limit, page, ...filter } = query;
        const list = await db.read((on) => readers.list(on, caller, filter, page, limit));
        return { status: 200, body: list, headers: nextLink(request, list.nextPage) };
      },
    }),
    route({
      method: "GET",
      path: "/v1/tasks/{id}",
      operationId: "getTask",
      summary: "One task with its history",
      tag,
      params: Path,
      query: TaskDetailQuery,
      answers: { 200: { description: "The task and a page of its history.", schema: TaskDetail } },
      problems: ["forbidden", "not-found"],
      run: async ({ caller, params, query, request }) => {
        const task = await db.read((on) => readers.get(on, caller, params.id, query.page, query.limit));
        return { status: 200, body: task, headers: nextLink(request, task.nextPage) };
      },
    }),
    route({
      ...onTask,
      path: "/v1/tasks/{id}/claim",
      operationId: "claimTask",
      summary: "Claim a task: the lease of its message",
      body: TaskClaim,
      example: { leaseSeconds: 600 },
      bodyOptional: true,
      answers: { 200: { description: "Held now.", schema: Claimed } },
      problems: [
        "forbidden",
        "already-claimed",
        "not-open",
        "not-a-target",
        "not-claimable",
        "not-found",
        "conflict",
        "superseded",
      ],
      run: async ({ caller, params, body }) =>
        workedAnswer(await db.write((tx) => tasks.claim(tx, caller, params.id, body))),
    }),
    route({
      ...onTask,
      path: "/v1/tasks/{id}/renew",
      operationId: "renewTask",
      summary: "Renew a lease, and report progress",
      body: TaskRenew,
      example: { token: "clm_1_1", leaseSeconds: 600, progress: "Half of the files are read." },
      bodyOptional: true,
      answers: { 200: { description: "Held until then.", schema: WorkAnswer } },
      problems: ["forbidden", "claim-lost", "not-claimable", "not-found", "loop-paused"],
      run: async ({ caller, params, body }) =>
        workedAnswer(await db.write((tx) => tasks.renew(tx, caller, params.id, body))),
    }),
    route({
      ...onTask,
      path: "/v1/tasks/{id}/release",
      operationId: "releaseTask",
      summary: "Give it back; it is open again",
      body: TaskRelease,
      example: { token: "clm_1_1", delaySeconds: 60 },
      bodyOptional: true,
      answers: { 200: { description: "Open again, at once or after the delay.", schema: WorkAnswer } },
      problems: ["forbidden", "claim-lost", "not-claimable", "not-found"],
      run: async ({ caller, params, body }) =>
        workedAnswer(await db.write((tx) => tasks.release(tx, caller, params.id, body))),
    }),
    route({
      ...onTask,
      path: "/v1/tasks/{id}/status",
      operationId: "setTaskStatus",
      summary: "Say how it goes, or that it is over",
      description:
        "Its holder says in_progress, blocked, done or failed; who made it may cancel it; an operator may end it. " +
        "done completes its message, failed makes that a dead letter, cancelled cancels it, all in the same write.",
      body: TaskStatusChange,
      example: { token: "clm_1_1", status: "done", note: "40 GB of logs rotated." },
      answers: { 200: { description: "As it is now.", schema: Task } },
      problems: ["forbidden", "claim-lost", "not-open", "not-claimable", "conflict", "not-found"],
      run: async ({ caller, params, body }) => ok(await db.write((tx) => tasks.setStatus(tx, caller, params.id, body))),
    }),
  ];
}

import { itemAnswer } from "../../core/messages/answers.ts";
import { createdOnce, ok, pageOf, type Route, route } from "../../identity/auth/route.ts";
import type { Db } from "../../kernel/db/database.ts";
import { nextLink } from "../../kernel/http/link.ts";
import * as api from "../../protocol/task-routes.ts";
import type { TaskReaders } from "./readers.ts";
import type { TaskService } from "./service.ts";

export interface TaskRouteParts {
  db: Pick<Db, "read" | "write">;
  tasks: TaskService;
  readers: TaskReaders;
}

/** Tasks: made by hand, found, claimed, and what became of them. */
export function taskRoutes({ db, tasks, readers }: TaskRouteParts): Route[] {
  return [
    route(api.createTask, async ({ caller, body, idempotencyKey }) =>
      createdOnce(await db.write((tx) => tasks.create(tx, caller, body, idempotencyKey))),
    ),
    route(api.listTasks, async ({ caller, query, request }) => {
      const { limit, page, ...filter } = query;
      return pageOf(await db.read((on) => readers.list(on, caller, filter, page, limit)), request);
    }),
    route(api.getTask, async ({ caller, params, query, request }) => {
      const task = await db.read((on) => readers.get(on, caller, params.id, query.page, query.limit));
      return { status: 200, body: task, headers: nextLink(request, task.nextPage) };
    }),
    route(api.claimTask, async ({ caller, params, body }) =>
      itemAnswer(await db.write((tx) => tasks.claim(tx, caller, params.id, body))),
    ),
    route(api.renewTask, async ({ caller, params, body }) =>
      itemAnswer(await db.write((tx) => tasks.renew(tx, caller, params.id, body))),
    ),
    route(api.releaseTask, async ({ caller, params, body }) =>
      itemAnswer(await db.write((tx) => tasks.release(tx, caller, params.id, body))),
    ),
    route(api.setTaskStatus, async ({ caller, params, body }) =>
      ok(await db.write((tx) => tasks.setStatus(tx, caller, params.id, body))),
    ),
  ];
}

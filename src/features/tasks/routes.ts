import { itemAnswer } from "../../core/messages/answers.ts";
import type { WorkItem } from "../../core/work/items.ts";
import { type Route, routeIn, routesOn } from "../../identity/auth/route.ts";
import type { Db, Tx } from "../../kernel/db/database.ts";
import * as api from "../../protocol/task-routes.ts";
import type { TaskReaders } from "./readers.ts";
import type { TaskService } from "./service.ts";

/** Tasks: made by hand, found, claimed, and their outcomes. */
export function taskRoutes(db: Db, tasks: TaskService, readers: TaskReaders): Route[] {
  const { list, change, create } = routesOn(db);
  const work = routeIn<Tx, WorkItem>(db.write, itemAnswer);
  return [
    create(api.createTask, (tx, { caller, body, idempotencyKey }) => tasks.create(tx, caller, body, idempotencyKey)),
    list(api.listTasks, (on, { caller, query }) => readers.list(on, caller, query)),
    list(api.getTask, (on, { caller, params, query }) => readers.get(on, caller, params.id, query)),
    work(api.claimTask, (tx, { caller, params, body }) => tasks.claim(tx, caller, params.id, body)),
    work(api.renewTask, (tx, { caller, params, body }) => tasks.renew(tx, caller, params.id, body)),
    work(api.releaseTask, (tx, { caller, params, body }) => tasks.release(tx, caller, params.id, body)),
    change(api.setTaskStatus, (tx, { caller, params, body }) => tasks.setStatus(tx, caller, params.id, body)),
  ];
}

import * as routes from "../protocol/task-routes.ts";
import type * as api from "../protocol/tasks.ts";
import type { Claimed, WorkAnswer } from "../protocol/work.ts";
import type { Caller, Keyed, Query } from "./caller.ts";
import type { Call } from "./transport.ts";

/** Verbs on tasks. The lease of a task is that of its message: `claims.complete` and the like end both. */
export const taskVerbs = ({ ask, askOnce, acting }: Caller) => ({
  /** Makes a task by hand. */
  create: (draft: api.TaskDraft, call?: Keyed): Promise<api.Task> =>
    askOnce(routes.createTask, { body: acting("from", draft, call) }, call),

  /** Lists those that the caller may see, newest first. */
  list: (query: Query<typeof api.TaskQuery> = {}, call?: Call) => ask(routes.listTasks, { query }, call),

  /** Returns a task with the newest page of its history. */
  get: (id: string, query: Query<typeof api.TaskDetailQuery> = {}, call?: Call): Promise<api.TaskDetail> =>
    ask(routes.getTask, { params: { id }, query }, call),

  /** Claims a task. Not repeated, because a repeat would find it claimed. */
  claim: (id: string, claim: api.TaskClaim = {}, call?: Call): Promise<Claimed> =>
    ask(routes.claimTask, { params: { id }, body: acting("agentId", claim, call) }, call),

  renew: (id: string, body: api.TaskRenew = {}, call?: Call): Promise<WorkAnswer> =>
    ask(routes.renewTask, { params: { id }, body }, call),

  /** Releases a task; the attempt does not count. Without a token it is not repeated: a repeat would be refused. */
  release: (id: string, body: api.TaskRelease = {}, call?: Call): Promise<WorkAnswer> =>
    ask(routes.releaseTask, { params: { id }, body, repeatable: body.token !== undefined }, call),

  /** Sets the status of a task. A repeat changes nothing. */
  setStatus: (id: string, body: api.TaskStatusChange, call?: Call): Promise<api.Task> =>
    ask(routes.setTaskStatus, { params: { id }, body }, call),
});

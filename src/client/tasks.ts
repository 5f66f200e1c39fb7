import * as routes from "../protocol/task-routes.ts";
import type * as api from "../protocol/tasks.ts";
import type { Claimed, WorkAnswer } from "../protocol/work.ts";
import type { Caller, Keyed, Query } from "./caller.ts";
import type { Call } from "./transport.ts";

/** The verbs on tasks. The lease of a task is that of its message: `claims.complete` and the like end both. */
export function taskVerbs({ ask, askOnce, acting }: Caller) {
  return {
    /** Makes one by hand. */
    create: (draft: api.TaskDraft, call?: Keyed): Promise<api.Task> =>
      askOnce(routes.createTask, { body: acting("from", draft, call) }, call),

    /** Those that the caller may see, newest first. */
    list: (query: Query<typeof api.TaskQuery> = {}, call?: Call) => ask(routes.listTasks, { query }, call),

    /** One with the newest page of its history. */
    get: (id: string, query: Query<typeof api.TaskDetailQuery> = {}, call?: Call): Promise<api.TaskDetail> =>
      ask(routes.getTask, { params: { id }, query }, call),

    /** Takes it. Not repeated: who asks again is told that somebody holds it. */
    claim: (id: string, claim: api.TaskClaim = {}, call?: Call): Promise<Claimed> =>
      ask(routes.claimTask, { params: { id }, body: acting("agentId", claim, call) }, call),

    renew: (id: string, body: api.TaskRenew = {}, call?: Call): Promise<WorkAnswer> =>
      ask(routes.renewTask, { params: { id }, body }, call),

    /** Gives it back; the attempt does not count. Without a token it is not repeated: it would be refused for having been done. */
    release: (id: string, body: api.TaskRelease = {}, call?: Call): Promise<WorkAnswer> =>
      ask(routes.releaseTask, { params: { id }, body, repeatable: body.token !== undefined }, call),

    /** Says how it goes, or that it is over. Said again it changes nothing. */
    setStatus: (id: string, body: api.TaskStatusChange, call?: Call): Promise<api.Task> =>
      ask(routes.setTaskStatus, { params: { id }, body }, call),
  };
}

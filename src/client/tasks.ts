import {
  Task,
  type TaskClaim,
  TaskDetail,
  type TaskDetailQuery,
  type TaskDraft,
  TaskList,
  type TaskQuery,
  type TaskRelease,
  type TaskRenew,
  type TaskStatusChange,
} from "../protocol/tasks.ts";
import { Claimed, WorkAnswer } from "../protocol/work.ts";
import { type Caller, part, type Query } from "./caller.ts";
import { randomKey } from "./messages.ts";
import type { Call } from "./transport.ts";

/** The verbs on tasks. The lease of a task is that of its message: `claims.complete` and the like end both. */
export function taskVerbs({ ask, agentId }: Caller) {
  const at = (id: string, rest = "") => `/v1/tasks/${part(id)}${rest}`;

  return {
    /** Makes one by hand; a key of our own makes it safe to send again what was not answered. */
    create(
      draft: TaskDraft,
      { idempotencyKey = randomKey(), ...call }: Call & { idempotencyKey?: string } = {},
    ): Promise<Task> {
      const from = draft.from ?? call.agentId ?? agentId;
      const headers = { "idempotency-key": idempotencyKey };
      const body = { ...draft, ...(from && { from }) };
      return ask({ method: "POST", path: "/v1/tasks", body, headers, answer: Task, repeatable: true }, call);
    },

    /** Those that the caller may see, newest first. */
    list(query: Query<typeof TaskQuery> = {}, call?: Call) {
      return ask({ method: "GET", path: "/v1/tasks", query, answer: TaskList, repeatable: true }, call);
    },

    /** One with the newest page of its history. */
    get(id: string, query: Query<typeof TaskDetailQuery> = {}, call?: Call): Promise<TaskDetail> {
      return ask({ method: "GET", path: at(id), query, answer: TaskDetail, repeatable: true }, call);
    },

    /** Takes it. Not repeated: who asks again is told that somebody holds it. */
    claim(id: string, claim: TaskClaim = {}, call?: Call): Promise<Claimed> {
      const holder = claim.agentId ?? call?.agentId ?? agentId;
      const body = { ...claim, ...(holder && { agentId: holder }) };
      return ask({ method: "POST", path: at(id, "/claim"), body, answer: Claimed }, call);
    },

    renew(id: string, body: TaskRenew = {}, call?: Call): Promise<WorkAnswer> {
      return ask({ method: "POST", path: at(id, "/renew"), body, answer: WorkAnswer, repeatable: true }, call);
    },

    /** Gives it back; the attempt does not count. Without a token it is not repeated: it would be refused for having been done. */
    release(id: string, body: TaskRelease = {}, call?: Call): Promise<WorkAnswer> {
      const repeatable = body.token !== undefined;
      return ask({ method: "POST", path: at(id, "/release"), body, answer: WorkAnswer, repeatable }, call);
    },

    /** Says how it goes, or that it is over. Said again it changes nothing. */
    setStatus(id: string, body: TaskStatusChange, call?: Call): Promise<Task> {
      return ask({ method: "POST", path: at(id, "/status"), body, answer: Task, repeatable: true }, call);
    },
  };
}

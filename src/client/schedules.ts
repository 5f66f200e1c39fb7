import {
  FireDetail,
  FireList,
  type FireQuery,
  Schedule,
  type ScheduleDraft,
  ScheduleList,
  type SchedulePatch,
  type ScheduleQuery,
} from "../protocol/schedules.ts";
import { type Caller, Nothing, part, type Query } from "./caller.ts";
import { randomKey } from "./messages.ts";
import type { Call } from "./transport.ts";

/** The verbs on schedules; a message with a `deliverAt` is one too, which can only be looked at and cancelled. */
export function scheduleVerbs({ ask, agentId }: Caller) {
  const at = (id: string, rest = "") => `/v1/schedules/${part(id)}${rest}`;

  return {
    /** A key of our own makes it safe to send again what was not answered. */
    create(
      draft: ScheduleDraft,
      { idempotencyKey = randomKey(), ...call }: Call & { idempotencyKey?: string } = {},
    ): Promise<Schedule> {
      const owner = draft.agentId ?? call.agentId ?? agentId;
      const body = { ...draft, ...(owner && { agentId: owner }) };
      const headers = { "idempotency-key": idempotencyKey };
      return ask({ method: "POST", path: "/v1/schedules", body, headers, answer: Schedule, repeatable: true }, call);
    },

    /** Those that the caller may see, newest first. */
    list(query: Query<typeof ScheduleQuery> = {}, call?: Call) {
      return ask({ method: "GET", path: "/v1/schedules", query, answer: ScheduleList, repeatable: true }, call);
    },

    get(id: string, call?: Call): Promise<Schedule> {
      return ask({ method: "GET", path: at(id), answer: Schedule, repeatable: true }, call);
    },

    /** Sends its message now; its own times stay. A key of our own makes it safe to send again what was not answered. */
    run(
      id: string,
      { idempotencyKey = randomKey(), ...call }: Call & { idempotencyKey?: string } = {},
    ): Promise<FireDetail> {
      const headers = { "idempotency-key": idempotencyKey };
      return ask({ method: "POST", path: at(id, "/run"), headers, answer: FireDetail, repeatable: true }, call);
    },

    /** Its last runs with the outcome of each message, newest first. */
    fires(id: string, query: Query<typeof FireQuery> = {}, call?: Call) {
      return ask({ method: "GET", path: at(id, "/fires"), query, answer: FireList, repeatable: true }, call);
    },

    patch(id: string, changes: SchedulePatch, call?: Call): Promise<Schedule> {
      return ask({ method: "PATCH", path: at(id), body: changes, answer: Schedule, repeatable: true }, call);
    },

    async delete(id: string, call?: Call): Promise<void> {
      await ask({ method: "DELETE", path: at(id), answer: Nothing }, call);
    },
  };
}

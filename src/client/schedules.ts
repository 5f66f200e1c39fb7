import * as api from "../protocol/schedules.ts";
import type { Caller, Keyed, Query } from "./caller.ts";
import type { Call } from "./transport.ts";

/** Verbs on schedules. A message with a `deliverAt` is one too, which can be cancelled, and resumed once it is paused. */
export const scheduleVerbs = ({ ask, askOnce, acting }: Caller) => ({
  create: (draft: api.ScheduleDraft, call?: Keyed): Promise<api.Schedule> =>
    askOnce(api.createSchedule, { body: acting("agentId", draft, call) }, call),

  /** Lists those that the caller may see, newest first. */
  list: (query: Query<typeof api.ScheduleQuery> = {}, call?: Call) => ask(api.listSchedules, { query }, call),

  /** Lists the next times of a cron expression. Nothing is scheduled. */
  times: (query: { cron: string; timezone?: string; count?: number }, call?: Call): Promise<api.TimesList> =>
    ask(api.listTimes, { query }, call),

  get: (id: string, call?: Call): Promise<api.Schedule> => ask(api.getSchedule, { params: { id } }, call),

  /** Sends the schedule's message now; its own times stay. */
  run: (id: string, call?: Keyed): Promise<api.FireDetail> => askOnce(api.runSchedule, { params: { id } }, call),

  /** Lists the last runs of a schedule with their outcomes, newest first. */
  fires: (id: string, query: Query<typeof api.FireQuery> = {}, call?: Call) =>
    ask(api.listFires, { params: { id }, query }, call),

  patch: (id: string, body: api.SchedulePatch, call?: Call): Promise<api.Schedule> =>
    ask(api.changeSchedule, { params: { id }, body }, call),

  delete: (id: string, call?: Call): Promise<void> => ask(api.deleteSchedule, { params: { id } }, call),
});

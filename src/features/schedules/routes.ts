import { type Route, routesOn } from "../../identity/auth/route.ts";
import type { Db } from "../../kernel/db/database.ts";
import * as api from "../../protocol/schedules.ts";
import type { ScheduleService } from "./service.ts";

/** Messages that are sent by themselves, at a time. */
export function scheduleRoutes(db: Db, schedules: ScheduleService): Route[] {
  const { get, list, change, create, remove } = routesOn(db);
  return [
    create(api.createSchedule, (tx, { caller, body, idempotencyKey }) =>
      schedules.create(tx, caller, body, idempotencyKey),
    ),
    list(api.listSchedules, (on, { caller, query }) => schedules.list(on, caller, query)),
    get(api.listTimes, (on, { caller, query }) => schedules.times(on, caller, query)),
    get(api.getSchedule, (on, { caller, params }) => schedules.get(on, caller, params.id)),
    change(api.changeSchedule, (tx, { caller, params, body }) => schedules.patch(tx, caller, params.id, body)),
    remove(api.deleteSchedule, (tx, { caller, params }) => schedules.remove(tx, caller, params.id)),
    create(api.runSchedule, (tx, { caller, params, idempotencyKey }) =>
      schedules.run(tx, caller, params.id, idempotencyKey),
    ),
    list(api.listFires, (on, { caller, params, query }) => schedules.fires(on, caller, params.id, query)),
  ];
}

import { createdOnce, noContent, ok, pageOf, type Route, route } from "../../identity/auth/route.ts";
import type { Db } from "../../kernel/db/database.ts";
import * as api from "../../protocol/schedules.ts";
import type { ScheduleService } from "./service.ts";

/** Messages that are sent by themselves, at a time. */
export function scheduleRoutes(db: Pick<Db, "read" | "write">, schedules: ScheduleService): Route[] {
  return [
    route(api.createSchedule, async ({ caller, body, idempotencyKey }) =>
      createdOnce(await db.write((tx) => schedules.create(tx, caller, body, idempotencyKey))),
    ),
    route(api.listSchedules, async ({ caller, query, request }) =>
      pageOf(await db.read((on) => schedules.list(on, caller, query)), request),
    ),
    route(api.getSchedule, async ({ caller, params }) =>
      ok(await db.read((on) => schedules.get(on, caller, params.id))),
    ),
    route(api.changeSchedule, async ({ caller, params, body }) =>
      ok(await db.write((tx) => schedules.patch(tx, caller, params.id, body))),
    ),
    route(api.deleteSchedule, async ({ caller, params }) => {
      await db.write((tx) => schedules.remove(tx, caller, params.id));
      return noContent;
    }),
    route(api.runSchedule, async ({ caller, params, idempotencyKey }) =>
      createdOnce(await db.write((tx) => schedules.run(tx, caller, params.id, idempotencyKey))),
    ),
    route(api.listFires, async ({ caller, params, query, request }) =>
      pageOf(await db.read((on) => schedules.fires(on, caller, params.id, query)), request),
    ),
  ];
}

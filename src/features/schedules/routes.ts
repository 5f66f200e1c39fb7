import { z } from "zod";
import { createdOnce, ok, type Route, route } from "../../identity/auth/route.ts";
import type { Db } from "../../kernel/db/database.ts";
import { nextLink } from "../../kernel/http/link.ts";
import {
  FireDetail,
  FireList,
  FireQuery,
  Schedule,
  ScheduleDraft,
  ScheduleId,
  ScheduleList,
  SchedulePatch,
  ScheduleQuery,
} from "../../protocol/schedules.ts";
import type { ScheduleService } from "./service.ts";

const tag = "Schedules";
const Path = z.strictObject({ id: ScheduleId });

/** Why nobody could be sent the message. */
const UNSENDABLE = ["unknown-target", "not-claimable", "no-conversation", "reserved-kind", "reserved"] as const;

/** Messages that are sent by themselves, at a time. */
export function scheduleRoutes(db: Pick<Db, "read" | "write">, schedules: ScheduleService): Route[] {
  return [
    route({
      method: "POST",
      path: "/v1/schedules",
      operationId: "createSchedule",
      summary: "Have a message sent at a time, once or by cron",
      description:
        "Each time is sent once, over restarts and changes of the clock. The message's `meta.schedule` says which schedule made " +
        "it and for when; `missedBySeconds` is there when it is late. To oneself is a reminder.",
      tag,
      body: ScheduleDraft,
      example: {
        name: "standup",
        cron: "0 9 * * 1-5",
        timezone: "Europe/Berlin",
        message: { to: "user", body: "Standup." },
      },
      idempotent: true,
      answers: {
        201: { description: "The schedule, with its next time.", schema: Schedule },
        200: { description: "Made before with this key.", schema: Schedule },
      },
      problems: ["forbidden", "superseded", "unknown-instance", "conflict", ...UNSENDABLE],
      run: async ({ caller, body, idempotencyKey }) => {
        const { made, replayed } = await db.write((tx) => schedules.create(tx, caller, body, idempotencyKey));
        return createdOnce(made, replayed);
      },
    }),
    route({
      method: "GET",
      path: "/v1/schedules",
      operationId: "listSchedules",
      summary: "Schedules, newest first, and messages with a deliverAt that are still to be sent",
      tag,
      query: ScheduleQuery,
      answers: { 200: { description: "A page.", schema: ScheduleList } },
      problems: ["forbidden", "superseded", "unknown-instance"],
      run: async ({ caller, query, request }) => {
        const list = await db.read((on) => schedules.list(on, caller, query));
        return { status: 200, body: list, headers: nextLink(request, list.nextPage) };
      },
    }),
    route({
      method: "GET",
      path: "/v1/schedules/{id}",
      operationId: "getSchedule",
      summary: "One schedule, or one message with a deliverAt",
      tag,
      params: Path,
      answers: { 200: { description: "The schedule.", schema: Schedule } },
      problems: ["forbidden", "not-found", "superseded", "unknown-instance"],
      run: async ({ caller, params }) => ok(await db.read((on) => schedules.get(on, caller, params.id))),
    }),
    route({
      method: "PATCH",
      path: "/v1/schedules/{id}",
      operationId: "changeSchedule",
      summary: "Change, pause or resume a schedule",
      tag,
      params: Path,
      body: SchedulePatch,
      example: { enabled: false },
      answers: { 200: { description: "The schedule as it is now.", schema: Schedule } },
      problems: [...(["forbidden", "not-found", "conflict", "superseded", "unknown-instance"] as const), ...UNSENDABLE],
      run: async ({ caller, params, body }) => ok(await db.write((tx) => schedules.patch(tx, caller, params.id, body))),
    }),
    route({
      method: "DELETE",
      path: "/v1/schedules/{id}",
      operationId: "deleteSchedule",
      summary: "Delete a schedule, or cancel a message with a deliverAt",
      tag,
      params: Path,
      answers: { 204: { description: "Deleted." } },
      problems: ["forbidden", "not-found", "conflict", "superseded", "unknown-instance"],
      run: async ({ caller, params }) => {
        await db.write((tx) => schedules.remove(tx, caller, params.id));
        return { status: 204 };
      },
    }),
    route({
      method: "POST",
      path: "/v1/schedules/{id}/run",
      operationId: "runSchedule",
      summary: "Send a schedule's message now",
      description: "Its own times stay as they are, and a paused schedule stays paused.",
      tag,
      params: Path,
      idempotent: true,
      answers: {
        201: { description: "The time that was added, with its message.", schema: FireDetail },
        200: { description: "Run before with this key.", schema: FireDetail },
      },
      problems: [
        ...(["forbidden", "not-found", "conflict", "superseded", "unknown-instance", "loop-paused"] as const),
        ...UNSENDABLE,
      ],
      run: async ({ caller, params, idempotencyKey }) => {
        const { made, replayed } = await db.write((tx) => schedules.run(tx, caller, params.id, idempotencyKey));
        return createdOnce(made, replayed);
      },
    }),
    route({
      method: "GET",
      path: "/v1/schedules/{id}/fires",
      operationId: "listFires",
      summary: "List a schedule's last 100 runs with the outcome of each message, newest first",
      tag,
      params: Path,
      query: FireQuery,
      answers: { 200: { description: "A page.", schema: FireList } },
      problems: ["forbidden", "not-found", "superseded", "unknown-instance"],
      run: async ({ caller, params, query, request }) => {
        const list = await db.read((on) => schedules.fires(on, caller, params.id, query));
        return { status: 200, body: list, headers: nextLink(request, list.nextPage) };
      },
    }),
  ];
}

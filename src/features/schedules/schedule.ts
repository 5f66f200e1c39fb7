import type { ScheduledRow } from "../../core/messages/row.ts";
import type { Fire, Schedule } from "../../protocol/schedules.ts";
import { toTime, toTimeOrNull } from "../../protocol/wire.ts";
import type { FireRow, ScheduleRow } from "./store.ts";
import { MISSED_MS } from "./times.ts";

export function toFire(row: FireRow): Fire {
  const { n, missed, outcome, reason, messageId, by, error, approvalId } = row;
  const late = row.firedAt - row.scheduledAt;
  return {
    ...{ n, missed, outcome, reason, messageId, by, error, approvalId },
    scheduledAt: toTime(row.scheduledAt),
    firedAt: toTime(row.firedAt),
    missedBySeconds: late >= MISSED_MS ? Math.round(late / 1000) : 0,
  };
}

export function toSchedule(row: ScheduleRow, last: FireRow | undefined): Schedule {
  const { id, agentId, name, cron, timezone, message, run, missed, enabled, reason, fires, failures } = row;
  return {
    ...{ id, agentId, origin: "schedule", name, cron, timezone, message, run },
    ...{ missed, enabled, reason, fires, failures },
    at: toTimeOrNull(row.at),
    nextAt: toTimeOrNull(row.nextAt),
    lastFire: last ? toFire(last) : null,
    createdAt: toTime(row.createdAt),
    updatedAt: toTime(row.updatedAt),
  };
}

/** A message with a `deliverAt`, as the schedule of one time that it is. */
export function toPlanned(row: ScheduledRow): Schedule {
  const isDone = row.messageId !== null || row.error !== null;
  const isOn = !isDone && row.paused === null;
  const at = toTime(row.deliverAt);
  const outcome = row.messageId === null ? "failed" : "sent";
  const fire = {
    n: 1,
    scheduledAt: at,
    firedAt: at,
    missedBySeconds: 0,
    missed: 0,
    outcome,
    reason: null,
    by: null,
    approvalId: row.waits?.approvalId ?? null,
  } as const;
  const { deliverAt: _, from: _f, ...message } = row.draft;
  return {
    ...{ id: row.id, agentId: row.fromId, origin: "message", name: null, at, cron: null, timezone: "UTC", message },
    run: null,
    missed: "once",
    enabled: isOn,
    reason: row.error ?? row.paused,
    nextAt: isOn ? at : null,
    fires: isDone ? 1 : 0,
    failures: row.error === null ? 0 : 1,
    lastFire: isDone ? { ...fire, messageId: row.messageId, error: row.error } : null,
    createdAt: toTime(row.createdAt),
    updatedAt: toTime(row.createdAt),
  };
}

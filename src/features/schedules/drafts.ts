import { type Caller, signedBy } from "../../identity/auth/caller.ts";
import { newId } from "../../kernel/ids.ts";
import type { ParsedScheduleDraft, ParsedSchedulePatch } from "../../protocol/schedules.ts";
import { fromTime } from "../../protocol/wire.ts";
import type { ScheduleRow } from "./store.ts";
import { requireNext, type When } from "./times.ts";

/** Row of a new schedule. @throws Problem 422 when it never comes */
export function newRow(draft: ParsedScheduleDraft, caller: Caller, agentId: string, now: number): ScheduleRow {
  const at = draft.at === undefined ? null : fromTime(draft.at);
  const when: When = { at, cron: draft.cron ?? null, timezone: draft.timezone };
  const nextAt = requireNext(when, now);
  return {
    id: newId("sch", now),
    agentId,
    ...signedBy(caller, agentId),
    name: draft.name ?? null,
    ...when,
    target: draft.message.to,
    message: draft.message,
    run: draft.run ?? null,
    missed: draft.missed,
    enabled: draft.enabled,
    reason: null,
    nextAt: draft.enabled ? nextAt : null,
    fires: 0,
    failures: 0,
    lastMessageId: null,
    endedAt: null,
    createdAt: now,
    updatedAt: now,
    tokenId: caller.tokenId,
  };
}

/** Row of a schedule after a change. @throws Problem 422 when it never comes */
export function changedRow(row: ScheduleRow, patch: ParsedSchedulePatch, caller: Caller, now: number): ScheduleRow {
  const when = whenOf(row, patch);
  const enabled = patch.enabled ?? row.enabled;
  const isMoved = patch.at !== undefined || patch.cron !== undefined || patch.timezone !== undefined;
  const isRevived = enabled && !row.enabled;
  const nextAt = isMoved || isRevived ? requireNext(when, now) : row.nextAt;
  return {
    ...row,
    ...when,
    name: patch.name === undefined ? row.name : patch.name,
    message: patch.message ?? row.message,
    target: patch.message?.to ?? row.target,
    run: patch.run === undefined ? row.run : patch.run,
    missed: patch.missed ?? row.missed,
    enabled,
    nextAt: enabled ? nextAt : null,
    ...(patch.message === undefined ? {} : signedBy(caller, row.agentId)),
    updatedAt: now,
    ...(isRevived ? { reason: null, failures: 0, endedAt: null } : {}),
    ...(isRevived || patch.message !== undefined ? { tokenId: caller.tokenId } : {}),
  };
}

/** A new time replaces the cron expression, and a new expression the time. */
function whenOf(row: ScheduleRow, patch: ParsedSchedulePatch): When {
  const timezone = patch.timezone ?? row.timezone;
  if (patch.at !== undefined) return { at: fromTime(patch.at), cron: null, timezone };
  if (patch.cron !== undefined) return { at: null, cron: patch.cron, timezone };
  return { at: row.at, cron: row.cron, timezone };
}

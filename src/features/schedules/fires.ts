import type { Areas } from "../../core/core.ts";
import { type Beginning, HELD_MS } from "../../core/holding/holding.ts";
import type { Addressed } from "../../core/messages/draft.ts";
import type { LogEntry } from "../../core/messages/entry.ts";
import type { ScheduledRow } from "../../core/messages/row.ts";
import type { ReadTx, Tx } from "../../kernel/db/database.ts";
import type { DueRow } from "../../kernel/due/row.ts";
import type { AgentId, MessageId } from "../../protocol/ids.ts";
import type { ParsedDraft } from "../../protocol/messages.ts";
import { Problem } from "../../protocol/problem.ts";
import type { FireRun } from "../../protocol/schedules.ts";
import { toTime } from "../../protocol/wire.ts";
import type { Notices } from "./notices.ts";
import { type FireRow, type ScheduleRow, scheduleStore as store } from "./store.ts";
import { MISSED_MS, nextTime, type Occurrence, occurrenceBy } from "./times.ts";

/** The due row of an enabled schedule: when it is sent next. */
export const FIRE = "schedule.fire";

/** Tries of one time, over some seconds, before it counts as failed. */
const MAX_TRIES = 4;
/** Failed times in a row after which a schedule is disabled. */
const MAX_FAILURES = 3;
/** Delay after which a message to be sent once is skipped. */
const TOO_LATE_MS = 7 * 86_400_000;
const KEPT_FIRES = 100;

/** Runs that the message of a time became. */
export interface RunsOfMessage {
  newest: FireRun;
  /** One that has not ended. A message to a group may have several runs. */
  running: FireRun | undefined;
}

export type Outcome = FireRow["outcome"];
export type Fires = ReturnType<typeof createFires>;

/** Sends the messages of schedules, each time once, and disables schedules that only fail. */
export function createFires({ kernel, identity, core }: Areas, notices: Notices) {
  const { clock, due, hooks, logger } = kernel;
  const { directory } = identity;
  const { messages } = core;
  const { tellOwner } = notices;
  const fired = hooks.event<[outcome: Outcome]>("schedules.fired");
  /** Runs that a message became; no answer when there are none. */
  const runsOf = hooks.question<[messageId: MessageId], RunsOfMessage>("schedules.runsOf");

  /**
   * Sends the message of a due time. Record, message and next time are one write. An error rolls all of it back, and the
   * due row comes again.
   */
  async function fire(tx: Tx, { key: id, tries, lastError }: DueRow): Promise<void> {
    const row = await store.byId(tx, id);
    if (!row?.enabled || row.nextAt === null) return;
    const occurrence = occurrenceBy(row, row.nextAt, clock.now());
    if (isOver(row, occurrence)) return skip(tx, row, occurrence, "missed");
    if (tries >= MAX_TRIES) return failed(tx, row, occurrence, String(lastError).replace(/^Problem: /, ""));
    if (await holdOver(tx, row)) return due.schedule(tx, FIRE, id, clock.now() + HELD_MS);
    const running = await runningOf(tx, row);
    if (running) return skip(tx, row, occurrence, "already-running", stillRuns(running));
    const waiting = await store.waiting(tx, id);
    if (waiting) return skip(tx, row, occurrence, "approval", stillWaits(waiting));
    // A refusal is told to the owner. Any other error is tried again.
    const refusal = await tx.attempt(() => send(tx, row, occurrence)).catch(refused);
    if (!(refusal instanceof Problem)) return;
    logger.debug({ scheduleId: id, code: refusal.code, detail: refusal.message }, "schedule was refused");
    await failed(tx, row, occurrence, refusal.message, refusal.code === "unknown-target");
    const now = await store.byId(tx, id);
    // `note` or `disable` has told of a schedule that ended or was disabled.
    if (now?.enabled) await tellOwner(tx, now, "not sent", refusal.message);
  }

  /** Author or receiver that a hold stands over. The time is looked at again, as after an absence of the relay. */
  const holdOver = (on: ReadTx, { agentId, target }: ScheduleRow): Promise<Beginning | undefined> =>
    core.holding.over(on, [agentId, target as AgentId]);

  /** Run of the message sent last that has not ended. */
  const runningOf = async (on: ReadTx, { lastMessageId }: ScheduleRow): Promise<FireRun | undefined> =>
    lastMessageId === null ? undefined : (await runsOf.first(on, lastMessageId))?.running;

  const skip = (
    tx: Tx,
    row: ScheduleRow,
    occurrence: Occurrence,
    reason: FireRow["reason"],
    error: string | null = null,
  ): Promise<void> => note(tx, row, occurrence, { outcome: "skipped", reason, error });

  async function send(tx: Tx, row: ScheduleRow, occurrence: Occurrence): Promise<void> {
    const { asks, ...addressed } = await addressedBy(tx, row, occurrence);
    if (asks) {
      const held = await messages.waiting.hold(tx, { ...addressed, asks }, { owner: row.id, isRoot: true });
      return note(tx, row, occurrence, { outcome: "waiting", reason: null, error: null, approvalId: held.approvalId });
    }
    await note(tx, row, occurrence, { outcome: "sent", reason: null, error: null });
    const sent = await messages.append(tx, { ...addressed, isRoot: true });
    await store.sent(tx, row.id, row.fires + 1, sent.entry.id);
  }

  /** The message of a time was allowed and is sent, or never will be. */
  async function followWaited(tx: Tx, { waits, error }: ScheduledRow, entry: LogEntry | undefined): Promise<void> {
    const row = waits?.owner?.startsWith("sch_") ? await store.byId(tx, waits.owner) : undefined;
    const fire = row && (await store.waiting(tx, row.id));
    if (!row || !fire || fire.approvalId !== waits?.approvalId) return;
    if (entry) {
      await store.changeFire(tx, fire, { outcome: "sent", messageId: entry.id });
      await store.change(tx, row, { lastMessageId: entry.id, failures: 0 });
      return fired.raise(tx, "sent");
    }
    await store.changeFire(tx, fire, { outcome: "failed", error });
    const failed = await store.change(tx, row, { failures: row.failures + 1 });
    await fired.raise(tx, "failed");
    if (failed.enabled && failed.failures >= MAX_FAILURES) await disable(tx, failed, error ?? NOT_ALLOWED);
    else await tellOwner(tx, failed, "not sent", error ?? NOT_ALLOWED);
  }

  function isOver(row: ScheduleRow, { scheduledAt }: Occurrence): boolean {
    const late = clock.now() - scheduledAt;
    return late >= MISSED_MS && (row.missed === "skip" || (row.cron === null && late > TOO_LATE_MS));
  }

  /** Addresses the message of a time. It counts against the daily quota of its owner. @throws Problem 409, 422, 429 */
  async function addressedBy(tx: Tx, row: ScheduleRow, occurrence: Occurrence) {
    const facts = directory.facts(tx, row.agentId);
    if (!facts || facts.deletedAt !== null) throw new Problem("unknown-target", `${row.agentId} is not registered.`);
    const addressed = await messages.address(
      tx,
      { id: facts.id, kind: facts.kind, via: row.via, person: row.person, source: "schedule" },
      draftOf(row, occurrence, clock.now()),
    );
    messages.quotas.take(tx, facts, "messages");
    return addressed;
  }

  /** Records the outcome of a time, and plans the next one. */
  async function note(
    tx: Tx,
    row: ScheduleRow,
    occurrence: Occurrence,
    how: Pick<FireRow, "outcome" | "reason" | "error"> & Partial<Pick<FireRow, "approvalId">>,
  ): Promise<void> {
    const now = clock.now();
    const n = row.fires + 1;
    const fire = { scheduleId: row.id, n, ...occurrence, firedAt: now, person: null };
    await store.addFire(tx, { ...fire, messageId: null, by: null, approvalId: null, ...how });
    await store.forgetFires(tx, row.id, n - KEPT_FIRES);
    // No time comes twice, even after the clock was set back.
    const nextAt = nextTime(row, Math.max(now, occurrence.scheduledAt));
    const isEnd = nextAt === null;
    const isUndecided = how.outcome === "waiting" || how.reason === "approval";
    const failures = how.outcome === "failed" ? row.failures + 1 : isUndecided ? row.failures : 0;
    const ended = isEnd ? { enabled: false, endedAt: now } : {};
    await store.change(tx, row, { fires: n, failures, nextAt, ...ended });
    if (nextAt !== null) await due.schedule(tx, FIRE, row.id, nextAt);
    if (isEnd && how.outcome !== "sent" && how.outcome !== "waiting")
      await tellOwner(tx, row, "not sent", how.error ?? "Its time had passed by.");
    await fired.raise(tx, how.outcome);
  }

  /**
   * Sends it now and leaves its times as they are; `sent` is the id of the message, or of the plan that waits for a person.
   * `isRoot` begins a chain: for operators. An agent's run is a message like any other. @throws Problem 409 already-running, 422, 429
   */
  async function runNow(
    tx: Tx,
    row: ScheduleRow,
    { by, person, isRoot }: { by: string; person: string | null; isRoot: boolean },
  ): Promise<{ fire: FireRow; sent: string }> {
    const now = clock.now();
    const n = row.fires + 1;
    const occurrence = { scheduledAt: now, missed: 0 };
    const held = await holdOver(tx, row);
    if (held) await core.holding.require(tx, held);
    const running = await runningOf(tx, row);
    if (running) throw new Problem("already-running", stillRuns(running), { runId: running.id });
    const waiting = await store.waiting(tx, row.id);
    if (waiting) throw new Problem("conflict", stillWaits(waiting));
    const { sent, ...outcome } = await sendNow(tx, row, await addressedBy(tx, row, occurrence), isRoot);
    const fire: FireRow = {
      ...{ scheduleId: row.id, n, ...occurrence, firedAt: now, by, person, reason: null, error: null },
      ...outcome,
    };
    await store.addFire(tx, fire);
    await store.forgetFires(tx, row.id, n - KEPT_FIRES);
    const { messageId } = outcome;
    await store.change(tx, row, { fires: n, ...(messageId === null ? {} : { lastMessageId: messageId }) });
    await fired.raise(tx, outcome.outcome);
    return { fire, sent };
  }

  async function sendNow(
    tx: Tx,
    { id }: ScheduleRow,
    { asks, ...addressed }: Addressed,
    isRoot: boolean,
  ): Promise<Pick<FireRow, "outcome" | "messageId" | "approvalId"> & { sent: string }> {
    if (!asks) {
      const { entry } = await messages.append(tx, { ...addressed, isRoot });
      return { outcome: "sent", messageId: entry.id, approvalId: null, sent: String(entry.id) };
    }
    const { scheduleId, approvalId } = await messages.waiting.hold(tx, { ...addressed, asks }, { owner: id, isRoot });
    return { outcome: "waiting", messageId: null, approvalId, sent: scheduleId };
  }

  async function failed(
    tx: Tx,
    row: ScheduleRow,
    occurrence: Occurrence,
    error: string,
    isFinal = false,
  ): Promise<void> {
    await note(tx, row, occurrence, { outcome: "failed", reason: null, error });
    const now = await store.byId(tx, row.id);
    if (now?.enabled && (isFinal || now.failures >= MAX_FAILURES)) await disable(tx, now, error);
  }

  /** Stops a schedule until its owner resumes it, and tells the owner and the operator. */
  async function disable(tx: Tx, row: ScheduleRow, reason: string, how: "disabled" | "paused" = "disabled") {
    await store.change(tx, row, { enabled: false, reason, nextAt: null, updatedAt: clock.now() });
    await due.cancel(tx, FIRE, row.id);
    await notices.record(tx, row.id, how, reason);
    await tellOwner(tx, row, how, reason);
  }

  return {
    runNow,
    disable,
    fired,
    runsOf,
    followWaited,
    dueHandlers: { [FIRE]: fire },
  };
}

/** Draft of the message of one time, with its schedule, its delay and how it is to be run. */
export function draftOf(row: ScheduleRow, { scheduledAt, missed }: Occurrence, now: number): ParsedDraft {
  const { expiresAfterSeconds, meta, ...message } = row.message;
  const late = now - scheduledAt;
  const schedule = {
    ...{ id: row.id, name: row.name, scheduledAt: toTime(scheduledAt) },
    ...(late >= MISSED_MS ? { missedBySeconds: Math.round(late / 1000), missed } : {}),
    ...(row.run ? { run: row.run } : {}),
  };
  const expiresAt = expiresAfterSeconds === undefined ? undefined : toTime(now + expiresAfterSeconds * 1000);
  return { ...message, expiresAt, meta: { ...meta, schedule } };
}

const stillRuns = ({ id }: FireRun): string =>
  `Run ${id} of the message before still runs: wait for its end, or abort it.`;

const NOT_ALLOWED = "nobody allowed it";
const stillWaits = ({ n, approvalId }: FireRow): string =>
  `The message of time ${n} still waits for ${approvalId}: answer that first.`;

/** A refusal as a value. Anything else is thrown on: an outage of the storage refuses nothing. */
function refused(error: unknown): Problem {
  if (error instanceof Problem && error.status < 500) return error;
  throw error;
}

import { Cron } from "croner";
import { Problem } from "../problem.ts";

/** Later than this, a time counts as missed: the relay was away. */
export const MISSED_MS = 60_000;
/** So many missed times are counted, no more. */
export const MAX_MISSED = 100;

/** When a schedule is due: one time, or a cron expression in a time zone. */
export interface When {
  at: number | null;
  cron: string | null;
  timezone: string;
}

/** A time that has come, and those before it that passed by. */
export interface Come {
  /** The newest of them. */
  scheduledAt: number;
  missed: number;
}

/**
 * The expression, read. Five fields, so that it comes at most once a minute.
 * @throws Problem 422 that names /cron or /timezone
 */
function read({ cron, timezone }: { cron: string; timezone: string }): Cron {
  if (!/^@[a-z]+$/i.test(cron) && cron.trim().split(/\s+/).length !== 5)
    throw Problem.invalid("/cron", "is not a cron expression of five fields");
  try {
    new Intl.DateTimeFormat("en", { timeZone: timezone });
  } catch {
    throw Problem.invalid("/timezone", "is not a time zone");
  }
  try {
    return new Cron(cron, { timezone, mode: "5-part", paused: true });
  } catch (error) {
    throw Problem.invalid(
      "/cron",
      `is not a cron expression: ${(error as Error).message.replace(/^CronPattern: /, "")}`,
    );
  }
}

/**
 * The first time after another. Where clocks are set forward a time that does not exist comes at the end of the gap; where
 * they are set back one that exists twice comes once, but what comes every so many minutes goes on.
 * null when there is none.
 */
export function nextTime(when: When, after: number): number | null {
  if (when.cron === null) return when.at !== null && when.at > after ? when.at : null;
  return read({ cron: when.cron, timezone: when.timezone }).nextRun(new Date(after))?.getTime() ?? null;
}

/** @throws Problem 422 when it never comes */
export function requireNext(when: When, now: number): number {
  const next = nextTime(when, now);
  if (next !== null) return next;
  throw when.cron === null ? Problem.invalid("/at", "is already past") : Problem.invalid("/cron", "never comes");
}

/** What has come by now of a schedule whose next time was `nextAt`. */
export function cameBy(when: When, nextAt: number, now: number): Come {
  if (when.cron === null || now - nextAt < MISSED_MS) return { scheduledAt: nextAt, missed: 0 };
  const times = read({ cron: when.cron, timezone: when.timezone }).previousRuns(MAX_MISSED + 1, new Date(now + 1));
  const come = times.map((time) => time.getTime()).filter((time) => time >= nextAt && time <= now);
  return { scheduledAt: come[0] ?? nextAt, missed: Math.max(0, come.length - 1) };
}

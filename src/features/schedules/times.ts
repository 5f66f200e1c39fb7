import { Cron } from "croner";
import { Problem } from "../../protocol/problem.ts";
import { type Zone, zoneOf } from "./zone.ts";

/** Later than this, a time counts as missed: the relay was away. */
export const MISSED_MS = 60_000;
/** Missed times counted at most. */
const MAX_MISSED = 100;
/** Readings that one change of the clocks repeats or leaves out: an hour of minutes, and as many again to spare. */
const AROUND_A_CHANGE = 120;

/** When a schedule is due: one time, or a cron expression in a time zone. */
export interface When {
  at: number | null;
  cron: string | null;
  timezone: string;
}

/** A due time, and the times missed before it. */
export interface Occurrence {
  /** The latest due time. */
  scheduledAt: number;
  missed: number;
}

/** Some members of a cron expression: clock readings at which they come, and the instants of a reading. */
interface Rule {
  /** In UTC: its times are readings of clocks. */
  readings: Cron;
  /** Earliest first. */
  instants(reading: number): number[];
}

interface Expression {
  rules: Rule[];
  zone: Zone;
}

/** The expression that was read last: a fire asks for its own time, and then for the next. */
let last: { cron: string; timezone: string; read: Expression } | undefined;

/** @throws Problem 422 that names /cron or /timezone */
function read({ cron, timezone }: { cron: string; timezone: string }): Expression {
  if (last?.cron !== cron || last.timezone !== timezone) last = { cron, timezone, read: parsed(cron, timezone) };
  return last.read;
}

/**
 * The expression, read. Five fields, so that it comes at most once a minute. Hours given as `*`, alone or with a step, go by the time that passes:
 * they come whenever clocks show them. Any other hour is a time of the day, which comes once each day.
 * @throws Problem 422 that names /cron or /timezone
 */
function parsed(cron: string, timezone: string): Expression {
  const fields = cron.trim().split(/\s+/);
  if (!/^@[a-z]+$/i.test(cron) && fields.length !== 5)
    throw Problem.invalid("/cron", "has to be a cron expression of five fields, like 0 9 * * 1-5");
  let zone: Zone;
  try {
    zone = zoneOf(timezone);
  } catch {
    throw Problem.invalid("/timezone", "has to be a time zone, like Europe/Berlin");
  }
  const whole = parse(cron);
  const byPassing: Rule["instants"] = (reading) => zone.instantsOf(reading);
  const byDay: Rule["instants"] = (reading) => [zone.instantOf(reading)];
  if (fields.length !== 5) return { zone, rules: [{ readings: whole, instants: isHourly(cron) ? byPassing : byDay }] };
  const hours = (fields[1] ?? "").split(",");
  const rules = [
    { members: hours.filter((member) => PASSING.test(member)), instants: byPassing },
    { members: hours.filter((member) => !PASSING.test(member)), instants: byDay },
  ]
    .filter(({ members }) => members.length > 0)
    .map(({ members, instants }) => ({ readings: parse(fields.with(1, members.join(",")).join(" ")), instants }));
  return { zone, rules };
}

const PASSING = /^[*?](\/\d+)?$/;
const isHourly = (nickname: string): boolean => nickname.toLowerCase() === "@hourly";

/** @throws Problem 422 that names /cron */
function parse(cron: string): Cron {
  try {
    // With a zone by name croner asks Intl for each step of its search.
    return new Cron(cron, { utcOffset: 0, mode: "5-part", paused: true });
  } catch (error) {
    throw Problem.invalid(
      "/cron",
      `is not a cron expression: ${(error as Error).message.replace(/^CronPattern: /, "")}`,
    );
  }
}

/**
 * The first time after another. Where clocks are set forward a time of the day that is left out comes at the end of the gap;
 * where they are set back one that exists twice comes once, but what comes every so many minutes goes on. What falls
 * together comes once. null when there is none.
 */
export function nextTime(when: When, after: number): number | null {
  if (when.cron === null) return when.at !== null && when.at > after ? when.at : null;
  const { rules, zone } = read({ cron: when.cron, timezone: when.timezone });
  const next = rules.flatMap((rule) => nextOf(rule, zone, after) ?? []);
  return next.length > 0 ? Math.min(...next) : null;
}

/** A later reading never has an earlier first instant: the search ends at the first whose instants all lie ahead. */
function nextOf({ readings, instants }: Rule, zone: Zone, after: number): number | undefined {
  let again: number | undefined;
  let reading = readings.nextRun(new Date(zone.earliestFrom(after) - 1));
  for (; reading !== null; reading = readings.nextRun(reading)) {
    const [first, second] = instants(reading.getTime());
    if (first !== undefined && first > after) return Math.min(first, again ?? first);
    if (second !== undefined && second > after) again = Math.min(second, again ?? second);
  }
  return again;
}

/** @throws Problem 422 when it never comes */
export function requireNext(when: When, now: number): number {
  const next = nextTime(when, now);
  if (next !== null) return next;
  throw when.cron === null ? Problem.invalid("/at", "is already past") : Problem.invalid("/cron", "never comes");
}

/** The next times after another, at most `count`. @throws Problem 422 when it never comes */
export function nextTimes(when: When, after: number, count: number): number[] {
  const times = [requireNext(when, after)];
  while (times.length < count) {
    const next = nextTime(when, times.at(-1) ?? after);
    if (next === null) break;
    times.push(next);
  }
  return times;
}

/** Latest due time of a schedule whose next time was `nextAt`, and the number missed before it. */
export function occurrenceBy(when: When, nextAt: number, now: number): Occurrence {
  if (when.cron === null || now - nextAt < MISSED_MS) return { scheduledAt: nextAt, missed: 0 };
  const { rules, zone } = read({ cron: when.cron, timezone: when.timezone });
  const occurrence = rules.flatMap(({ readings, instants }) =>
    readings
      .previousRuns(MAX_MISSED + 1 + AROUND_A_CHANGE, new Date(zone.latestBy(now) + 1))
      .flatMap((reading) => instants(reading.getTime())),
  );
  const times = [...new Set(occurrence.filter((time) => time >= nextAt && time <= now))].toSorted((a, b) => b - a);
  return { scheduledAt: times[0] ?? nextAt, missed: Math.min(Math.max(0, times.length - 1), MAX_MISSED) };
}

import { DAY_MS, HOUR_MS, MINUTE_MS } from "../../kernel/clock.ts";
import { Problem } from "../../protocol/problem.ts";
import type { StatsStep } from "../../protocol/series.ts";
import { fromTime, toTime } from "../../protocol/wire.ts";

/** Length of each step, and the time for which it is kept. */
export const STEPS: Record<StatsStep, { ms: number; keptMs: number }> = {
  minute: { ms: MINUTE_MS, keptMs: 2 * DAY_MS },
  hour: { ms: HOUR_MS, keptMs: 90 * DAY_MS },
  day: { ms: DAY_MS, keptMs: 731 * DAY_MS },
};
/** Steps of one answer. */
const MAX_STEPS = 3000;
/** The first and the last millisecond that the wire can write. */
const FIRST_MS = fromTime("0000-01-01T00:00:00Z");
const LAST_MS = fromTime("9999-12-31T23:59:59.999Z");

interface Asked {
  from?: string | undefined;
  to?: string | undefined;
}

export interface Span {
  /** Milliseconds of a step. */
  step: number;
  /** Begin of the first step, and of the step after the last one. */
  from: number;
  to: number;
}

/** Times of a query; `wholeMs` is how much is shown when it names no begin. @throws Problem 422 */
export function timesOf({ from, to }: Asked, now: number, wholeMs: number): { from: number; to: number } {
  // The step that has just begun is shown, too.
  const end = to === undefined ? now + 1 : fromTime(to);
  const begin = from === undefined ? Math.max(FIRST_MS, end - wholeMs) : fromTime(from);
  if (begin < end) return { from: begin, to: end };
  throw to === undefined ? Problem.invalid("from", "is not in the past") : Problem.invalid("to", "is not after from");
}

/** A time on the wire; steps and days at the ends of time reach beyond what it can write. */
export const wireTime = (ms: number): string => toTime(Math.max(FIRST_MS, Math.min(ms, LAST_MS)));

/** Whole steps around a time. @throws Problem 422 beyond the most that one answer shows */
export function stepsOf({ from, to }: { from: number; to: number }, step: number): Span {
  const span = { step, from: Math.floor(from / step) * step, to: Math.min(Math.ceil(to / step) * step, LAST_MS) };
  const count = countOf(span);
  if (count > MAX_STEPS)
    throw Problem.invalid(
      "step",
      `makes ${count} steps of this time, at most ${MAX_STEPS}: Take a longer step, or less time`,
    );
  return span;
}

export const countOf = ({ step, from, to }: Span): number => Math.ceil((to - from) / step);

/** The shortest step that is still kept and makes a chart that can be read. */
export function fittingStep({ from, to }: { from: number; to: number }, now: number): StatsStep {
  const isKept = (step: StatsStep) => from >= now - STEPS[step].keptMs;
  if (to - from <= 6 * HOUR_MS + MINUTE_MS && isKept("minute")) return "minute";
  return to - from <= 14 * DAY_MS + MINUTE_MS && isKept("hour") ? "hour" : "day";
}

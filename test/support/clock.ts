import type { Clock } from "../../src/kernel/clock.ts";

interface Timer {
  at: number;
  run(): void;
}

/** A clock that stands still until it is moved. */
export interface ManualClock extends Clock {
  /** Time passes: both clocks move on and timers fire in order. */
  advance(ms: number): void;
  /** The wall clock is set, or the machine slept: the steady clock does not move, no timer fires. */
  jump(ms: number): void;
}

/** Earliest timer up to a time; of several the one that was set first. */
function firstOf(timers: Iterable<Timer>, until: number): Timer | undefined {
  let first: Timer | undefined;
  for (const timer of timers) if (timer.at <= until && (!first || timer.at < first.at)) first = timer;
  return first;
}

export function createManualClock(start = Date.parse("2026-03-01T12:00:00Z")): ManualClock {
  let wall = start;
  let steady = 0;
  const timers = new Set<Timer>();
  return {
    now: () => wall,
    mono: () => steady,
    after(ms, run) {
      const timer: Timer = { at: steady + ms, run };
      timers.add(timer);
      return () => timers.delete(timer);
    },
    advance(ms) {
      const until = steady + ms;
      for (;;) {
        const due = firstOf(timers, until);
        if (!due) break;
        timers.delete(due);
        wall += Math.max(0, due.at - steady);
        steady = Math.max(steady, due.at);
        due.run();
      }
      wall += until - steady;
      steady = until;
    },
    jump(ms) {
      wall += ms;
    },
  };
}

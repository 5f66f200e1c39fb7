export const HOUR_MS = 3_600_000;
export const DAY_MS = 24 * HOUR_MS;

/** The only place that reads the time. Tests pass a clock that they move by hand. */
export interface Clock {
  /** Wall clock, milliseconds since 1970. It may jump. */
  now(): number;
  /** Milliseconds from some start; it never jumps, and stands still while the machine sleeps. */
  mono(): number;
  /** Calls `run` once after `ms`; the returned function cancels it. Never keeps the process alive by itself. */
  after(ms: number, run: () => void): () => void;
}

export const systemClock: Clock = {
  now: () => Date.now(),
  mono: () => performance.now(),
  after(ms, run) {
    const timer = setTimeout(run, ms);
    timer.unref();
    return () => clearTimeout(timer);
  },
};

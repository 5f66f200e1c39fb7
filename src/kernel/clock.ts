export const MINUTE_MS = 60_000;
export const HOUR_MS = 60 * MINUTE_MS;
export const DAY_MS = 24 * HOUR_MS;

/** Source of time; nothing else reads it. Tests pass a clock that they advance by hand. */
export interface Clock {
  /** Wall clock, milliseconds since 1970. It may jump. */
  now(): number;
  /** Steady clock in milliseconds. It never jumps, and stands still while the machine sleeps. */
  mono(): number;
  /** Calls `run` once after `ms`; the returned function cancels it. It does not keep the process alive. */
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

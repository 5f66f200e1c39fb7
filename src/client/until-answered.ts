import { createBackoff } from "./backoff.ts";
import { mayPass, retryAfterOf } from "./errors.ts";
import type { Timing } from "./timing.ts";

/** Repeats a call, which has to be safe to repeat, while the relay is away. `onWait` is told of each wait. */
export async function untilAnswered<T>(
  timing: Timing,
  ask: () => Promise<T>,
  signal?: AbortSignal,
  onWait?: (inMs: number, cause: unknown) => void,
): Promise<T> {
  const backoff = createBackoff(timing);
  for (;;) {
    try {
      return await ask();
    } catch (error) {
      if (signal?.aborted || !mayPass(error)) throw error;
      const inMs = Math.round(backoff.delay(retryAfterOf(error)));
      onWait?.(inMs, error);
      await timing.sleep(inMs, signal);
    }
  }
}

import { createBackoff } from "./backoff.ts";
import { mayPass, retryAfterOf } from "./errors.ts";
import type { Timing } from "./timing.ts";

/** Repeats a call, which has to be safe to repeat, while the relay is away. */
export async function untilAnswered<T>(timing: Timing, ask: () => Promise<T>, signal?: AbortSignal): Promise<T> {
  const backoff = createBackoff(timing);
  for (;;) {
    try {
      return await ask();
    } catch (error) {
      if (signal?.aborted || !mayPass(error)) throw error;
      await timing.sleep(backoff.delay(retryAfterOf(error)), signal);
    }
  }
}

import { type LinkedAbort, linkedAbort } from "../client/abort.ts";
import { createBackoff } from "../client/backoff.ts";
import { mayPass, retryAfterOf } from "../client/errors.ts";
import type { Timing } from "../client/timing.ts";

/** Asks the relay until it answers: a restart of the relay is nothing to end for. Rejects with what waiting cannot cure. */
export async function untilAnswered<T>(timing: Timing, signal: AbortSignal, ask: () => Promise<T>): Promise<T> {
  const backoff = createBackoff(timing);
  for (;;) {
    signal.throwIfAborted();
    try {
      return await ask();
    } catch (error) {
      if (!mayPass(error)) throw error;
      await timing.sleep(backoff.delay(retryAfterOf(error)), signal);
    }
  }
}

/** A signal that fires some time after `signal` has: for what should still be brought to its end. */
export function afterwards(timing: Timing, signal: AbortSignal, ms: number): LinkedAbort {
  const own = linkedAbort();
  const later = () => {
    timing.sleep(ms, own.signal).then(
      () => own.abort(signal.reason),
      () => undefined,
    );
  };
  if (signal.aborted) later();
  else signal.addEventListener("abort", later, { once: true });
  const dispose = () => {
    signal.removeEventListener("abort", later);
    own.abort(undefined);
  };
  return { ...own, dispose };
}

/** Runs it with a signal that fires with the caller's, and when its time is up: a connection can say nothing at all, for ever. */
export async function withinTime<T>(
  seconds: number,
  signal: AbortSignal | undefined,
  run: (signal: AbortSignal) => Promise<T>,
): Promise<T> {
  const link = linkedAbort(signal);
  const timer = setTimeout(() => link.abort(new Error(`no answer within ${seconds} s`)), seconds * 1000);
  try {
    return await run(link.signal);
  } finally {
    clearTimeout(timer);
    link.dispose();
  }
}

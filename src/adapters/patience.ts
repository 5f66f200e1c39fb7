import { type LinkedAbort, linkedAbort } from "../client/abort.ts";
import { createBackoff } from "../client/backoff.ts";
import { mayPass, retryAfterOf } from "../client/errors.ts";
import type { Timing } from "../client/timing.ts";

/** Repeats a call until the relay answers, also across its restart. @throws errors that waiting does not cure */
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

/** Signal that fires some time after `signal`, for calls that should still finish. */
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

/** Runs a call with a time limit, as a connection can stay silent for ever. Its signal fires with the caller's too. */
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

import type { Bye } from "../protocol/inbox.ts";
import type { LinkedAbort } from "./abort.ts";
import type { createBackoff } from "./backoff.ts";
import type { Caller } from "./caller.ts";
import { mayPass, problemOf, RelayUnreachable, retryAfterOf } from "./errors.ts";

/** Event of a lost connection: `cause`, and the time to the next try. */
export interface Reconnecting {
  type: "reconnecting";
  inMs: number;
  cause: unknown;
}

interface Following {
  life: LinkedAbort;
  backoff: ReturnType<typeof createBackoff>;
  signal: AbortSignal | undefined;
  onEvent?: ((event: Reconnecting) => void) | undefined;
}

/** One connection after the other, with growing waits in between. @throws errors that waiting does not cure */
export async function* reconnecting<T>(
  { timing }: Caller,
  { life, backoff, signal, onEvent }: Following,
  connection: () => AsyncGenerator<T, void, void>,
): AsyncGenerator<T, void, void> {
  try {
    for (;;) {
      try {
        yield* connection();
      } catch (cause) {
        if (life.signal.aborted || !mayPass(cause)) throw cause;
        const inMs = Math.round(backoff.delay(retryAfterOf(cause)));
        onEvent?.({ type: "reconnecting", inMs, cause });
        await timing.sleep(inMs, life.signal);
      }
    }
  } catch (error) {
    if (signal?.aborted) return;
    throw life.signal.aborted ? life.signal.reason : error;
  }
}

const CLOSED = {
  restarting: "it is restarting",
  "too-slow": "it found us too slow",
  replaced: "a newer stream of this agent took our place",
};

/** Error that a stream ends with after the relay's `bye`. */
export function farewell({ transport }: Caller, { reason }: Bye): Error {
  if (reason === "superseded") return problemOf("superseded", "A newer instance of this agent has taken over");
  if (reason === "revoked") return problemOf("unauthorized", "The token was revoked, or the agent deleted");
  return new RelayUnreachable(transport.base, CLOSED[reason]);
}

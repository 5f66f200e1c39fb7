import type { SessionChange } from "../protocol/sessions.ts";
import { linkedAbort } from "./abort.ts";
import { createBackoff } from "./backoff.ts";
import type { Caller } from "./caller.ts";
import { farewell, type Reconnecting, reconnecting } from "./reconnect.ts";
import { sessionVerbs } from "./sessions.ts";
import { sessionEvents } from "./stream.ts";

export interface SessionFollowOptions {
  /** Ends the iteration, without an error. */
  signal?: AbortSignal;
  onEvent?: (event: Reconnecting) => void;
}

/**
 * A session as it is now, and each change of it. After a lost connection or a restart of the relay it begins with the session as
 * it is then.
 * @throws errors that waiting does not cure: `RelayProblem` (revoked, 401, 403, 404), `RelayMismatch`
 */
export async function* followSession(
  caller: Caller,
  id: string,
  { signal, onEvent }: SessionFollowOptions = {},
): AsyncGenerator<SessionChange, void, void> {
  const life = linkedAbort(signal);
  const backoff = createBackoff(caller.timing);

  async function* connection(): AsyncGenerator<SessionChange, void, void> {
    for await (const event of sessionEvents(caller, id, life.signal)) {
      if (event.type === "hello") {
        backoff.up();
        yield await sessionVerbs(caller).get(id, { signal: life.signal });
      } else if (event.type === "session") yield event;
      else if (event.type === "bye") throw farewell(caller, event);
    }
  }

  try {
    yield* reconnecting(caller, { life, backoff, signal, onEvent }, connection);
  } finally {
    life.abort(undefined);
    life.dispose();
  }
}

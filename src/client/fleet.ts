import { linkedAbort } from "./abort.ts";
import { createBackoff } from "./backoff.ts";
import type { Caller } from "./caller.ts";
import { farewell, type Reconnecting, reconnecting } from "./reconnect.ts";
import { type FleetEntry, type FleetStreamEvent, fleetEvents, type Place } from "./stream.ts";

/** Events beside the messages. */
export type FleetEvent = Exclude<FleetStreamEvent, { type: "message" }> | Reconnecting;

export interface FleetOptions {
  /** The orchestrator. */
  id: string;
  /** Id to start after; by default the stored cursors. */
  after?: number;
  /** Ends the iteration, without an error. */
  signal?: AbortSignal;
  onEvent?: (event: FleetEvent) => void;
}

/**
 * The inboxes of an orchestrator and its agents as one endless sequence: each message once and in order, across lost connections
 * and restarts of the relay. It acknowledges nothing.
 * @throws errors that waiting does not cure: `RelayProblem` (superseded, revoked, 401, 403, 404), `RelayMismatch`
 */
export async function* followFleet(caller: Caller, options: FleetOptions): AsyncGenerator<FleetEntry, void, void> {
  const { id, after, signal, onEvent } = options;
  const life = linkedAbort(signal);
  const backoff = createBackoff(caller.timing);
  const place: Place = after === undefined ? {} : { after };

  async function* connection(): AsyncGenerator<FleetEntry, void, void> {
    for await (const event of fleetEvents(caller, id, place, life.signal)) {
      if (event.type !== "message") {
        if (event.type === "hello") backoff.up();
        onEvent?.(event);
        if (event.type === "bye") throw farewell(caller, event);
      } else if (event.entry.message.id > (place.lastEventId ?? place.after ?? 0)) {
        place.lastEventId = event.entry.message.id;
        yield event.entry;
      }
    }
  }

  try {
    yield* reconnecting(caller, { life, backoff, signal, onEvent }, connection);
  } finally {
    life.abort(undefined);
    life.dispose();
  }
}

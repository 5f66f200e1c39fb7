import type { Followed } from "../protocol/inbox.ts";
import { type LinkedAbort, linkedAbort } from "./abort.ts";
import { type Acker, createAcker } from "./acker.ts";
import { createBackoff } from "./backoff.ts";
import type { Caller } from "./caller.ts";
import { mayPass } from "./errors.ts";
import { inboxVerbs } from "./inbox.ts";
import { stayOnline } from "./presence.ts";
import { farewell, type Reconnecting, reconnecting } from "./reconnect.ts";
import { inboxEvents, type Place, type StreamEvent } from "./stream.ts";

/** Events beside the entries. `reconnecting`: the connection was lost because of `cause`, and the next try is in `inMs`. */
export type FollowEvent = Exclude<StreamEvent, { type: "message" }> | Reconnecting;

export interface FollowOptions {
  /** Agent of the inbox; by default the client's agent, else the token's. */
  agentId?: string;
  /** Id to start after; by default the stored cursor. */
  after?: number;
  /**
   * Acknowledges each entry when the loop asks for the next, and with `after` also everything before that. An entry at which
   * the loop ends (`break`, a throw) stays unacknowledged.
   */
  ack?: boolean;
  /** `parent`: includes the message that an entry replies to. */
  include?: "parent";
  /** false: does not keep the agent online. */
  heartbeat?: boolean;
  /** Ends the iteration, without an error. */
  signal?: AbortSignal;
  onEvent?: (event: FollowEvent) => void;
}

/** State of one iteration, across its connections. */
interface Following {
  readonly caller: Caller;
  readonly options: FollowOptions;
  readonly life: LinkedAbort;
  readonly acker?: Acker;
  readonly place: Place;
  readonly backoff: ReturnType<typeof createBackoff>;
  online: boolean;
}

/**
 * An agent's inbox as one endless sequence: stored entries, then new ones, each once and in order across lost connections and
 * restarts of the relay.
 * @throws errors that waiting does not cure: `RelayProblem` (superseded, revoked, 401, 403, 404), `RelayMismatch`
 */
export async function* follow(caller: Caller, options: FollowOptions = {}): AsyncGenerator<Followed, void, void> {
  const following = begin(caller, options);
  const { life, acker, backoff } = following;
  try {
    const { signal, onEvent } = options;
    yield* reconnecting(caller, { life, backoff, signal, onEvent }, () => connection(following));
  } finally {
    life.abort(undefined);
    life.dispose();
    // Losing this acknowledgement only repeats the entry: delivery is at least once.
    await acker?.flush().catch(() => undefined);
  }
}

function begin(caller: Caller, options: FollowOptions): Following {
  const life = linkedAbort(options.signal);
  const { agentId } = options;
  const ack = (upTo: number) => inboxVerbs(caller).ack(upTo, { agentId, retries: 1, timeoutMs: 10_000 });
  const acker = options.ack ? createAcker(ack, (error) => mayPass(error) || life.abort(error)) : undefined;
  const place = { after: options.after, include: options.include };
  return { caller, options, life, acker, place, backoff: createBackoff(caller.timing), online: false };
}

/** One connection, starting where the last one ended. Never ends by itself. */
async function* connection(following: Following): AsyncGenerator<Followed, void, void> {
  const { caller, options, life, acker, place } = following;
  const agentId = await caller.self({ ...options, signal: life.signal });
  for await (const event of inboxEvents(caller, agentId, place, life.signal)) {
    if (event.type !== "message") {
      if (event.type === "hello") stand(following, agentId, event.cursor);
      options.onEvent?.(event);
      if (event.type === "bye") throw farewell(caller, event);
    } else if (event.entry.id > (place.lastEventId ?? place.after ?? 0)) {
      place.lastEventId = event.entry.id;
      yield event.entry;
      acker?.upTo(event.entry.id);
    }
  }
}

/** Handles an open connection. The first one fixes the start, so that an ack by another process does not move it before the first read. */
function stand(following: Following, agentId: string, cursor: number): void {
  const { caller, options, life, acker, place, backoff } = following;
  place.after ??= cursor;
  backoff.up();
  acker?.nudge();
  if (following.online || options.heartbeat === false) return;
  following.online = true;
  void stayOnline(caller, agentId, life);
}

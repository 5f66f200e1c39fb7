import type { Bye, Followed } from "../protocol/inbox.ts";
import { type LinkedAbort, linkedAbort } from "./abort.ts";
import { type Acker, createAcker } from "./acker.ts";
import { createBackoff } from "./backoff.ts";
import type { Caller } from "./caller.ts";
import { mayPass, problemOf, RelayUnreachable, retryAfterOf } from "./errors.ts";
import { inboxVerbs } from "./inbox.ts";
import { stayOnline } from "./presence.ts";
import { inboxEvents, type Place, type StreamEvent } from "./stream.ts";

/** What happens beside the entries. `reconnecting`: the connection is gone because of `cause`, the next try is `inMs` away. */
export type FollowEvent =
  | Exclude<StreamEvent, { type: "message" }>
  | { type: "reconnecting"; inMs: number; cause: unknown };

export interface FollowOptions {
  /** Whose inbox; the client's agent, else the token's. */
  agentId?: string;
  /** The place in the log to start behind; the stored cursor when left out. */
  after?: number;
  /**
   * Acknowledges each entry when the next is asked for. With `after` this acknowledges everything before that too. What the
   * loop was left at (`break`, a throw) stays unacknowledged.
   */
  ack?: boolean;
  /** `parent`: what an entry replies to goes along with it. */
  include?: "parent";
  /** false: only looks on, and does not keep the agent online. */
  heartbeat?: boolean;
  /** Ends the iteration, without an error. */
  signal?: AbortSignal;
  onEvent?: (event: FollowEvent) => void;
}

/** One iteration: what outlives a connection. */
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
 * An agent's inbox as one endless sequence: what is stored, then what comes, each entry once and in order across lost
 * connections and restarts of the relay. Rejects with what waiting cannot cure: `RelayProblem` (superseded, revoked, 401, 403,
 * 404), `RelayMismatch`.
 */
export async function* follow(caller: Caller, options: FollowOptions = {}): AsyncGenerator<Followed, void, void> {
  const following = begin(caller, options);
  const { life, acker, backoff } = following;
  try {
    for (;;) {
      try {
        yield* connection(following);
      } catch (cause) {
        if (life.signal.aborted || !mayPass(cause)) throw cause;
        const inMs = Math.round(backoff.delay(retryAfterOf(cause)));
        options.onEvent?.({ type: "reconnecting", inMs, cause });
        await caller.timing.sleep(inMs, life.signal);
      }
    }
  } catch (error) {
    if (options.signal?.aborted) return;
    throw life.signal.aborted ? life.signal.reason : error;
  } finally {
    life.abort(undefined);
    life.dispose();
    // An acknowledgement that is lost here means that the entry comes again: the promise is at least once.
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

/** One connection, from where the last one was left. Never ends by itself. */
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

/** The connection stands. The first one pins the start: an ack by another process must not move it while nothing was read. */
function stand(following: Following, agentId: string, cursor: number): void {
  const { caller, options, life, acker, place, backoff } = following;
  place.after ??= cursor;
  backoff.up();
  acker?.nudge();
  if (following.online || options.heartbeat === false) return;
  following.online = true;
  void stayOnline(caller, agentId, life);
}

const CLOSED = {
  restarting: "it is restarting",
  "too-slow": "it found us too slow",
  replaced: "a newer stream of this agent took our place",
};

function farewell({ transport }: Caller, { reason }: Bye): Error {
  if (reason === "superseded") return problemOf("superseded", "A newer instance of this agent has taken over");
  if (reason === "revoked") return problemOf("unauthorized", "The token was revoked, or the agent deleted");
  return new RelayUnreachable(transport.base, CLOSED[reason]);
}

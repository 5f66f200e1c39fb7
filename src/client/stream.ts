import type { z } from "zod";
import type { Contract, Schema } from "../protocol/contract.ts";
import type { Followed } from "../protocol/inbox.ts";
import { streamInbox, streamOrchestrator, watchMessages } from "../protocol/streams.ts";
import { bytesOf } from "./bytes.ts";
import type { Caller } from "./caller.ts";
import { RelayMismatch } from "./errors.ts";
import { createSseParser, type SseEvent } from "./sse.ts";

const { events: INBOX } = streamInbox.answers[200];
const { events: FLEET } = streamOrchestrator.answers[200];
const { events: WATCH } = watchMessages.answers[200];

type Shapes = Record<string, Schema>;
/** Events of a stream beside its messages: their members, and `type`. */
type Others<E extends Shapes> = {
  [T in Exclude<keyof E & string, "message">]: { type: T } & z.output<E[T]>;
}[Exclude<keyof E & string, "message">];

/** Events of an inbox stream. `open`: there is work to claim. `retry:` is for browsers; `follow` has its own waits. */
export type StreamEvent = { type: "message"; entry: Followed } | Others<typeof INBOX>;

/** A message for agents of one orchestrator, and for which of them it is. */
export type FleetEntry = z.output<(typeof FLEET)["message"]>;
/** Events of an orchestrator's stream. `agent`: one more. `agent-gone`: one was deleted. `open`: there is work for an agent. */
export type FleetStreamEvent = { type: "message"; entry: FleetEntry } | Others<typeof FLEET>;

/** Start of a stream: after the last received entry, after an id, or (neither) at the stored cursor. */
export interface Place {
  lastEventId?: number;
  after?: number;
  /** `parent`: includes the message that a message replies to. */
  include?: "parent";
}

/** One connection to an agent's inbox stream, event by event; rejects as `events` does. */
export const inboxEvents = (
  caller: Caller,
  agentId: string,
  { include, ...place }: Place,
  signal: AbortSignal,
): AsyncGenerator<StreamEvent, void, void> =>
  events(caller, { contract: streamInbox, id: agentId, query: { include }, place }, INBOX, signal);

/** One connection to an orchestrator's stream, event by event; rejects as `events` does. */
export const fleetEvents = (
  caller: Caller,
  id: string,
  place: Place,
  signal: AbortSignal,
): AsyncGenerator<FleetStreamEvent, void, void> =>
  events(caller, { contract: streamOrchestrator, id, query: {}, place }, FLEET, signal);

/** One connection to the changes of a session, event by event; rejects as `events` does. */
export const sessionEvents = (
  caller: Caller,
  session: string,
  signal: AbortSignal,
): AsyncGenerator<Others<typeof WATCH>, void, void> =>
  events(caller, { contract: watchMessages, query: { session }, place: {} }, WATCH, signal);

interface Opening {
  contract: Contract;
  id?: string;
  query: Record<string, unknown>;
  place: Place;
}

/**
 * The events of one connection. Rejects as `bytesOf` does, and with `RelayMismatch` for an unreadable event: skipping it could
 * lose an entry.
 */
async function* events<E>(
  caller: Caller,
  { contract, id, query, place: { lastEventId, after } }: Opening,
  shapes: Shapes,
  signal: AbortSignal,
): AsyncGenerator<E, void, void> {
  const opening = {
    contract,
    ...(id !== undefined && { params: { id } }),
    query: { after: lastEventId === undefined ? after : undefined, ...query },
    headers: {
      accept: "text/event-stream",
      ...(lastEventId === undefined ? {} : { "last-event-id": String(lastEventId) }),
    },
  };
  const parser = createSseParser();
  for await (const bytes of bytesOf(caller, opening, signal)) {
    for (const event of parser.feed(bytes)) {
      const read = parsed(event, shapes);
      if (read) yield read as E;
    }
  }
}

/** Parses an event; undefined for a kind that this client does not know. */
function parsed({ type, data }: SseEvent, shapes: Shapes): object | undefined {
  const shape = Object.hasOwn(shapes, type) ? shapes[type] : undefined;
  if (!shape) return undefined;
  try {
    const event = shape.parse(JSON.parse(data)) as object;
    return type === "message" ? { type, entry: event } : { type, ...event };
  } catch (error) {
    throw new RelayMismatch(`The stream's ${type} event is not the relay's: ${String(error)}`, { cause: error });
  }
}

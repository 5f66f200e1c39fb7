import type { z } from "zod";
import type { Followed } from "../protocol/inbox.ts";
import { streamInbox } from "../protocol/streams.ts";
import { bytesOf } from "./bytes.ts";
import type { Caller } from "./caller.ts";
import { RelayMismatch } from "./errors.ts";
import { createSseParser, type SseEvent } from "./sse.ts";

const { events: EVENTS } = streamInbox.answers[200];
type Events = typeof EVENTS;

/** Events of an inbox stream. `open`: there is work to claim. `retry:` is for browsers; `follow` has its own waits. */
export type StreamEvent =
  | { type: "message"; entry: Followed }
  | { [T in Exclude<keyof Events, "message">]: { type: T } & z.output<Events[T]> }[Exclude<keyof Events, "message">];

/** Start of a stream: after the last received entry, after an id, or (neither) at the stored cursor. */
export interface Place {
  lastEventId?: number;
  after?: number;
  /** `parent`: includes the message that a message replies to. */
  include?: "parent";
}

/**
 * One connection to an agent's inbox stream, event by event. Rejects as `bytesOf` does, and with `RelayMismatch` for an unreadable
 * event: skipping it could lose an entry.
 */
export async function* inboxEvents(
  caller: Caller,
  agentId: string,
  { lastEventId, after, include }: Place,
  signal: AbortSignal,
): AsyncGenerator<StreamEvent, void, void> {
  const opening = {
    contract: streamInbox,
    params: { id: agentId },
    query: { after: lastEventId === undefined ? after : undefined, include },
    headers: {
      accept: "text/event-stream",
      ...(lastEventId === undefined ? {} : { "last-event-id": String(lastEventId) }),
    },
  };
  const parser = createSseParser();
  for await (const bytes of bytesOf(caller, opening, signal)) {
    for (const event of parser.feed(bytes)) {
      const read = parsed(event);
      if (read) yield read;
    }
  }
}

/** Parses an event; undefined for a kind that this client does not know. */
function parsed({ type, data }: SseEvent): StreamEvent | undefined {
  if (!Object.hasOwn(EVENTS, type)) return undefined;
  try {
    const event = EVENTS[type as keyof Events].parse(JSON.parse(data));
    return (type === "message" ? { type, entry: event } : { type, ...event }) as StreamEvent;
  } catch (error) {
    throw new RelayMismatch(`The stream's ${type} event is not the relay's: ${String(error)}`, { cause: error });
  }
}

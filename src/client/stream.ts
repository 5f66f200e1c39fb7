import { z } from "zod";
import { Presence } from "../protocol/agents.ts";
import { Bye, Followed, Hello, Reset } from "../protocol/inbox.ts";
import { bytesOf } from "./bytes.ts";
import { type Caller, part } from "./caller.ts";
import { RelayMismatch } from "./errors.ts";
import { createSseParser, type SseEvent } from "./sse.ts";

/** What an inbox stream says. `open`: there is work to claim. Its `retry:` is for browsers: `follow` has waits of its own. */
export type StreamEvent =
  | ({ type: "hello" } & Hello)
  | { type: "message"; entry: Followed }
  | { type: "open" }
  | ({ type: "presence" } & Presence)
  | ({ type: "reset" } & Reset)
  | ({ type: "bye" } & Bye);

/** Where a stream starts: behind an entry already had, behind a place in the log, or (neither) at the stored cursor. */
export interface Place {
  lastEventId?: number;
  after?: number;
  /** `parent`: what a message replies to goes along with it. */
  include?: "parent";
}

const READERS = new Map<string, z.ZodType<StreamEvent>>([
  ["hello", Hello.transform((hello) => ({ type: "hello" as const, ...hello }))],
  ["message", Followed.transform((entry) => ({ type: "message" as const, entry }))],
  ["open", z.unknown().transform(() => ({ type: "open" as const }))],
  ["presence", Presence.transform((presence) => ({ type: "presence" as const, ...presence }))],
  ["reset", Reset.transform((reset) => ({ type: "reset" as const, ...reset }))],
  ["bye", Bye.transform((bye) => ({ type: "bye" as const, ...bye }))],
]);

/**
 * One connection to an agent's inbox stream, event by event. Rejects as `bytesOf` does, and with `RelayMismatch` at an event
 * that cannot be read: passing over it could lose an entry.
 */
export async function* inboxEvents(
  caller: Caller,
  agentId: string,
  { lastEventId, after, include }: Place,
  signal: AbortSignal,
): AsyncGenerator<StreamEvent, void, void> {
  const opening = {
    path: `/v1/agents/${part(agentId)}/inbox/stream`,
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

/** An event of a kind that this client does not know yet is left out. */
function parsed({ type, data }: SseEvent): StreamEvent | undefined {
  const reader = READERS.get(type);
  if (!reader) return undefined;
  try {
    return reader.parse(JSON.parse(data));
  } catch (error) {
    throw new RelayMismatch(`The stream's ${type} event is not the relay's: ${String(error)}`, { cause: error });
  }
}

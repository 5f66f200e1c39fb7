/** One dispatched event of a server-sent event stream. */
export interface SseEvent {
  /** `event:` field, or `message`. */
  type: string;
  /** `data:` lines, joined by line feeds. */
  data: string;
  /** Last `id:` of this event or an earlier one; "" without any. */
  lastEventId: string;
}

export interface SseParser {
  /** Takes the next bytes, cut anywhere, and returns the events that they complete. @throws for an oversized event */
  feed(bytes: Uint8Array): SseEvent[];
  /** Last `retry:` in milliseconds. */
  readonly retryMs: number | undefined;
}

/** Most characters of an event, far above the largest entry that the relay accepts. */
const LARGEST_EVENT = 16 * 1024 * 1024;
const LINE_END = /\r\n|\r|\n/g;

/** Parser of one connection, after the WHATWG's "Server-sent events", 9.2.6. Drops an unfinished event at the end. */
export function createSseParser(): SseParser {
  const decoder = new TextDecoder();
  let rest = "";
  let afterCr = false;
  let type = "";
  let data: string[] = [];
  let size = 0;
  let lastEventId = "";
  let retryMs: number | undefined;

  function takeField(line: string) {
    const colon = line.indexOf(":");
    const name = colon === -1 ? line : line.slice(0, colon);
    const raw = colon === -1 ? "" : line.slice(colon + 1);
    const value = raw.startsWith(" ") ? raw.slice(1) : raw;
    if (name === "data") {
      data.push(value);
      size += value.length;
    } else if (name === "event") type = value;
    else if (name === "id" && !value.includes("\0")) lastEventId = value;
    else if (name === "retry" && /^\d+$/.test(value)) retryMs = Number(value);
  }

  function takeLine(line: string, into: SseEvent[]) {
    if (line !== "") {
      if (!line.startsWith(":")) takeField(line);
      return;
    }
    if (data.length > 0) into.push({ type: type || "message", data: data.join("\n"), lastEventId });
    type = "";
    data = [];
    size = 0;
  }

  function feed(bytes: Uint8Array): SseEvent[] {
    const events: SseEvent[] = [];
    let chunk = decoder.decode(bytes, { stream: true });
    if (chunk === "") return events;
    // A CR at the end of the last chunk ended its line already, so an LF here belongs to it.
    if (afterCr && chunk.startsWith("\n")) chunk = chunk.slice(1);
    afterCr = chunk === "" ? false : chunk.endsWith("\r");
    let from = 0;
    for (const end of chunk.matchAll(LINE_END)) {
      takeLine(rest + chunk.slice(from, end.index), events);
      rest = "";
      from = end.index + end[0].length;
    }
    rest += chunk.slice(from);
    if (size + rest.length > LARGEST_EVENT) throw new Error(`an event is longer than ${LARGEST_EVENT} characters`);
    return events;
  }

  return {
    feed,
    get retryMs() {
      return retryMs;
    },
  };
}

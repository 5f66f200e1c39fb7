import { atEnd } from "./relay.ts";
import { inTime } from "./until.ts";

/** One event as it came: only the fields that it had itself. */
interface StreamEvent {
  type: string;
  id?: string;
  retry?: string;
  // Whatever JSON came: what a test expects of it is what the test says.
  // biome-ignore lint/suspicious/noExplicitAny: tests look into events freely
  data: any;
}

/** An open event stream, and all that it said so far. */
export interface TestStream {
  response: Response;
  events: StreamEvent[];
  /** Lines that begin with a colon. */
  comments: string[];
  retries: string[];
  of(type: string): StreamEvent[];
  /** The ids of the messages that came. */
  ids(): number[];
  /** Waits until what came so far is as expected. */
  until(isThere: (stream: TestStream) => boolean, what?: string): Promise<void>;
  /** The first event of this type, now or soon. */
  first(type: string): Promise<StreamEvent>;
  /** Resolves when the server has ended the stream. */
  ended: Promise<void>;
  close(): void;
}

interface Opening {
  token: string;
  instance?: string | undefined;
  headers?: Record<string, string>;
}

/** Opens a stream and reads all of it as it comes. The answer may be a refusal: see `response`. */
export async function openStream(url: string, { token, instance, headers }: Opening): Promise<TestStream> {
  const stop = new AbortController();
  const response = await fetch(url, {
    headers: {
      authorization: `Bearer ${token}`,
      accept: "text/event-stream",
      ...(instance ? { "signalbox-instance": instance } : {}),
      ...headers,
    },
    signal: stop.signal,
  });
  const waiting = new Set<() => void>();
  const notify = () => {
    for (const look of [...waiting]) look();
  };
  const stream: TestStream = {
    response,
    events: [],
    comments: [],
    retries: [],
    of: (type) => stream.events.filter((event) => event.type === type),
    ids: () => stream.of("message").map((event) => event.data.id),
    until: (isThere, what = String(isThere)) =>
      inTime(
        new Promise<void>((resolve) => {
          const look = () => {
            if (!isThere(stream)) return;
            waiting.delete(look);
            resolve();
          };
          waiting.add(look);
          look();
        }),
        what,
      ),
    async first(type) {
      await stream.until(() => stream.of(type).length > 0, `a ${type} event`);
      return stream.of(type)[0] as StreamEvent;
    },
    ended: Promise.resolve(),
    close: () => stop.abort(),
  };
  atEnd(async () => stop.abort());
  if (response.ok && response.body) stream.ended = readAll(response.body, stream, notify).catch(() => undefined);
  return stream;
}

async function readAll(body: ReadableStream<Uint8Array>, stream: TestStream, notify: () => void): Promise<void> {
  const decoder = new TextDecoder();
  let rest = "";
  for await (const bytes of body) {
    rest += decoder.decode(bytes, { stream: true });
    const blocks = rest.split("\n\n");
    rest = blocks.pop() ?? "";
    for (const block of blocks) take(block, stream);
    notify();
  }
  notify();
}

function take(block: string, stream: TestStream): void {
  const event: StreamEvent = { type: "message", data: undefined };
  let isEvent = false;
  for (const line of block.split("\n")) {
    if (line.startsWith(":")) {
      stream.comments.push(line);
      continue;
    }
    const colon = line.indexOf(": ");
    const [field, value] = [line.slice(0, colon), line.slice(colon + 2)];
    if (field === "retry") stream.retries.push(value);
    else if (field === "event") event.type = value;
    else if (field === "id") event.id = value;
    else if (field === "data") {
      isEvent = true;
      event.data = JSON.parse(value);
    } else throw new Error(`not a field of an event stream: ${line}`);
  }
  if (isEvent) stream.events.push(event);
}

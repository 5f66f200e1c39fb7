import type { Socket } from "bun";

/**
 * A load generator's HTTP/1.1: raw sockets, one request in flight on each, headers written once. `fetch` costs several
 * times as much per request, and on a shared machine what the client uses the server lacks.
 */

export interface Answer {
  status: number;
  body: Buffer;
}

export interface Connection {
  ask(request: string): Promise<Answer>;
  close(): void;
}

/** A request as it goes over the wire. Bodies are ASCII. */
export function request(method: string, path: string, token: string, body?: string): string {
  const head = `${method} ${path} HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Bearer ${token}\r\n`;
  if (body === undefined) return `${head}\r\n`;
  return `${head}Content-Type: application/json\r\nContent-Length: ${body.length}\r\n\r\n${body}`;
}

export async function connect(port: number): Promise<Connection> {
  let pending: PromiseWithResolvers<Answer> | undefined;
  let received: Buffer | undefined;
  let unsent = "";
  let closed: Error | undefined;

  function onData(chunk: Buffer) {
    received = received ? Buffer.concat([received, chunk]) : chunk;
    const answer = parseAnswer(received);
    if (!answer) return;
    received = undefined;
    const answered = pending;
    pending = undefined;
    answered?.resolve(answer);
  }
  /** Bytes beyond the kernel's buffer go when it drains. */
  function send(text: string) {
    unsent = text.slice(Math.max(0, socket.write(text)));
  }
  function fail(error: Error) {
    closed = error;
    pending?.reject(error);
  }

  const socket: Socket = await Bun.connect({
    hostname: "127.0.0.1",
    port,
    socket: {
      data: (_, chunk) => onData(chunk),
      drain: () => (unsent === "" ? undefined : send(unsent)),
      close: () => fail(new Error("the server closed the connection")),
      error: (_, error) => fail(error),
    },
  });
  return {
    ask(text) {
      if (closed) return Promise.reject(closed);
      if (pending) return Promise.reject(new Error("a request is unanswered on this connection"));
      pending = Promise.withResolvers<Answer>();
      send(text);
      return pending.promise;
    },
    close: () => void socket.end(),
  };
}

const HEAD_END = Buffer.from("\r\n\r\n");

/** The answer that `received` holds, or undefined while part of it is still to come. */
function parseAnswer(received: Buffer): Answer | undefined {
  const end = received.indexOf(HEAD_END);
  if (end < 0) return undefined;
  const head = received.toString("latin1", 0, end);
  const length = /\r\ncontent-length: *(\d+)/i.exec(head)?.[1];
  if (length === undefined) throw new Error(`an answer without Content-Length: ${head}`);
  const start = end + HEAD_END.length;
  const total = start + Number(length);
  if (received.length < total) return undefined;
  return { status: Number(head.slice(9, 12)), body: received.subarray(start, total) };
}

export async function connectMany(port: number, count: number): Promise<Connection[]> {
  return Promise.all(Array.from({ length: count }, () => connect(port)));
}

/** Lends connections to `use`: between measurements none stays open, as a server closes those that idle. */
export async function withLanes<T>(port: number, count: number, use: (lanes: Connection[]) => Promise<T>): Promise<T> {
  const lanes = await connectMany(port, count);
  try {
    return await use(lanes);
  } finally {
    for (const lane of lanes) lane.close();
  }
}

/** Throws what the server said unless it answered 2xx. */
export function expectSuccess(answer: Answer): Answer {
  if (answer.status < 200 || answer.status > 299) throw new Error(`${answer.status} ${answer.body.toString()}`);
  return answer;
}

/** How often per second `step` completes when each of `lanes` repeats it for `milliseconds`. */
export async function ratePerSecond<T>(
  lanes: readonly T[],
  milliseconds: number,
  step: (lane: T) => Promise<unknown>,
): Promise<number> {
  let done = 0;
  const start = performance.now();
  const end = start + milliseconds;
  await Promise.all(
    lanes.map(async (lane) => {
      while (performance.now() < end) {
        await step(lane);
        done += 1;
      }
    }),
  );
  return done / ((performance.now() - start) / 1000);
}

/** Runs `step` for each item, on all lanes at once. */
export async function forEach<L, T>(
  lanes: readonly L[],
  items: Iterable<T>,
  step: (lane: L, item: T) => Promise<void>,
) {
  const queue = items[Symbol.iterator]();
  await Promise.all(
    lanes.map(async (lane) => {
      for (let next = queue.next(); !next.done; next = queue.next()) await step(lane, next.value);
    }),
  );
}

import { Problem } from "../../protocol/problem.ts";
import { type Encoded, type Outlet, sseOf } from "../log/outlet.ts";
import type { Peer } from "../log/peers.ts";
import type { Entry } from "../log/tail.ts";

/** Bytes waiting in the process for one slow reader; the kernel and the HTTP layer hold more. */
const BUFFER_BYTES = 64 * 1024;
const COMMENT = new TextEncoder().encode(": keep-alive\n\n");
/** Time that a browser waits before it reconnects. */
const RETRY = new TextEncoder().encode("retry: 2000\n\n");

/** Makes an outlet over Server-Sent Events (WHATWG HTML, section 9.2), and the response that carries it. */
export function createSse({ headers, peer }: { headers: Record<string, string>; peer(): Peer | undefined }): {
  outlet: Outlet;
  response: Response;
} {
  let controller: ReadableStreamDefaultController<Uint8Array> | undefined;
  /**
   * Bytes that the HTTP layer has not asked for yet. They go out as one chunk: of several chunks it makes a buffer, and keeps
   * that for the life of the connection (30 KiB after a large `hello`).
   */
  let waiting: Uint8Array[] = [];
  let queued = 0;
  let asked = false;
  let took = false;

  function write(chunk: Uint8Array): void {
    if (!controller) return;
    if (asked) {
      asked = false;
      controller.enqueue(chunk);
      return;
    }
    waiting.push(chunk);
    queued += chunk.byteLength;
  }

  function pull(): void {
    took = true;
    if (waiting.length) {
      const [first] = waiting;
      controller?.enqueue(waiting.length === 1 && first ? first : Buffer.concat(waiting));
      waiting = [];
      queued = 0;
      return;
    }
    asked = true;
    outlet.onDrain();
  }

  const outlet: Outlet = {
    transport: "stream",
    peer: peer(),
    ready: () => controller !== undefined && queued < BUFFER_BYTES,
    settled: () => asked,
    moves() {
      const moved = took || asked;
      took = false;
      return moved;
    },
    entries: (entries: readonly Entry[]) => write(joined(entries)),
    send: (event) => event.sse.forEach(write),
    keepAlive: () => {
      if (outlet.ready()) write(COMMENT);
    },
    close(last?: Encoded) {
      if (!controller) return;
      if (last) waiting.push(...last.sse);
      for (const chunk of waiting) controller.enqueue(chunk);
      waiting = [];
      controller.close();
      controller = undefined;
      outlet.onClosed();
    },
    onDrain: () => undefined,
    onClosed: () => undefined,
  };

  const body = new ReadableStream<Uint8Array>(
    {
      start(made) {
        controller = made;
        write(RETRY);
      },
      pull,
      cancel() {
        controller = undefined;
        waiting = [];
        outlet.onClosed();
      },
    },
    { highWaterMark: 0 },
  );
  return {
    outlet,
    response: new Response(body, {
      headers: { ...headers, "content-type": "text/event-stream; charset=utf-8", "x-accel-buffering": "no" },
    }),
  };
}

/** A single entry goes out in its shared encoding; several are joined into one write. */
function joined(entries: readonly Entry[]): Uint8Array {
  const [first] = entries;
  return entries.length === 1 && first ? sseOf(first) : Buffer.concat(entries.map(sseOf));
}

/** Place that a client resumes from. @throws Problem 422 */
export function lastEventId(request: Request): number | undefined {
  const given = request.headers.get("last-event-id");
  if (given === null || given === "") return undefined;
  if (!/^\d{1,15}$/.test(given)) throw Problem.invalid("Last-Event-ID", "is not a place in the log");
  return Number(given);
}

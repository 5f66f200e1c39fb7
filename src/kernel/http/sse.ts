import { type Encoded, type Outlet, sseOf } from "../log/outlet.ts";
import type { Peer } from "../log/peers.ts";
import type { Entry } from "../log/tail.ts";

/** Bytes that wait in the process for one slow reader; the kernel and the HTTP layer hold more. */
const BUFFER_BYTES = 64 * 1024;
const COMMENT = new TextEncoder().encode(": keep-alive\n\n");
/** Time that a browser waits before it comes back. */
const RETRY = new TextEncoder().encode("retry: 2000\n\n");

/** An outlet over Server-Sent Events (WHATWG HTML, section 9.2), and the answer that carries it. */
export function createSse({ headers, peer }: { headers: Record<string, string>; peer(): Peer | undefined }): {
  outlet: Outlet;
  response: Response;
} {
  let controller: ReadableStreamDefaultController<Uint8Array> | undefined;
  /**
   * What the HTTP layer has not asked for yet. It gets all of it as one chunk: of several at once it makes a buffer, which
   * it keeps for as long as the connection lives (30 KiB after a large `hello`).
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

/** A lone entry goes out as it was encoded for everybody; several share one write. */
function joined(entries: readonly Entry[]): Uint8Array {
  const [first] = entries;
  return entries.length === 1 && first ? sseOf(first) : Buffer.concat(entries.map(sseOf));
}

import { type Encoded, type Outlet, sseOf } from "../log/outlet.ts";
import type { LogEntry } from "../log/tail.ts";

/** How much waits in the process for one slow reader; the kernel and the HTTP layer hold more. */
const BUFFER_BYTES = 64 * 1024;
const COMMENT = new TextEncoder().encode(": keep-alive\n\n");
/** How long a browser waits before it comes back. */
const RETRY = new TextEncoder().encode("retry: 2000\n\n");

/** An outlet over Server-Sent Events (WHATWG HTML, section 9.2), and the answer that carries it. */
export function createSse(headers: Record<string, string>): { outlet: Outlet; response: Response } {
  let controller: ReadableStreamDefaultController<Uint8Array> | undefined;

  const outlet: Outlet = {
    transport: "stream",
    ready: () => (controller?.desiredSize ?? 0) > 0,
    settled: () => (controller?.desiredSize ?? BUFFER_BYTES) >= BUFFER_BYTES,
    messages: (entries: readonly LogEntry[]) => controller?.enqueue(joined(entries)),
    send: (event) => controller?.enqueue(event.sse),
    keepAlive: () => {
      if (outlet.ready()) controller?.enqueue(COMMENT);
    },
    close(last?: Encoded) {
      if (!controller) return;
      if (last) controller.enqueue(last.sse);
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
        made.enqueue(RETRY);
      },
      pull: () => outlet.onDrain(),
      cancel() {
        controller = undefined;
        outlet.onClosed();
      },
    },
    { highWaterMark: BUFFER_BYTES, size: (chunk) => chunk?.byteLength ?? 1 },
  );
  return {
    outlet,
    response: new Response(body, {
      headers: { ...headers, "content-type": "text/event-stream; charset=utf-8", "x-accel-buffering": "no" },
    }),
  };
}

/** A lone entry goes out as it was encoded for everybody; several share one write. */
function joined(entries: readonly LogEntry[]): Uint8Array {
  const [first] = entries;
  return entries.length === 1 && first ? sseOf(first) : Buffer.concat(entries.map(sseOf));
}

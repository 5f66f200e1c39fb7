import type { LogEntry } from "../../core/messages/entry.ts";
import { Encoded, type Outlet } from "../../kernel/log/outlet.ts";
import { INBOX_URI, threadUri } from "./resources.ts";

/** Where notices of changed resources go: one connection of a client. */
export interface Mouth {
  /** The URIs it wants to hear of, as of now. */
  wanted(): ReadonlySet<string>;
  tell(uri: string): void;
  ready(): boolean;
  /** See `Outlet`. */
  moves(): boolean;
  readonly peer: Outlet["peer"];
  keepAlive(): void;
  end(): void;
}

/**
 * One more outlet of an inbox: of each entry it says only which resource has changed. Nothing is offered by it, so it never
 * settles.
 */
export function createUpdates(mouth: Mouth): Outlet<LogEntry> {
  let open = true;
  function tell(uris: Iterable<string>): void {
    const wanted = mouth.wanted();
    for (const uri of uris) if (open && wanted.has(uri)) mouth.tell(uri);
  }
  const outlet: Outlet<LogEntry> = {
    transport: "stream",
    peer: mouth.peer,
    ready: () => open && mouth.ready(),
    settled: () => false,
    moves: () => mouth.moves(),
    entries: (entries: readonly LogEntry[]) =>
      tell(new Set([INBOX_URI, ...entries.map((entry) => threadUri(entry.threadId))])),
    send(event: Encoded) {
      // The inbox tells of lost entries, and of work that is open again.
      if (event.type === "reset" || event.type === "open") tell([INBOX_URI]);
    },
    keepAlive: () => mouth.keepAlive(),
    close() {
      if (!open) return;
      open = false;
      mouth.end();
      outlet.onClosed();
    },
    onDrain: () => undefined,
    onClosed: () => undefined,
  };
  return outlet;
}

/** The notice that a resource has changed, as an event of a stream. */
export const updated = (uri: string): Encoded =>
  new Encoded(
    "message",
    JSON.stringify({ jsonrpc: "2.0", method: "notifications/resources/updated", params: { uri } }),
  );

/** Most notices on their way to a client that takes none. */
const MAX_WAITING = 64;

/**
 * Passes a stream on chunk by chunk as its reader asks for it, so that it is known how much is waiting; `told` is counted up
 * by the writer at the other end.
 */
export function metered(body: ReadableStream<Uint8Array>, on: { drained(): void; closed(): void }) {
  const reader = body.getReader();
  let waiting = 0;
  let took = false;
  const stream = new ReadableStream<Uint8Array>(
    {
      async pull(controller) {
        const { done, value } = await reader.read().catch((error) => {
          on.closed();
          throw error;
        });
        if (done) {
          controller.close();
          on.closed();
          return;
        }
        controller.enqueue(value);
        if (waiting > 0) waiting--;
        took = true;
        on.drained();
      },
      cancel(reason) {
        on.closed();
        return reader.cancel(reason);
      },
    },
    { highWaterMark: 0 },
  );
  return {
    stream,
    told: () => void waiting++,
    ready: () => waiting < MAX_WAITING,
    moves() {
      const moved = took || waiting === 0;
      took = false;
      return moved;
    },
  };
}

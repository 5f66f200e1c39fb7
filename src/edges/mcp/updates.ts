import type { LogEntry } from "../../core/messages/entry.ts";
import { Encoded, type Outlet } from "../../kernel/log/outlet.ts";
import { INBOX_URI, threadUri } from "./resources.ts";

/** One connection of a client that gets notices of changed resources. */
export interface Transport {
  /** URIs that the client follows now. */
  wanted(): ReadonlySet<string>;
  tell(uri: string): void;
  ready(): boolean;
  /** See `Outlet`. */
  moves(): boolean;
  readonly peer: Outlet["peer"];
  keepAlive(): void;
  end(): void;
}

/** Outlet of an inbox that sends, for each entry, the changed resource alone. It delivers no message, so it never settles. */
export function createUpdates(transport: Transport): Outlet<LogEntry> {
  let open = true;
  function tell(uris: Iterable<string>): void {
    const wanted = transport.wanted();
    for (const uri of uris) if (open && wanted.has(uri)) transport.tell(uri);
  }
  const outlet: Outlet<LogEntry> = {
    transport: "stream",
    peer: transport.peer,
    ready: () => open && transport.ready(),
    settled: () => false,
    moves: () => transport.moves(),
    entries: (entries: readonly LogEntry[]) =>
      tell(new Set([INBOX_URI, ...entries.map((entry) => threadUri(entry.threadId))])),
    send(event) {
      // These change the inbox: entries were lost, or work is open again.
      if (event.type === "reset" || event.type === "open") tell([INBOX_URI]);
    },
    keepAlive: () => transport.keepAlive(),
    close() {
      if (!open) return;
      open = false;
      transport.end();
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

/** Most notices that wait for a client that reads none. */
const MAX_WAITING = 64;

/** Passes a stream on chunk by chunk at its reader's pace, and counts waiting notices: the writer calls `told` for each. */
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

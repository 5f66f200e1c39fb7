import type { Peer } from "./peers.ts";
import type { LogEntry } from "./tail.ts";

/** Members that many events have in common (the roster): encoded once, and not copied for each connection. */
export class SharedMembers {
  readonly bytes: Uint8Array;

  /** @param json members of an object, without its braces */
  constructor(readonly json: string) {
    this.bytes = utf8.encode(`,${json}}\n\n`);
  }
}

/** One event, encoded once for every transport that carries it. */
export class Encoded {
  #sse: readonly Uint8Array[] | undefined;

  constructor(
    readonly type: string,
    /** Its members, as a JSON object. */
    readonly json: string,
    /** Further members. */
    readonly shared?: SharedMembers,
  ) {}

  /** As an SSE event, in the parts it is made of. */
  get sse(): readonly Uint8Array[] {
    this.#sse ??= this.shared
      ? [utf8.encode(`event: ${this.type}\ndata: ${this.json.slice(0, -1)}`), this.shared.bytes]
      : [utf8.encode(`event: ${this.type}\ndata: ${this.json}\n\n`)];
    return this.#sse;
  }

  /** A socket's frame: the same members and `type`. */
  get frame(): string {
    const own = this.json === "{}" ? `{"type":"${this.type}"` : `{"type":"${this.type}",${this.json.slice(1, -1)}`;
    return this.shared ? `${own},${this.shared.json}}` : `${own}}`;
  }
}

const utf8 = new TextEncoder();

/** An entry as an SSE event; its id is the place to resume from. */
export function sseOf(entry: LogEntry): Uint8Array {
  entry.sse ??= utf8.encode(`id: ${entry.id}\nevent: message\ndata: ${entry.json}\n\n`);
  return entry.sse;
}

/** An entry as a socket's frame. */
export function frameOf(entry: LogEntry): string {
  entry.frame ??= `{"type":"message","message":${entry.json}}`;
  return entry.frame;
}

/** One connection to which events go out: SSE or WebSocket. */
export interface Outlet {
  readonly transport: "stream" | "socket";
  /** Not there for an in-process call. */
  readonly peer: Peer | undefined;
  /** Whether it takes more now. When it does again, it calls `onDrain`. */
  ready(): boolean;
  /** Whether all that it took has been handed to the kernel. */
  settled(): boolean;
  /** Whether the other end took or said something since this was last asked, or had nothing to take. */
  moves(): boolean;
  messages(entries: readonly LogEntry[]): void;
  send(event: Encoded): void;
  /** Something small on the wire, so that both ends see whether the other is there. */
  keepAlive(): void;
  /** Sends a last event, if there is one, and closes. */
  close(last?: Encoded): void;
  onDrain: () => void;
  /** The other end is gone, or `close` was called. */
  onClosed: () => void;
}

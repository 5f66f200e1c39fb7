import type { Peer } from "./peers.ts";
import type { Entry } from "./tail.ts";

/** Members shared by many events (the roster): encoded once, never copied per connection. */
export class SharedMembers {
  readonly bytes: Uint8Array;

  /** @param json members of an object, without its braces. */
  constructor(readonly json: string) {
    this.bytes = utf8.encode(`,${json}}\n\n`);
  }
}

/** One event or several, as outlets send them. */
export interface Sent {
  readonly type: string;
  /** Bytes for SSE, in parts. */
  readonly sse: readonly Uint8Array[];
  /** Socket frames, one for each event. */
  readonly frames: readonly string[];
  readonly events: readonly Encoded[];
}

/** One event, encoded once for every transport that carries it. */
export class Encoded implements Sent {
  #sse: readonly Uint8Array[] | undefined;
  #frames: readonly string[] | undefined;

  constructor(
    readonly type: string,
    /** Members, as a JSON object. */
    readonly json: string,
    /** Further members. */
    readonly shared?: SharedMembers,
  ) {}

  /** Parts of the SSE event. */
  get sse(): readonly Uint8Array[] {
    this.#sse ??= this.shared
      ? [utf8.encode(`event: ${this.type}\ndata: ${this.json.slice(0, -1)}`), this.shared.bytes]
      : [utf8.encode(`event: ${this.type}\ndata: ${this.json}\n\n`)];
    return this.#sse;
  }

  get events(): readonly Encoded[] {
    return [this];
  }

  /** One frame, with the same members, and `type`. */
  get frames(): readonly string[] {
    this.#frames ??= [this.#frame()];
    return this.#frames;
  }

  #frame(): string {
    const own = this.json === "{}" ? `{"type":"${this.type}"` : `{"type":"${this.type}",${this.json.slice(1, -1)}`;
    return this.shared ? `${own},${this.shared.json}}` : `${own}}`;
  }
}

/** Several events of one type, which each connection gets by one write. */
export class Several implements Sent {
  readonly events: readonly Encoded[];
  readonly sse: readonly Uint8Array[];
  readonly frames: readonly string[];

  /** @param members those of each event, as a JSON object */
  constructor(
    readonly type: string,
    members: readonly string[],
  ) {
    this.events = members.map((json) => new Encoded(type, json));
    this.sse = [Buffer.concat(this.events.flatMap(({ sse }) => sse))];
    this.frames = this.events.flatMap(({ frames }) => frames);
  }
}

/** An event of another protocol: a line of data without a name. */
export class DataLine extends Encoded {
  constructor(line: string) {
    super("message", line);
  }

  override get sse(): readonly Uint8Array[] {
    return [dataLine(this.json)];
  }
}

const utf8 = new TextEncoder();

/** Encodes one line of data. */
export const dataLine = (line: string): Uint8Array => utf8.encode(`data: ${line}\n\n`);

/** Encodes an entry as an SSE event, whose id is the place to resume from. */
export function sseOf(entry: Entry): Uint8Array {
  entry.sse ??= utf8.encode(`id: ${entry.id}\nevent: ${entry.event}\ndata: ${entry.json}\n\n`);
  return entry.sse;
}

/** Encodes an entry as a socket frame. */
export function frameOf(entry: Entry): string {
  entry.frame ??= `{"type":"${entry.event}","${entry.event}":${entry.json}}`;
  return entry.frame;
}

/** Outgoing side of one connection: SSE or WebSocket. */
export interface Outlet<E extends Entry = Entry> {
  readonly transport: "stream" | "socket";
  /** Missing for an in-process call. */
  readonly peer: Peer | undefined;
  /** False while it is full. Once it has room again it calls `onDrain`. */
  ready(): boolean;
  /** True once everything it took was handed to the operating system. */
  settled(): boolean;
  /** True when the client took or sent bytes since the last call, or had none to take. */
  moves(): boolean;
  entries(entries: readonly E[]): void;
  send(event: Sent): void;
  /** Sends a few bytes, so that both ends notice when the other has gone. */
  keepAlive(): void;
  /** Closes, after a last event if there is one. */
  close(last?: Encoded): void;
  onDrain: () => void;
  /** Called when the client has gone, or after `close`. */
  onClosed: () => void;
}

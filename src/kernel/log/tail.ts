import type { Span } from "../../protocol/ids.ts";

/** One entry of a log, as its followers need it. */
export interface Entry {
  /** Place in its log. */
  readonly id: number;
  /** Key that listeners subscribe to. */
  readonly key: string;
  /** Name of its event on a stream or socket. */
  readonly event: string;
  /** Wire form as appended, without anything that changes later. Serialized once for every transport. */
  readonly json: string;
  /** Time from which followers skip it; `null` for never. */
  readonly expiresAt: number | null;
  /** Encoded frames, made when first needed. */
  sse?: Uint8Array;
  frame?: string;
}

/**
 * The newest entries of a log, bounded by bytes. Ids may have gaps (a restored backup, a rolled-back write), so the tail
 * remembers the place after which it is complete, and never counts ids.
 */
export class Tail<E extends Entry> {
  #entries: E[] = [];
  /** Index of the oldest held entry. Removing entries from the front one by one would be quadratic. */
  #start = 0;
  #bytes = 0;
  #wholeFrom: number;
  /** Place that retention has reached. */
  #forgotten = 0;

  constructor(
    head: number,
    private readonly maxBytes: number,
  ) {
    this.#wholeFrom = head;
  }

  /** Everything after this place is held. */
  get wholeFrom(): number {
    return this.#wholeFrom;
  }

  push(entry: E): void {
    this.#entries.push(entry);
    this.#bytes += sizeOf(entry);
    while (this.#bytes > this.maxBytes && this.#start < this.#entries.length) this.#drop();
    if (this.#start > 1024 && this.#start * 2 > this.#entries.length) {
      this.#entries = this.#entries.slice(this.#start);
      this.#start = 0;
    }
  }

  /**
   * Takes all stored entries of a span that ends where it begins, oldest first, but for those that retention has reached meanwhile.
   * @returns false when it takes none: it has no room, or begins elsewhere by now
   */
  unshift(entries: readonly E[], { after, upTo }: Span): boolean {
    const wholeFrom = Math.max(after, this.#forgotten);
    const older = entries.filter(({ id }) => id > wholeFrom);
    const bytes = older.reduce((sum, entry) => sum + sizeOf(entry), 0);
    if (upTo !== this.#wholeFrom || this.#bytes + bytes > this.maxBytes) return false;
    this.#entries = [...older, ...this.#entries.slice(this.#start)];
    this.#start = 0;
    this.#bytes += bytes;
    this.#wholeFrom = wholeFrom;
    return true;
  }

  /** At most `limit` entries after a place, oldest first; `undefined` when the tail no longer holds all of them. */
  since(after: number, limit: number): E[] | undefined {
    if (after < this.#wholeFrom) return undefined;
    const first = this.#firstAfter(after);
    return this.#entries.slice(first, first + limit);
  }

  /** Drops entries up to a place that retention has reached. Reads of them go to the database from now on. */
  forget(upTo: number): void {
    while ((this.#entries[this.#start]?.id ?? Number.POSITIVE_INFINITY) <= upTo) this.#drop();
    this.#wholeFrom = Math.max(this.#wholeFrom, upTo);
    this.#forgotten = Math.max(this.#forgotten, upTo);
  }

  #drop(): void {
    const entry = this.#entries[this.#start++];
    if (!entry) return;
    this.#bytes -= sizeOf(entry);
    this.#wholeFrom = entry.id;
  }

  #firstAfter(after: number): number {
    let low = this.#start;
    let high = this.#entries.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((this.#entries[middle]?.id ?? 0) > after) high = middle;
      else low = middle + 1;
    }
    return low;
  }
}

/** Bytes of the JSON, and about as many again for each encoded frame. */
const sizeOf = (entry: Entry): number => entry.json.length * 3 + 256;

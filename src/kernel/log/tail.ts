/** One entry of the log as followers need it. */
export interface LogEntry {
  readonly id: number;
  readonly from: string;
  /** The stored form of its target. */
  readonly target: string;
  readonly expiresAt: number | null;
  /** The wire form as appended: what never changes. Serialised once, used by every mouth. */
  readonly json: string;
  readonly kind: string;
  readonly topic: string | null;
  readonly threadId: number;
  readonly replyTo: number | null;
  readonly claimable: boolean;
  readonly urgent: boolean;
  /** Encoded frames, made when first needed. */
  sse?: Uint8Array;
  frame?: string;
}

/**
 * The newest entries, bounded by bytes. It knows from which place on it is whole: ids may have gaps (a restored backup,
 * ids given back by a rolled-back write), so a range is never judged by counting.
 */
export class Tail {
  #entries: LogEntry[] = [];
  /** Where the entries that are still held begin in the array: dropping from the front one by one would be quadratic. */
  #start = 0;
  #bytes = 0;
  /** Everything after this place is held. */
  #wholeFrom: number;

  constructor(
    head: number,
    private readonly maxBytes: number,
  ) {
    this.#wholeFrom = head;
  }

  push(entry: LogEntry): void {
    this.#entries.push(entry);
    this.#bytes += sizeOf(entry);
    while (this.#bytes > this.maxBytes && this.#start < this.#entries.length) this.#drop();
    if (this.#start > 1024 && this.#start * 2 > this.#entries.length) {
      this.#entries = this.#entries.slice(this.#start);
      this.#start = 0;
    }
  }

  /** At most `limit` entries after a place, oldest first; undefined when some of them are no longer held. */
  since(after: number, limit: number): LogEntry[] | undefined {
    if (after < this.#wholeFrom) return undefined;
    const first = this.#firstAfter(after);
    return this.#entries.slice(first, first + limit);
  }

  /** Everything up to here was deleted, or may have been: it is looked for in the database from now on. */
  forget(upTo: number): void {
    while ((this.#entries[this.#start]?.id ?? Number.POSITIVE_INFINITY) <= upTo) this.#drop();
    this.#wholeFrom = Math.max(this.#wholeFrom, upTo);
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

/** JSON, and about as much again for the encoded frames. */
const sizeOf = (entry: LogEntry): number => entry.json.length * 3 + 256;

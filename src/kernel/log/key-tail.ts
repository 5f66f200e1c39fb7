import type { Snapshots } from "../db/snapshots.ts";

/** One entry of the log, as far as an index by key knows it. */
export interface Stub {
  readonly id: number;
  readonly from: string;
}

/** A part of the log, in memory: everything in (after, upTo], by key, each oldest first. */
export interface Segment {
  readonly after: number;
  upTo: number;
  size: number;
  readonly byKey: Map<string, Stub[]>;
}

/** Segment that the index has taken, and how many reads had begun by then. */
interface Merged {
  segment: Segment;
  begun: number;
}

/** Part of the log that a look covers. */
interface Window {
  after: number;
  upTo: number;
  limit: number;
}

const NONE: readonly Stub[] = [];

/**
 * The newest entries of a log by key, for an index that follows it. Everything above the index's mark is here, in segments; a
 * segment is merged into the index as a whole, and stays for one more merge and for every read that began before.
 */
export class KeyTail {
  #segments: Segment[];
  /** Oldest first. */
  #merged: Merged[] = [];
  /** Entries of the open transaction, none of which is committed. */
  #pending: Segment;
  #transaction = 0;
  #head: number;
  #unmerged = 0;

  constructor(
    mark: number,
    private readonly snapshots: () => Snapshots,
  ) {
    this.#head = mark;
    this.#segments = [emptyAfter(mark)];
    this.#pending = emptyAfter(mark);
  }

  /** Newest committed place. */
  get head(): number {
    return this.#head;
  }

  /** Entries that the index does not have yet. */
  get unmerged(): number {
    return this.#unmerged;
  }

  /** Segments in memory, merged ones included. */
  get segments(): number {
    return this.#segments.length + this.#merged.length;
  }

  /** Takes an entry of the open write, in the transaction of this number. A rolled-back id is given out again. */
  append(transaction: number, key: string, stub: Stub): void {
    if (transaction !== this.#transaction || this.#pending.size === 0) {
      this.#transaction = transaction;
      this.#pending = emptyAfter(this.#head);
    } else if (stub.id <= this.#pending.upTo) this.#pending = upToBefore(this.#pending, stub.id);
    add(this.#pending, key, stub);
  }

  /** Takes an entry that is on disk: at once after its COMMIT, before anything reads. */
  commit(key: string, stub: Stub): void {
    const segment = this.#segments.at(-1) as Segment;
    add(segment, key, stub);
    this.#unmerged += 1;
    this.#head = stub.id;
  }

  /** The oldest segment that the index lacks; everything from now on goes into another. undefined when it lacks nothing. */
  next(): Segment | undefined {
    const [oldest] = this.#segments;
    if (!oldest || this.unmerged === 0) return undefined;
    if (this.#segments.length === 1) this.#segments.push(emptyAfter(this.#head));
    return oldest;
  }

  /** Notes, at once after the COMMIT, that the index has a segment. */
  merged(segment: Segment): void {
    this.#segments = this.#segments.filter((one) => one !== segment);
    this.#unmerged -= segment.size;
    this.#merged.push({ segment, begun: this.snapshots().begun });
    const { open } = this.snapshots();
    while (this.#merged.length > 1 && (open === null || open > (this.#merged[0]?.begun ?? 0))) this.#merged.shift();
  }

  /** Committed entries of a key, oldest first. */
  oldest(key: string, window: Window): readonly Stub[] {
    let found: readonly Stub[] = NONE;
    for (const { segment } of this.#merged) found = following(found, segment, key, window);
    for (const segment of this.#segments) found = following(found, segment, key, window);
    return found.length > window.limit ? found.slice(0, window.limit) : found;
  }

  /** Committed entries of a key, oldest first: the newest of them. */
  newest(key: string, window: Window): readonly Stub[] {
    let found: readonly Stub[] = NONE;
    for (let n = this.#segments.length; n > 0 && found.length < window.limit; n--)
      found = preceding(found, this.#segments[n - 1] as Segment, key, window);
    for (let n = this.#merged.length; n > 0 && found.length < window.limit; n--)
      found = preceding(found, (this.#merged[n - 1] as Merged).segment, key, window);
    return found.length > window.limit ? found.slice(-window.limit) : found;
  }

  /** Entries of the open transaction, oldest first. */
  pending(transaction: number, key: string, { after, upTo }: Window): readonly Stub[] {
    return transaction === this.#transaction ? within(this.#pending, key, after, upTo) : NONE;
  }
}

function emptyAfter(after: number): Segment {
  return { after, upTo: after, size: 0, byKey: new Map() };
}

function add(segment: Segment, key: string, stub: Stub): void {
  const list = segment.byKey.get(key);
  if (list) list.push(stub);
  else segment.byKey.set(key, [stub]);
  segment.upTo = stub.id;
  segment.size += 1;
}

/** The segment without the entries from an id on. */
function upToBefore(segment: Segment, id: number): Segment {
  const kept = emptyAfter(segment.after);
  const entries = [...segment.byKey].flatMap(([key, stubs]) => stubs.map((stub) => ({ key, stub })));
  for (const { key, stub } of entries.sort((a, b) => a.stub.id - b.stub.id)) if (stub.id < id) add(kept, key, stub);
  return kept;
}

function following(found: readonly Stub[], segment: Segment, key: string, { after, upTo, limit }: Window) {
  if (found.length >= limit || segment.upTo <= after || segment.after >= upTo) return found;
  const more = within(segment, key, after, upTo);
  return found.length === 0 ? more : more.length === 0 ? found : [...found, ...more];
}

function preceding(found: readonly Stub[], segment: Segment, key: string, { after, upTo, limit }: Window) {
  if (found.length >= limit || segment.upTo <= after || segment.after >= upTo) return found;
  const more = within(segment, key, after, upTo);
  return found.length === 0 ? more : more.length === 0 ? found : [...more, ...found];
}

/** Entries in (after, upTo]. */
function within({ byKey }: Segment, key: string, after: number, upTo: number): readonly Stub[] {
  const list = byKey.get(key);
  if (!list) return NONE;
  const from = firstAbove(list, after);
  const to = firstAbove(list, upTo);
  return from === 0 && to === list.length ? list : list.slice(from, to);
}

/** Index of the first entry above an id. */
function firstAbove(list: readonly Stub[], id: number): number {
  let low = 0;
  let high = list.length;
  if (high === 0 || (list[high - 1] as Stub).id <= id) return high;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((list[middle] as Stub).id > id) high = middle;
    else low = middle + 1;
  }
  return low;
}

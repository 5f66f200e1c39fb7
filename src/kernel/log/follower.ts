import type { Span } from "../../protocol/ids.ts";
import type { Listener, Log } from "./log.ts";
import type { Entry } from "./tail.ts";

/** One page of stored entries for a follower. */
interface SourcePage<E extends Entry> {
  entries: E[];
  /** End of the page: it holds every entry for this follower up to here. */
  upTo: number;
  /** Loss to retention after the place asked for. */
  reset?: { firstId: number; lost: number } | undefined;
}

/** Entries that one follower may see. */
export interface Source<E extends Entry> {
  /** Keys to listen on; asked again after `reload`. */
  keys(): readonly string[];
  /** Every entry comes from `page`, which adds fields that the log lacks. */
  readonly stored?: boolean;
  /** Decides whether a freshly appended entry is for this follower. */
  wants(entry: E): boolean;
  /** Reads stored entries after a place, oldest first. */
  page(after: number): Promise<SourcePage<E>>;
  /** Refreshes the facts behind `keys` and `wants`, for entries after a place. */
  reload(after: number): Promise<void>;
}

/** Receiver of a follower's entries: one connection. */
export interface Sink<E extends Entry> {
  /** False while it is full. Once it has room again it calls the follower's `run`. */
  ready(): boolean;
  /** Takes entries: all that the span holds for this follower. */
  deliver(entries: readonly E[], span: Span): void;
  reset(reset: { firstId: number; lost: number }): void;
  /** Called each time everything up to the head was delivered, or was not for it. */
  caughtUp?(): void;
  /** Reports that the follower failed. The sink closes and says where to resume. */
  fail(error: unknown, resumeAfter: number): void;
}

const TAIL_PAGE = 256;
/** Characters handed over before the sink is asked again for room: bounds the memory of a client that reads nothing. */
const PORTION_CHARACTERS = 256 * 1024;

/**
 * Follows a log from a place: stored entries, then live ones, with no gap and no repeat at the seam. A follower holds a
 * position and pulls; a wake only marks it as behind. While it is not behind, every entry up to the head was delivered or
 * not for it, so the position of an idle follower moves with the head at no cost.
 */
export class Follower<E extends Entry = Entry> implements Listener {
  #position: number;
  /** End of the last span told to the sink. */
  #reported: number;
  /** Set while entries may follow the position. */
  #behind = true;
  #stale = true;
  #pulling = false;
  #closed = false;
  #unlisten: () => void = () => undefined;

  constructor(
    private readonly log: Log<E>,
    private readonly source: Source<E>,
    private readonly sink: Sink<E>,
    position: number,
    private readonly now: () => number,
  ) {
    this.#position = position;
    this.#reported = position;
  }

  /** Place to resume from: every entry up to here was delivered or not for this follower. */
  get position(): number {
    return this.#behind ? this.#position : Math.max(this.#position, this.log.head());
  }

  wake(before: number): void {
    if (this.#behind) return;
    this.#behind = true;
    this.#position = Math.max(this.#position, before);
  }

  /** Makes it reload its source before it goes on: the entries that it may see have changed. */
  markStale(): void {
    this.#stale = true;
    this.log.wakeOne(this);
  }

  run(): void {
    if (this.#closed || this.#pulling) return;
    if (!this.#stale && this.#pullFromTail()) return;
    this.#pulling = true;
    this.#pullFromStore()
      .catch((error) => this.sink.fail(error, this.#position))
      .finally(() => {
        this.#pulling = false;
        if (this.#behind && this.sink.ready()) this.run();
      });
  }

  close(): void {
    this.#closed = true;
    this.#unlisten();
  }

  /** @returns true when nothing is left to do now. */
  #pullFromTail(): boolean {
    if (this.source.stored) return !this.#behind;
    while (this.#behind) {
      if (this.#closed || !this.sink.ready()) return true;
      const entries = this.log.since(this.#position, TAIL_PAGE);
      if (!entries) return false;
      const { wanted, cutAt } = this.#portion(entries);
      const end = entries.length === TAIL_PAGE ? (entries.at(-1)?.id ?? 0) : this.log.head();
      this.#advance(wanted, cutAt ?? end);
    }
    return true;
  }

  /** Picks the wanted entries that fit into one delivery; `cutAt`: last id taken, when the rest did not fit. */
  #portion(entries: readonly E[]): { wanted: E[]; cutAt: number | undefined } {
    const now = this.now();
    const wanted: E[] = [];
    let size = 0;
    for (const entry of entries) {
      if (!this.source.wants(entry) || isExpired(entry, now)) continue;
      wanted.push(entry);
      size += entry.json.length;
      if (size > PORTION_CHARACTERS) return { wanted, cutAt: entry.id };
    }
    return { wanted, cutAt: undefined };
  }

  async #pullFromStore(): Promise<void> {
    while (!this.#closed && this.#behind) {
      while (this.#stale) await this.#reload();
      if (this.#closed || !this.sink.ready() || this.#pullFromTail()) return;
      const page = await this.source.page(this.#position);
      if (this.#closed) return;
      // A change during the read of this page applies to later entries, not to the page.
      if (page.reset) this.sink.reset(page.reset);
      this.#advance(page.entries, page.upTo);
    }
  }

  async #reload(): Promise<void> {
    this.#stale = false;
    await this.source.reload(this.#position);
    if (this.#closed) return;
    this.#unlisten();
    this.#unlisten = this.log.listen(this.source.keys(), this);
  }

  #advance(entries: readonly E[], upTo: number): void {
    this.#position = Math.max(this.#position, upTo);
    if (entries.length) {
      // Entries in between were not for this follower, so the ranges join.
      const after = this.#reported;
      this.#reported = this.#position;
      this.sink.deliver(entries, { after, upTo: this.#position });
    }
    if (this.#position < this.log.head()) return;
    this.#behind = false;
    this.sink.caughtUp?.();
  }
}

const isExpired = (entry: Entry, now: number): boolean => entry.expiresAt !== null && entry.expiresAt <= now;

import type { Span } from "../../protocol/ids.ts";
import type { Listener, Log } from "./log.ts";
import type { LogEntry } from "./tail.ts";

/** A page of entries out of the database, for one follower. */
interface SourcePage {
  entries: LogEntry[];
  /** Everything for this follower up to here is in `entries` or was before it. */
  upTo: number;
  /** Retention took something after the place asked for. */
  reset?: { firstId: number; lost: number } | undefined;
}

/** What one follower may see. */
export interface Source {
  /** Under which keys the log announces it; asked again after `reload`. */
  keys(): readonly string[];
  /** All entries come from `page`, which adds fields that the log lacks. */
  readonly stored?: boolean;
  /** Whether a freshly appended entry is for this follower. */
  wants(entry: LogEntry): boolean;
  /** What is stored after a place, oldest first. */
  page(after: number): Promise<SourcePage>;
  /** Reads anew what `keys` and `wants` decide by, for entries after a place. */
  reload(after: number): Promise<void>;
}

/** Where a follower's entries go: one connection. */
export interface Sink {
  /** Whether it takes more now; when it does again it calls the follower's `run`. */
  ready(): boolean;
  /** Hands over entries, which cover everything for this follower in the span. */
  deliver(entries: readonly LogEntry[], span: Span): void;
  reset(reset: { firstId: number; lost: number }): void;
  /** The follower failed: close, telling where to resume. */
  fail(error: unknown, resumeAfter: number): void;
}

const TAIL_PAGE = 256;
/** After this much it is asked again whether there is room: what waits for a client that takes nothing stays bounded. */
const PORTION_CHARACTERS = 256 * 1024;

/**
 * Follows the log from a place: what is stored, then live, with no gap and no repeat at the seam. It holds a position and
 * pulls; a wake only marks it as behind. While it is not behind, everything up to the head has been handed over or was
 * not for it, so an idle follower's position moves on without touching it.
 */
export class Follower implements Listener {
  #position: number;
  /** Up to here its sink knows that it has had everything. */
  #reported: number;
  /** There may be something after the position. */
  #behind = true;
  #stale = true;
  #pulling = false;
  #closed = false;
  #unlisten: () => void = () => undefined;

  constructor(
    private readonly log: Log,
    private readonly source: Source,
    private readonly sink: Sink,
    position: number,
    private readonly now: () => number,
  ) {
    this.#position = position;
    this.#reported = position;
  }

  /** Where to resume: everything up to here has been handed over or was not for this follower. */
  get position(): number {
    return this.#behind ? this.#position : Math.max(this.#position, this.log.head());
  }

  wake(before: number): void {
    if (this.#behind) return;
    this.#behind = true;
    this.#position = Math.max(this.#position, before);
  }

  /** Memberships changed: what it may see has to be read again before it goes on. */
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

  /** @returns whether there is nothing more to do now. */
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

  /** What of these is for it and fits into one delivery; `cutAt` is where that ended early. */
  #portion(entries: readonly LogEntry[]): { wanted: LogEntry[]; cutAt: number | undefined } {
    const now = this.now();
    const wanted: LogEntry[] = [];
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
      // What changed while the page was read decides about what comes after it, not about the page.
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

  #advance(entries: readonly LogEntry[], upTo: number): void {
    this.#position = Math.max(this.#position, upTo);
    if (entries.length) {
      // What lay in between was not for it: one unbroken range.
      const after = this.#reported;
      this.#reported = this.#position;
      this.sink.deliver(entries, { after, upTo: this.#position });
    }
    if (this.#position >= this.log.head()) this.#behind = false;
  }
}

const isExpired = (entry: LogEntry, now: number): boolean => entry.expiresAt !== null && entry.expiresAt <= now;

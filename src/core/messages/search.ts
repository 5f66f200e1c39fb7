import type { Clock } from "../../kernel/clock.ts";
import type { Db, ReadTx, Tx } from "../../kernel/db/database.ts";
import { matchOf, searchIndex, type Who } from "../../kernel/db/search.ts";
import type { Found, IdRange } from "./filter.ts";
import type { IndexedText } from "./row.ts";
import type { MessageStore } from "./store.ts";

/** Entries indexed in one write: about 1 ms. */
const SLICE = 128;
/** Longest lag of the index: entries of that time share a commit, which costs as much as indexing a hundred entries. */
const LAG_MS = 250;
/** Large entries are indexed few at a time, so that no write waits long. Reads are small, so that none is in vain. */
const SLICE_CHARACTERS = 32 * 1024;
const FEW = 8;
/** A huge body is found by its beginning: indexing 256 KiB takes 10 ms. */
const MAX_INDEXED = 32 * 1024;
/** Entries beyond the index that one list visits. */
const MAX_SCANNED = 10_000;

export interface SearchReader {
  agentId: string;
  /** Every target the reader ever belonged to; undefined when there are too many to name. */
  targets: readonly string[] | undefined;
}

export type Search = ReturnType<typeof createSearch>;

/** The search index, following the log in the background. */
export function createSearch(
  db: Db,
  store: MessageStore,
  head: () => number,
  clock: Clock,
  onError: (error: unknown) => void,
) {
  let running: Promise<void> | undefined;
  let cancelTimer: (() => void) | undefined;
  let stopped = false;

  async function indexSlice(tx: Tx): Promise<boolean> {
    let last = await store.mark(tx, "indexed");
    let size = 0;
    let count = 0;
    for (let isMore = true; isMore && count < SLICE && size < SLICE_CHARACTERS; ) {
      const some = store.textsAfter(tx, last, FEW, MAX_INDEXED);
      isMore = some.length === FEW;
      for (const text of some) {
        size += add(tx, text);
        last = text.id;
        count++;
        if (size >= SLICE_CHARACTERS) break;
      }
    }
    if (count > 0) await store.setMark(tx, "indexed", last);
    return count > 0 && last < head();
  }

  /** @returns the characters it indexed */
  function add(tx: Tx, { id, fromId, target, opaque, ...text }: IndexedText): number {
    // Encrypted messages are found by their sender alone, never by their text.
    const [subject, body] = opaque ? ["", ""] : [text.subject ?? "", text.body];
    searchIndex.add(tx, { id, subject, body, from: fromId, target });
    return subject.length + body.length;
  }

  async function catchUp(): Promise<void> {
    while (!stopped && (await db.background(indexSlice)));
  }

  function start(): void {
    cancelTimer = undefined;
    running ??= catchUp()
      .catch(onError)
      .finally(() => {
        running = undefined;
      });
  }

  return {
    /** Tells of new entries in the log. */
    notice(): void {
      if (!stopped) cancelTimer ??= clock.after(LAG_MS, start);
    },
    /** Indexes all entries up to now. */
    async settle(): Promise<void> {
      await running;
      start();
      await running;
    },
    /**
     * Messages of one sender, from one end: by the index, and beyond it entry by entry. `reached` is where
     * looking ended, null at the end of the log.
     */
    async sentBy(on: ReadTx, sender: string, range: IdRange, limit: number): Promise<Found> {
      const { oldestFirst, after = 0, before = Number.MAX_SAFE_INTEGER } = range;
      const indexed = await store.mark(on, "indexed");
      const old = () =>
        searchIndex.sentBy(on, sender, { after, before: Math.min(before, indexed + 1), oldestFirst }, limit);
      const fresh = () =>
        store.scanSender(on, sender, { after: Math.max(after, indexed), before, oldestFirst }, MAX_SCANNED);
      const first = oldestFirst ? { ids: old(), reached: null } : await fresh();
      if (first.ids.length >= limit || first.reached !== null) return cut(first, limit);
      const second = oldestFirst ? await fresh() : { ids: old(), reached: null };
      return cut({ ids: [...first.ids, ...second.ids], reached: second.reached }, limit);
    },
    /** Newest first: entries with all these words that the reader may see. Not inside of a read. @throws Problem 422, 503 */
    async find(words: string, reader: SearchReader | null, range: Omit<IdRange, "oldestFirst">, limit: number) {
      const match = matchOf(words, reader && whoOf(reader));
      if (match === undefined) return { ids: [], reached: null } satisfies Found;
      const { before = Number.MAX_SAFE_INTEGER, after = 0 } = range;
      const member = reader && !reader.targets ? reader.agentId : null;
      return db.searcher.find({ match, member, before, after, limit });
    },
    stop(): void {
      stopped = true;
      cancelTimer?.();
    },
  };
}

/** The index terms of entries that the reader may see; null where there are too many. */
const whoOf = ({ agentId, targets }: SearchReader): Who[] | null =>
  targets ? [{ as: "from", name: agentId }, ...targets.map((name) => ({ as: "target" as const, name }))] : null;

function cut({ ids, reached }: Found, limit: number): Found {
  return ids.length >= limit ? { ids: ids.slice(0, limit), reached: ids[limit - 1] ?? null } : { ids, reached };
}

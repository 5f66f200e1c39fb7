import type { Span } from "../../protocol/ids.ts";
import { type Entry, Tail } from "./tail.ts";

/** Subscriber to keys of a log. */
export interface Listener {
  /** Marks it as behind: an entry for it may follow `before`. Everything up to there it has seen or was not for it. */
  wake(before: number): void;
  /** Called after the commit for each woken listener, in slices. */
  run(): void;
}

/** Key under which every entry is announced. */
export const EVERYTHING = "*";

const TAIL_BYTES = 32 * 1024 * 1024;
/** Listeners run in one turn of the event loop: at about 10 µs each, other requests wait at most 3 ms. */
const SLICE = 256;

export type Log<E extends Entry = Entry> = ReturnType<typeof createLog<E>>;

/**
 * In-memory part of one log: its head, a tail of entries, and the listeners of each key. Rows in the database are the truth;
 * a wake only says that a look is worthwhile.
 */
export function createLog<E extends Entry>(startHead: number, tailBytes = TAIL_BYTES) {
  const tail = new Tail<E>(startHead, tailBytes);
  const listeners = new Map<string, Set<Listener>>();
  let head = startHead;
  const woken = new Set<Listener>();
  let sliced = false;

  function wakeKey(key: string, before: number): void {
    const set = listeners.get(key);
    if (!set) return;
    for (const listener of set) {
      listener.wake(before);
      woken.add(listener);
    }
  }

  function runWoken(): void {
    let budget = SLICE;
    for (const listener of woken) {
      woken.delete(listener);
      listener.run();
      if (--budget === 0) break;
    }
    if (woken.size && !sliced) {
      sliced = true;
      setImmediate(() => {
        sliced = false;
        runWoken();
      });
    }
  }

  return {
    /** Newest committed place. */
    head: () => head,

    /** Announces committed entries in order. `runWoken` then runs their listeners. */
    publish(entries: readonly E[]): void {
      for (const entry of entries) {
        tail.push(entry);
        const before = head;
        head = entry.id;
        wakeKey(entry.key, before);
        wakeKey(EVERYTHING, before);
      }
    },

    /** Runs woken listeners: 256 at once, the rest in later turns of the event loop. */
    runWoken,

    /** Wakes one listener for a reason other than a new entry, such as changed memberships. */
    wakeOne(listener: Listener): void {
      listener.wake(head);
      woken.add(listener);
    },

    /** @returns a function that stops listening. */
    listen(keys: readonly string[], listener: Listener): () => void {
      for (const key of keys) {
        const set = listeners.get(key);
        if (set) set.add(listener);
        else listeners.set(key, new Set([listener]));
      }
      return () => {
        for (const key of keys) {
          const set = listeners.get(key);
          set?.delete(listener);
          if (set?.size === 0) listeners.delete(key);
        }
        woken.delete(listener);
      };
    },

    /** Entry of an id, if the tail holds it. */
    entry(id: number): E | undefined {
      const entry = tail.since(id - 1, 1)?.[0];
      return entry?.id === id ? entry : undefined;
    },

    /** Place after which the tail holds everything. */
    wholeFrom: (): number => tail.wholeFrom,
    /** See Tail.unshift. */
    unshift: (entries: readonly E[], span: Span): boolean => tail.unshift(entries, span),

    /** See Tail.forget. */
    forget: (upTo: number): void => tail.forget(upTo),

    /** See Tail.since. */
    since: (after: number, limit: number) => tail.since(after, limit),
  };
}

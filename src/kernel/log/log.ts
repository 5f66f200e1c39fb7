import { type LogEntry, Tail } from "./tail.ts";

/** Somebody who wants to know when entries for certain targets are there. */
export interface Listener {
  /** Something for it may have come after `before`; everything up to there it has either seen or it was not for it. */
  wake(before: number): void;
  /** Called after the commit, in slices, for those that were woken. */
  run(): void;
}

/** Where every entry is announced, whatever its target. */
export const EVERYTHING = "*";

const TAIL_BYTES = 32 * 1024 * 1024;
/** Listeners run in one turn: at about 10 µs each, other requests wait no more than 3 ms. */
const SLICE = 256;

export type Log = ReturnType<typeof createLog>;

/**
 * What is in memory of the log: the place of its newest entry, a tail of entries, and who waits for which targets.
 * The rows are the truth; a wake only says that it is worth looking.
 */
export function createLog(startHead: number, tailBytes = TAIL_BYTES) {
  const tail = new Tail(startHead, tailBytes);
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
    /** The newest place in the log that has been committed. */
    head: () => head,

    /** Announces committed entries, in order. Their listeners run with `runWoken`. */
    publish(entries: readonly LogEntry[]): void {
      for (const entry of entries) {
        tail.push(entry);
        const before = head;
        head = entry.id;
        wakeKey(entry.target, before);
        wakeKey(EVERYTHING, before);
      }
    },

    /** Runs whoever was woken: 256 at once, the rest in later turns of the event loop. */
    runWoken,

    /** Wakes one listener for a reason of its own: its memberships changed. */
    wakeOne(listener: Listener): void {
      listener.wake(head);
      woken.add(listener);
    },

    /** @returns how to stop listening. */
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

    /** One entry, if it is among the newest. */
    entry(id: number): LogEntry | undefined {
      const entry = tail.since(id - 1, 1)?.[0];
      return entry?.id === id ? entry : undefined;
    },

    /** See Tail.forget. */
    forget: (upTo: number): void => tail.forget(upTo),

    /** See Tail.since. */
    since: (after: number, limit: number) => tail.since(after, limit),
  };
}

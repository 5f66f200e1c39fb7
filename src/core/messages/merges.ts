import { createSpan } from "../../kernel/breathe.ts";
import type { Clock } from "../../kernel/clock.ts";
import type { Db, ReadTx, Tx } from "../../kernel/db/database.ts";
import type { KeyTail, Segment, Stub } from "../../kernel/log/key-tail.ts";
import type { EntryStore } from "./store-entries.ts";

/** Sizes of merges. */
const LIMITS = {
  /** Entries that are worth a merge: the more at once, the more of them share a page of the index. */
  worth: 5000,
  /** With so many unmerged entries the merge goes before other writes. */
  most: 20_000,
  /** Duration of a slice, which is a write of its own. */
  sliceMs: 1,
};
/** Fewer are merged after this time. */
const REST_MS = 60_000;
/** Time until a merge that failed is tried again. */
const RETRY_MS = 1000;
/** Entries between two looks at the time. */
const STEP = 32;
/** Names whose numbers are held in memory. */
const MAX_NAMES = 50_000;
/** Messages read at once at a start. */
const PAGE = 5000;

/** An entry of a segment, with its key. */
type Unmerged = Stub & { key: string };

interface Parts {
  db: Db;
  clock: Clock;
  onError(error: unknown): void;
}

interface Stores {
  entries: EntryStore;
  threads: {
    mark(on: ReadTx): number;
    /** Takes some of the messages up to a place, in order. Answers whether all of them are there. */
    follow(tx: Tx, upTo: number, limit: number): boolean;
  };
}

/**
 * Merges the tail of the log into what follows it, a slice at a time: the index by target, whose mark moves with the last slice,
 * and threads, which take the messages in their order.
 */
export function createMerges({ db, clock, onError }: Parts, stores: Stores, tail: KeyTail, limits = LIMITS) {
  const { entries: store, threads } = stores;
  let names = new Map<string, number>();
  /** Merges go one after the other: the mark only moves forward. */
  let last: Promise<void> = Promise.resolve();
  let isRunning = false;
  let cancelTimer: (() => void) | undefined;
  let stopped = false;
  /** Takes a slice that waits for a quiet moment to the front. */
  let hurry = (): void => undefined;

  /** Numbers of targets and senders. A new one is remembered after the commit: a write that fails takes it back. */
  function createNumbers(tx: Tx) {
    const fresh = new Map<string, number>();
    tx.atOnce(() => {
      if (names.size > MAX_NAMES) names = new Map();
      for (const [name, id] of fresh) names.set(name, id);
    });
    return (name: string): number => {
      const known = names.get(name) ?? fresh.get(name);
      if (known !== undefined) return known;
      const id = store.idOf(tx, name) ?? store.intern(tx, name);
      fresh.set(name, id);
      return id;
    };
  }

  /** The order of the index, so that neighbours share its pages. New targets come last, as their numbers will. */
  function* inOrder({ byKey }: Segment): Generator<Unmerged, undefined> {
    const place = (key: string) => names.get(key) ?? Number.MAX_SAFE_INTEGER;
    const keys = [...byKey.keys()].sort((a, b) => place(a) - place(b));
    for (const key of keys) for (const stub of byKey.get(key) ?? []) yield { key, ...stub };
    return undefined;
  }

  /** One write: the next entries, and the mark after the last one. Answers whether that was it. */
  async function slice(tx: Tx, segment: Segment, left: Iterator<Unmerged, undefined>, least: number): Promise<boolean> {
    const isOver = createSpan(limits.sliceMs);
    const numberOf = createNumbers(tx);
    for (let count = 0; count === 0 || count < least || !isOver(); count += STEP) {
      const rows: [targetId: number, id: number, senderId: number][] = [];
      for (let next = left.next(); !next.done; next = rows.length < STEP ? left.next() : DONE) {
        const { key, id, from } = next.value;
        rows.push([numberOf(key), id, numberOf(from)]);
      }
      store.add(tx, rows);
      // Ahead of the entries, so that the last slice waits for none.
      if (!threads.follow(tx, segment.upTo, 2 * STEP) || rows.length === STEP) continue;
      store.setMark(tx, segment.upTo);
      tx.atOnce(() => tail.merged(segment));
      return true;
    }
    return false;
  }

  /** Merges one segment as a whole. An error leaves it where it is, and the next try begins anew. */
  async function merge(segment: Segment, isLast: boolean): Promise<void> {
    const left = inOrder(segment);
    let before = tail.unmerged;
    for (let isDone = false; !isDone; ) {
      const grown = tail.unmerged - before;
      before = tail.unmerged;
      isDone = await inTurn((tx) => slice(tx, segment, left, 2 * grown), isLast || stopped || before >= limits.most);
    }
  }

  /** Runs one slice in a quiet moment, or before other writes: at once, or as soon as too much has gathered. */
  function inTurn(work: (tx: Tx) => Promise<boolean>, isUrgent: boolean): Promise<boolean> {
    const { promise, resolve, reject } = Promise.withResolvers<boolean>();
    let isTaken = false;
    const run = (write: Db["write"]) => {
      const once = async (tx: Tx) => {
        if (isTaken) return;
        isTaken = true;
        const isDone = await work(tx);
        tx.afterCommit(() => resolve(isDone));
      };
      write(once).catch(reject);
    };
    hurry = () => {
      hurry = () => undefined;
      run(db.first);
    };
    if (isUrgent) hurry();
    else run(db.background);
    return promise;
  }

  async function mergeWhile(isWanted: () => boolean, isLast = false): Promise<void> {
    for (let segment = isWanted() ? tail.next() : undefined; segment; segment = isWanted() ? tail.next() : undefined)
      await merge(segment, isLast);
  }

  function inTurnOf(isWanted: () => boolean, isLast = false): Promise<void> {
    const turn = last.then(() => mergeWhile(isWanted, isLast));
    last = turn.catch(() => undefined);
    return turn;
  }

  /** Merges what there is now, however little. */
  function start(): void {
    cancelTimer?.();
    cancelTimer = undefined;
    if (isRunning) return;
    isRunning = true;
    let isFirst = true;
    const isWanted = () => {
      const isWorth = isFirst || tail.unmerged >= limits.worth;
      isFirst = false;
      return isWorth && !stopped;
    };
    inTurnOf(isWanted)
      .catch((error) => {
        onError(error);
        cancelTimer ??= clock.after(RETRY_MS, start);
      })
      .finally(() => {
        isRunning = false;
      });
  }

  /** Takes what was left into its threads, in slices: later writes take all that there is. */
  async function followAll(): Promise<void> {
    let isThere = (await db.read(async (on) => threads.mark(on))) >= tail.head;
    while (!isThere) isThere = await db.write(async (tx) => threads.follow(tx, tail.head, PAGE));
  }

  /** Merges everything. @throws Error when it could not be stored */
  const all = (isLast = false): Promise<void> => inTurnOf(() => true, isLast);

  return {
    /** Tells of new entries in the tail. */
    notice(): void {
      if (stopped) return;
      if (tail.unmerged >= limits.most) hurry();
      if (tail.unmerged >= limits.worth) {
        start();
      } else cancelTimer ??= clock.after(REST_MS, start);
    },
    all,
    /** Reads what the last run of the program left above the mark. */
    async load(): Promise<void> {
      for (let isMore = true; isMore; ) {
        const page = await db.read(async (on) => store.above(on, tail.head, PAGE));
        for (const { id, fromId, target } of page) tail.commit(target, { id, from: fromId });
        isMore = page.length === PAGE;
        if (isMore && tail.unmerged >= limits.most) await all(true);
      }
      await followAll().catch(onError);
    },
    /** Merges all that is left, so that the next start reads nothing. */
    async stop(): Promise<void> {
      stopped = true;
      cancelTimer?.();
      hurry();
      await all(true).catch(onError);
    },
  };
}

const DONE = { done: true, value: undefined } as const;

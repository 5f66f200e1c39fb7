import type { Clock } from "../../kernel/clock.ts";
import type { Db, Tx } from "../../kernel/db/database.ts";
import { LONGER, type SeriesName, type StatsBy, WITHIN_SECONDS } from "../../protocol/series.ts";
import { type Amount, Batch, type CountedMessage } from "./batch.ts";
import type { StatsStore } from "./store.ts";

/** Time after which numbers in memory are stored. */
const SAVE_EVERY_MS = 5000;
/** Time until a save that failed is tried again. */
const RETRY_MS = 30_000;
/** Rows of one batch: it is stored in one write, of some milliseconds. */
const MAX_ROWS = 2000;
/** Batches that wait while the database takes none. */
const MAX_BATCHES = 1000;

export type Group = readonly [by: StatsBy, key: string];
export type Counting = ReturnType<typeof createCounting>;

interface Parts {
  db: Db;
  clock: Clock;
  onError(error: unknown): void;
}

/**
 * Gathers numbers in memory and stores them every 5 s, so that a send pays for no statement. Each batch is stored with the newest
 * message in it: a start counts the messages above that. A crash loses at most 5 s of all other numbers that are gathered.
 */
export function createCounting({ db, clock, onError }: Parts, store: StatsStore) {
  let current = new Batch();
  let full: Batch[] = [];
  let cancelTimer: (() => void) | undefined;
  let saves: Promise<void> = Promise.resolve();

  function changed(): void {
    if (current.size >= MAX_ROWS) {
      full.push(current);
      full = full.slice(-MAX_BATCHES);
      current = new Batch();
      void save();
    } else cancelTimer ??= clock.after(SAVE_EVERY_MS, () => void save());
  }

  /** Stores everything in memory, batch by batch: in quiet moments, unless an answer or a stop waits for it. */
  function save(isAwaited = false): Promise<void> {
    cancelTimer?.();
    cancelTimer = undefined;
    saves = saves
      .then(() => storeAll(isAwaited ? db.write : db.background))
      .catch((error) => {
        onError(error);
        cancelTimer ??= clock.after(RETRY_MS, () => void save());
      });
    return saves;
  }

  async function storeAll(write: Db["write"]): Promise<void> {
    if (!current.isEmpty) {
      full.push(current);
      current = new Batch();
    }
    for (let batch = full[0]; batch; batch = full[0]) {
      const stored = batch;
      await write(async (tx) => {
        store.raise(tx, stored.amounts());
        if (stored.upTo > 0) store.setMark(tx, "messages", stored.upTo);
      });
      full = full.filter((one) => one !== stored);
    }
  }

  /** Counts one thing that happened now. */
  function count(series: SeriesName, ...groups: Group[]): void {
    const now = clock.now();
    current.add(now, series, "", "", 1);
    for (const [by, key] of groups) current.add(now, series, by, key, 1);
    changed();
  }

  return {
    /** Stores what was counted so far, before it resolves. */
    save: (): Promise<void> => save(true),
    count,
    message(message: CountedMessage): void {
      current.message(message);
      changed();
    },
    /** Counts several things of one group at once. */
    add(series: SeriesName, value: number, by: StatsBy, key: string): void {
      const now = clock.now();
      current.add(now, series, "", "", value);
      current.add(now, series, by, key, value);
      changed();
    },
    /** Takes a duration into a mean. */
    time(series: SeriesName, ms: number): void {
      for (const [name, by, key, at, value] of timeOf(series, ms, clock.now())) current.add(at, name, by, key, value);
      changed();
    },
    /** Sets a level. */
    level(series: SeriesName, value: number): void {
      current.add(clock.now(), series, "", "", value);
      changed();
    },
    /** Counts one thing in the open write: no crash loses it. `ms`: with how long it took. */
    countIn(tx: Tx, series: SeriesName, groups: readonly Group[], took?: { series: SeriesName; ms: number }): void {
      const now = clock.now();
      store.raise(tx, [
        [series, "", "", now, 1],
        ...groups.map(([by, key]): Amount => [series, by, key, now, 1]),
        ...(took ? timeOf(took.series, took.ms, now) : []),
      ]);
    },
  };
}

/** Rows of a duration: its seconds, one more value, and one more within the smallest bound. */
function timeOf(series: SeriesName, ms: number, at: number): Amount[] {
  const seconds = Math.max(0, ms) / 1000;
  const within = WITHIN_SECONDS.find((bound) => seconds <= bound);
  return [
    [series, "", "", at, seconds],
    [series, "count", "", at, 1],
    [series, "within", within === undefined ? LONGER : String(within), at, 1],
  ];
}

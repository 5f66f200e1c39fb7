import { join } from "node:path";
import type { CommitHooks } from "./batch.ts";
import { createCommitter } from "./commit.ts";
import { type Drizzle, type Durability, openReader, openWriter } from "./connection.ts";
import { createKeeper, type Kept, type KeptValues } from "./kept.ts";
import { holdLock } from "./lock.ts";
import { migrateToLatest } from "./migrate.ts";
import { createOffThread, type OffThread } from "./off-thread.ts";
import { createSearcher, type Searcher } from "./searcher.ts";
import type { Snapshots } from "./snapshots.ts";
import type { ReadTx, Tx, Work } from "./tx.ts";

export type { ReadTx, Tx } from "./tx.ts";

export interface Db {
  /** Runs a write in the next group commit; resolves when it is on disk. */
  write<T>(work: Work<T>): Promise<T>;
  /** Runs a write that yields to all others: retention, search, thinning. Keep each below a few milliseconds. */
  background<T>(work: Work<T>): Promise<T>;
  /** Runs a write before all others that wait, in their commit: for work that has to keep up with them. */
  first<T>(work: Work<T>): Promise<T>;
  /** Number of the newest transaction that has begun. */
  transactions(): number;
  /** Reads so far, and the one that is open. */
  snapshots(): Snapshots;
  /** Reads one committed state. `work` awaits nothing but its reads. */
  read<T>(work: (on: ReadTx) => Promise<T>): Promise<T>;
  /** Makes a cache of values that writes ask for again and again. `fits`: see `KeptValues`. */
  keep<V, K = string>(
    name: string,
    load: (on: ReadTx, key: K) => V,
    fits?: (value: V, stored: V) => boolean,
  ): Kept<V, K>;
  /** Every cache. */
  readonly kept: readonly KeptValues[];
  /** Adds a step to the beginning of every transaction. */
  beforeBatch(run: (tx: Tx) => Promise<void>): void;
  /** Adds a listener for every commit. */
  afterBatch(run: (writes: number, milliseconds: number) => void): void;
  /** Long reads, in a worker thread. */
  readonly offThread: OffThread;
  /** Full-text searches, in a worker thread. */
  readonly searcher: Searcher;
  readonly file: string;
  /** Finishes queued writes and closes the file. */
  close(): Promise<void>;
  /** Finishes queued writes and lets go of the file, whose write-ahead log stays. */
  abandon(): Promise<void>;
}

export interface DbOptions {
  dataDir: string;
  durability: Durability;
  onError: CommitHooks["onError"];
}

/** Opens the database in `dataDir`, and creates or upgrades it first if needed. @throws Error when another process holds it. */
export function openDatabase(options: DbOptions): Db {
  const file = join(options.dataDir, "signalbox.db");
  const unlock = holdLock(`${file}.lock`);
  const writer = openWriter(file, options.durability);
  migrateToLatest(writer);
  const reader = openReader(file);
  const before: ((tx: Tx) => Promise<void>)[] = [];
  const after: ((writes: number, milliseconds: number) => void)[] = [];
  const keeper = createKeeper();
  let transactions = 0;
  const reads = createReads(reader);
  const committer = createCommitter(writer, {
    began: () => transactions++,
    undone: keeper.undone,
    ended: keeper.ended,
    beforeBatch: async (tx) => {
      for (const run of before) await run(tx);
    },
    afterBatch: (writes, milliseconds) => {
      for (const run of after) {
        // Rethrown, it would end the committer and with it all writes.
        try {
          run(writes, milliseconds);
        } catch (error) {
          options.onError(error, "after batch");
        }
      }
    },
    onError: options.onError,
  });
  const offThread = createOffThread(file);
  const searcher = createSearcher(file);

  return {
    write: committer.write,
    background: committer.background,
    first: committer.first,
    transactions: () => transactions,
    snapshots: reads.snapshots,
    read: reads.read,
    keep: keeper.keep,
    kept: keeper.views,
    beforeBatch: (run) => before.push(run),
    afterBatch: (run) => after.push(run),
    offThread,
    searcher,
    file,
    async close() {
      await endReads();
      writer.$client.run("pragma optimize");
      // Open statements keep the write-ahead log; after this the database is complete without it.
      writer.$client.run("pragma wal_checkpoint(truncate)");
      writer.$client.close();
      unlock();
    },
    async abandon() {
      await endReads();
      writer.$client.close();
      unlock();
    },
  };

  async function endReads(): Promise<void> {
    await committer.drained();
    offThread.close();
    searcher.close();
    reader.$client.close();
  }
}

/**
 * Runs reads one at a time on one connection. Overlapping reads would share the older snapshot, and the later one would miss
 * commits in between.
 */
function createReads(reader: Drizzle): Pick<Db, "read" | "snapshots"> {
  const begin = reader.$client.prepare("begin");
  const commit = reader.$client.prepare("commit");
  let last: Promise<unknown> = Promise.resolve();
  let begun = 0;
  let isOpen = false;
  return {
    snapshots: () => ({ begun, open: isOpen ? begun : null }),
    read(work) {
      const turn = last.then(async () => {
        begin.run();
        begun++;
        isOpen = true;
        try {
          return await work({ db: reader });
        } finally {
          commit.run();
          isOpen = false;
        }
      });
      last = turn.catch(() => undefined);
      return turn;
    },
  };
}

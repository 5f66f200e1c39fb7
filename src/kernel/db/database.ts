import { join } from "node:path";
import { type CommitHooks, createCommitter, type Reading, type Tx, type Work } from "./commit.ts";
import { type Drizzle, type Durability, openReader, openWriter } from "./connection.ts";
import { holdLock } from "./lock.ts";
import { migrateToLatest } from "./migrate.ts";
import { createOffThread, type OffThread } from "./off-thread.ts";
import { lean } from "./prepared.ts";
import { createSearcher, type Searcher } from "./searcher.ts";

export type { Reading, Tx } from "./commit.ts";

/** A statement prepared once for each connection; called with what to read through. */
type Statement<P> = (on: Reading) => P;

export interface Db {
  /** One write, in the next group commit. Resolves when it is on disk. */
  write<T>(work: Work<T>): Promise<T>;
  /** One write that gives way to all others: retention, search, thinning. Keep each under a few milliseconds. */
  background<T>(work: Work<T>): Promise<T>;
  /** Reads of one committed state. `work` awaits nothing but its reading. */
  read<T>(work: (on: Reading) => Promise<T>): Promise<T>;
  /** Prepares on first use, separately for the writer and the reader. */
  statement<P>(build: (db: Drizzle) => P): Statement<P>;
  /** Adds what runs at the beginning of every transaction. */
  beforeBatch(run: (tx: Tx) => Promise<void>): void;
  /** Adds what is told of every commit. */
  afterBatch(run: (writes: number, milliseconds: number) => void): void;
  /** Long reads that would hold up the main thread. */
  readonly offThread: OffThread;
  /** Full-text searches, which would hold it up too. */
  readonly searcher: Searcher;
  readonly file: string;
  /** Finishes what is queued and closes the file. */
  close(): Promise<void>;
}

export interface DbOptions {
  dataDir: string;
  durability: Durability;
  onError: CommitHooks["onError"];
}

/** Opens (and if need be makes or upgrades) the database in `dataDir`. @throws Error when another process holds it. */
export function openDatabase(options: DbOptions): Db {
  const file = join(options.dataDir, "signalbox.db");
  const unlock = holdLock(`${file}.lock`);
  const writer = openWriter(file, options.durability);
  migrateToLatest(writer);
  const reader = openReader(file);
  const before: ((tx: Tx) => Promise<void>)[] = [];
  const after: ((writes: number, milliseconds: number) => void)[] = [];
  const committer = createCommitter(writer, {
    beforeBatch: async (tx) => {
      for (const run of before) await run(tx);
    },
    afterBatch: (writes, milliseconds) => {
      for (const run of after) {
        // Thrown on, it would end the committer: nothing would be written any more.
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
    read: createReads(reader),
    statement: (build) => preparedFor(writer, reader, build),
    beforeBatch: (run) => before.push(run),
    afterBatch: (run) => after.push(run),
    offThread,
    searcher,
    file,
    async close() {
      await committer.drained();
      offThread.close();
      searcher.close();
      reader.$client.close();
      writer.$client.run("pragma optimize");
      // Closing leaves the log file behind while statements are prepared: after this the database is whole without it.
      writer.$client.run("pragma wal_checkpoint(truncate)");
      writer.$client.close();
      unlock();
    },
  };
}

function preparedFor<P>(writer: Drizzle, reader: Drizzle, build: (db: Drizzle) => P): Statement<P> {
  let onWriter: P | undefined;
  let onReader: P | undefined;
  return (on) => {
    if (on.db === writer) {
      onWriter ??= lean(build(writer));
      return onWriter;
    }
    onReader ??= lean(build(reader));
    return onReader;
  };
}

/**
 * Reads take turns on one connection: two that overlapped would share the older one's snapshot, and the later one would
 * miss what had been committed in between.
 */
function createReads(reader: Drizzle): Db["read"] {
  const begin = reader.$client.prepare("begin");
  const commit = reader.$client.prepare("commit");
  const on: Reading = { db: reader };
  let last: Promise<unknown> = Promise.resolve();
  return (work) => {
    const turn = last.then(async () => {
      begin.run();
      try {
        return await work(on);
      } finally {
        commit.run();
      }
    });
    last = turn.catch(() => undefined);
    return turn;
  };
}

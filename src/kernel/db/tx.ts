import type { Drizzle } from "./connection.ts";

/** Access for reads: the open write, or a read of committed state. */
export interface ReadTx {
  readonly db: Drizzle;
}

/** One open write. It decides only by reads through this, and awaits nothing else. */
export interface Tx extends ReadTx {
  readonly writes: true;
  /** Runs an effect once the write is on disk, in the order of writes; never when the write failed. It must not throw. */
  afterCommit(effect: () => void): void;
  /**
   * Runs an effect right after the COMMIT, before anything else looks: for memory that has to agree with the disk. It must be
   * short and not throw.
   */
  atOnce(effect: () => void): void;
  /**
   * Runs an effect when the part of the write that adds it is rolled back while its transaction goes on: for memory that counts within
   * the transaction. It must be short and not throw.
   */
  onUndo(effect: () => void): void;
  /** Runs a part of the write. A part that throws is rolled back alone, with its effects. */
  attempt<T>(part: () => Promise<T>): Promise<T>;
}

export type Work<T> = (tx: Tx) => Promise<T>;

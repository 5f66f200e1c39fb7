import { AsyncLocalStorage } from "node:async_hooks";
import { Problem } from "../../protocol/problem.ts";
import { createPauses } from "../breathe.ts";
import type { Drizzle } from "./connection.ts";
import type { Tx, Work } from "./tx.ts";

export interface CommitHooks {
  /** Runs right after a transaction has begun. */
  began(): void;
  /** Runs inside each transaction, before its first write. */
  beforeBatch(tx: Tx): Promise<void>;
  /** Runs when a part of the transaction was rolled back. */
  undone(): void;
  /** Runs once the transaction has ended, before the effects of its writes. `isStored`: it is on disk. */
  ended(isStored: boolean): void;
  /** Runs after COMMIT and the effects of the writes. */
  afterBatch(writes: number, milliseconds: number): void;
  /** Reports a failure that reaches no caller. */
  onError(error: unknown, stage: string): void;
}

/** Write that waits for its commit. */
export interface Job {
  work: Work<unknown>;
  /** Aborted when the caller has left, who would never learn of the success. */
  signal: AbortSignal | undefined;
  resolve(value: unknown): void;
  reject(error: unknown): void;
}

/** Effects of the writes of one transaction. */
interface Effects {
  atOnce: (() => void)[];
  later: (() => void)[];
  undo: (() => void)[];
}

interface Outcome {
  job: Job;
  ok: boolean;
  value: unknown;
}

const MAX_WRITES = 256;
/** Effects between two looks at the time. */
const STEP = 16;
const MAX_MILLISECONDS = 5;

/** SQLite errors about the storage, not about the statement. */
const STORAGE_ERROR = /^SQLITE_(FULL|IOERR|BUSY|LOCKED|READONLY|CANTOPEN|NOMEM|CORRUPT|NOTADB|PROTOCOL)/;

const inside = new AsyncLocalStorage<true>();

/** True inside a write, where no further write may be opened. */
export const isInsideWrite = (): boolean => inside.getStore() === true;

/** Runs writes in one transaction, each in its own savepoint, and answers them after its COMMIT. */
export function createBatch(db: Drizzle, hooks: CommitHooks) {
  const sqlite = db.$client;
  const [begin, commit, rollback, savepoint, release, undo] = [
    "begin immediate",
    "commit",
    "rollback",
    "savepoint w",
    "release w",
    "rollback to w",
  ].map((sql) => sqlite.prepare(sql)) as [Stmt, Stmt, Stmt, Stmt, Stmt, Stmt];

  /** Runs as many writes as fit into one commit. @returns those that did not fit */
  async function run(jobs: Job[]): Promise<Job[]> {
    const started = performance.now();
    const outcomes: Outcome[] = [];
    const effects: Effects = { atOnce: [], later: [], undo: [] };
    try {
      begin.run();
      hooks.began();
      await hooks.beforeBatch(openTx(effects));
      await inside.run(true, async () => {
        for (const job of jobs) {
          outcomes.push(await runJob(job, effects));
          if (outcomes.length === MAX_WRITES || performance.now() - started > MAX_MILLISECONDS) break;
        }
      });
      commit.run();
      hooks.ended(true);
      for (const effect of effects.atOnce) effect();
    } catch (error) {
      loseBatch(jobs.slice(0, Math.max(outcomes.length + 1, 1)), error);
      return jobs.slice(Math.max(outcomes.length + 1, 1));
    }
    await runEffects(effects.later);
    for (const { job, ok, value } of outcomes) ok ? job.resolve(value) : job.reject(value);
    hooks.afterBatch(outcomes.length, performance.now() - started);
    return jobs.slice(outcomes.length);
  }

  /** Runs effects with turns of the event loop between them: a batch of a thousand messages has thousands. */
  async function runEffects(effects: (() => void)[]): Promise<void> {
    const pause = createPauses();
    for (let n = 0; n < effects.length; ) {
      for (const end = Math.min(n + STEP, effects.length); n < end; n++) runEffect(effects[n] as () => void);
      const paused = pause();
      if (paused) await paused;
    }
  }

  function runEffect(effect: () => void): void {
    try {
      effect();
    } catch (error) {
      hooks.onError(error, "after commit");
    }
  }

  function openTx(effects: Effects): Tx {
    return {
      db,
      writes: true,
      afterCommit: (effect) => effects.later.push(effect),
      atOnce: (effect) => effects.atOnce.push(effect),
      onUndo: (effect) => effects.undo.push(effect),
      attempt: (part) => inSavepoint(effects, part),
    };
  }

  async function inSavepoint<T>(effects: Effects, part: () => Promise<T>): Promise<T> {
    const before = { atOnce: effects.atOnce.length, later: effects.later.length, undo: effects.undo.length };
    savepoint.run();
    try {
      const value = await part();
      release.run();
      return value;
    } catch (error) {
      // On a full disk or an I/O error SQLite rolls the whole transaction back. A further savepoint would silently open a
      // new transaction, and earlier writes would be answered although they are lost.
      if (!sqlite.inTransaction) throw error;
      undo.run();
      release.run();
      hooks.undone();
      for (const effect of effects.undo.splice(before.undo)) effect();
      effects.atOnce.length = before.atOnce;
      effects.later.length = before.later;
      throw error;
    }
  }

  async function runJob(job: Job, effects: Effects): Promise<Outcome> {
    if (job.signal?.aborted) return { job, ok: false, value: left() };
    try {
      return { job, ok: true, value: await inSavepoint(effects, () => job.work(openTx(effects))) };
    } catch (error) {
      if (!sqlite.inTransaction) throw error;
      return { job, ok: false, value: isStorageError(error) ? unavailable(error) : error };
    }
  }

  function loseBatch(jobs: Job[], error: unknown): void {
    hooks.ended(false);
    hooks.onError(error, "commit");
    try {
      if (sqlite.inTransaction) rollback.run();
    } catch (rollbackError) {
      hooks.onError(rollbackError, "rollback");
    }
    for (const job of jobs) job.reject(unavailable(error));
  }

  function unavailable(cause: unknown): Problem {
    const problem = new Problem("storage-unavailable", "The database could not store this; nothing was changed.", {
      retryAfterSeconds: 5,
    });
    problem.cause = cause;
    return problem;
  }

  return { run };
}

const left = () => new Problem("bad-request", "The caller left before this was stored; nothing was changed.");

type Stmt = ReturnType<Drizzle["$client"]["prepare"]>;

function isStorageError(error: unknown): boolean {
  return error instanceof Error && "code" in error && STORAGE_ERROR.test(String(error.code));
}

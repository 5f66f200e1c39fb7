import { AsyncLocalStorage } from "node:async_hooks";
import { Problem } from "../../protocol/problem.ts";
import { createPauses } from "../breathe.ts";
import type { Drizzle } from "./connection.ts";

/** Access for reads: the open write, or a read of committed state. */
export interface Reading {
  readonly db: Drizzle;
}

/** One open write. It decides only by reads through this, and awaits nothing else. */
export interface Tx extends Reading {
  readonly writes: true;
  /** Runs an effect once the write is on disk, in the order of writes; never when the write failed. It must not throw. */
  afterCommit(effect: () => void): void;
  /** Runs a part of the write. A part that throws is rolled back alone, with its effects. */
  attempt<T>(part: () => Promise<T>): Promise<T>;
}

export type Work<T> = (tx: Tx) => Promise<T>;

export interface CommitHooks {
  /** Runs inside each transaction, before its first write. */
  beforeBatch(tx: Tx): Promise<void>;
  /** Runs after COMMIT and the effects of the writes. */
  afterBatch(writes: number, milliseconds: number): void;
  /** Reports a failure that reaches no caller. */
  onError(error: unknown, stage: string): void;
}

interface Job {
  work: Work<unknown>;
  /** Aborted when the caller has left, who would never learn of the success. */
  signal: AbortSignal | undefined;
  resolve(value: unknown): void;
  reject(error: unknown): void;
}

interface Outcome {
  job: Job;
  ok: boolean;
  value: unknown;
}

const MAX_WRITES = 256;
const MAX_MILLISECONDS = 5;
const MAX_QUEUED = 20_000;
/** Background work waits until nobody has written for a moment, but not for ever. */
const QUIET_MS = 5;
const MAX_BACKGROUND_WAIT_MS = 1000;

/** SQLite errors about the storage, not about the statement. */
const STORAGE_ERROR = /^SQLITE_(FULL|IOERR|BUSY|LOCKED|READONLY|CANTOPEN|NOMEM|CORRUPT|NOTADB|PROTOCOL)/;

const inside = new AsyncLocalStorage<true>();
/** Request being answered; empty after the answer, for timers and streams that outlive it. */
const answering = new AsyncLocalStorage<{ request: Pick<Request, "signal"> | undefined } | undefined>();

/**
 * Answers a request. A write queued by it is dropped when the request is aborted before its turn: Bun aborts requests that it
 * refuses (a trailer, a pipelined second request), and a caller without an answer would store the same again.
 */
export async function answerWith<T>(request: Pick<Request, "signal">, answer: () => Promise<T>): Promise<T> {
  const scope: { request: Pick<Request, "signal"> | undefined } = { request };
  try {
    return await answering.run(scope, answer);
  } finally {
    scope.request = undefined;
  }
}

export interface Committer {
  /** Runs `work` in its own savepoint; resolves after its COMMIT. @throws Problem 503 when it could not be stored. */
  write<T>(work: Work<T>): Promise<T>;
  /** As `write`, but after all other waiting writes. */
  background<T>(work: Work<T>): Promise<T>;
  /** Resolves when the queue is empty. Later writes are refused: on a closed file they would hold the lock for ever. */
  drained(): Promise<void>;
}

/**
 * Group commit. Writes queue up, each runs in its own savepoint, many share one transaction, and all are answered after its
 * COMMIT. It is flushed by setImmediate: writes of one turn of the event loop share one fsync.
 */
export function createCommitter(db: Drizzle, hooks: CommitHooks): Committer {
  const sqlite = db.$client;
  const [begin, commit, rollback, savepoint, release, undo] = [
    "begin immediate",
    "commit",
    "rollback",
    "savepoint w",
    "release w",
    "rollback to w",
  ].map((sql) => sqlite.prepare(sql)) as [Stmt, Stmt, Stmt, Stmt, Stmt, Stmt];

  let queue: Job[] = [];
  const backlog: Job[] = [];
  let scheduled = false;
  let backgroundScheduled = false;
  let backgroundSince = 0;
  let lastCommit = 0;
  const idle: (() => void)[] = [];
  let closed = false;

  function enqueue<T>(list: Job[], work: Work<T>, run: () => void): Promise<T> {
    if (inside.getStore())
      return Promise.reject(new Error("a write was opened inside a write: pass the tx on instead"));
    if (closed) return Promise.reject(new Problem("stopping", "The relay is stopping.", { retryAfterSeconds: 1 }));
    if (queue.length >= MAX_QUEUED)
      return Promise.reject(new Problem("overloaded", `${MAX_QUEUED} writes are waiting`, { retryAfterSeconds: 1 }));
    return new Promise<T>((resolve, reject) => {
      const signal = list === queue ? answering.getStore()?.request?.signal : undefined;
      list.push({ work, signal, resolve: resolve as (value: unknown) => void, reject });
      run();
    });
  }

  function schedule(): void {
    if (scheduled) return;
    scheduled = true;
    // A commit serves many requests, so its effects run outside of each.
    answering.run(undefined, () => setImmediate(flush));
  }

  async function flush(): Promise<void> {
    const jobs = nextJobs();
    if (jobs.length) await runBatch(jobs);
    scheduled = false;
    if (queue.length) schedule();
    else if (backlog.length) scheduleBackground();
    else for (const resolve of idle.splice(0)) resolve();
  }

  function scheduleBackground(): void {
    if (backgroundSince === 0) backgroundSince = performance.now();
    if (backgroundScheduled) return;
    backgroundScheduled = true;
    setTimeout(
      () => {
        backgroundScheduled = false;
        schedule();
      },
      idle.length ? 0 : QUIET_MS,
    );
  }

  /** Takes all waiting writes, or one background write when it is quiet or overdue. */
  function nextJobs(): Job[] {
    const now = performance.now();
    const quiet = queue.length === 0 && (now - lastCommit >= QUIET_MS || idle.length > 0);
    const overdue = backgroundSince > 0 && now - backgroundSince > MAX_BACKGROUND_WAIT_MS;
    if (backlog.length && (quiet || overdue)) {
      backgroundSince = 0;
      return backlog.splice(0, 1);
    }
    lastCommit = now;
    const jobs = queue;
    queue = [];
    return jobs;
  }

  async function runBatch(jobs: Job[]): Promise<void> {
    const started = performance.now();
    const outcomes: Outcome[] = [];
    const effects: (() => void)[] = [];
    try {
      begin.run();
      await hooks.beforeBatch(openTx(effects));
      await inside.run(true, async () => {
        for (const job of jobs) {
          outcomes.push(await runJob(job, effects));
          if (outcomes.length === MAX_WRITES || performance.now() - started > MAX_MILLISECONDS) break;
        }
      });
      commit.run();
    } catch (error) {
      loseBatch(jobs.slice(0, Math.max(outcomes.length + 1, 1)), error);
      putBack(jobs.slice(Math.max(outcomes.length + 1, 1)));
      return;
    }
    putBack(jobs.slice(outcomes.length));
    await runEffects(effects);
    for (const { job, ok, value } of outcomes) ok ? job.resolve(value) : job.reject(value);
    hooks.afterBatch(outcomes.length, performance.now() - started);
  }

  /** Runs effects with turns of the event loop between them: a batch of a thousand messages has thousands. */
  async function runEffects(effects: (() => void)[]): Promise<void> {
    const pause = createPauses();
    for (const effect of effects) {
      try {
        effect();
      } catch (error) {
        hooks.onError(error, "after commit");
      }
      const paused = pause();
      if (paused) await paused;
    }
  }

  /** Puts writes that did not fit first in the next commit. */
  function putBack(jobs: Job[]): void {
    if (jobs.length) queue = jobs.concat(queue);
  }

  function openTx(effects: (() => void)[]): Tx {
    return {
      ...{ db, writes: true },
      afterCommit: (effect) => effects.push(effect),
      attempt: (part) => inSavepoint(effects, part),
    };
  }

  async function inSavepoint<T>(effects: (() => void)[], part: () => Promise<T>): Promise<T> {
    const before = effects.length;
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
      effects.length = before;
      throw error;
    }
  }

  async function runJob(job: Job, effects: (() => void)[]): Promise<Outcome> {
    if (job.signal?.aborted) return { job, ok: false, value: left() };
    try {
      return { job, ok: true, value: await inSavepoint(effects, () => job.work(openTx(effects))) };
    } catch (error) {
      if (!sqlite.inTransaction) throw error;
      return { job, ok: false, value: isStorageError(error) ? unavailable(error) : error };
    }
  }

  function loseBatch(jobs: Job[], error: unknown): void {
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

  return {
    write: (work) => enqueue(queue, work, schedule),
    background: (work) => enqueue(backlog, work, scheduleBackground),
    drained: () =>
      new Promise((resolve) => {
        const end = () => {
          closed = true;
          resolve();
        };
        if (!scheduled && queue.length === 0 && backlog.length === 0) end();
        else {
          idle.push(end);
          schedule();
        }
      }),
  };
}

const left = () => new Problem("bad-request", "The caller left before this was stored; nothing was changed.");

type Stmt = ReturnType<Drizzle["$client"]["prepare"]>;

function isStorageError(error: unknown): boolean {
  return error instanceof Error && "code" in error && STORAGE_ERROR.test(String(error.code));
}

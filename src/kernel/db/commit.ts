import { AsyncLocalStorage } from "node:async_hooks";
import { Problem } from "../../protocol/problem.ts";
import { type CommitHooks, createBatch, isInsideWrite, type Job } from "./batch.ts";
import type { Drizzle } from "./connection.ts";
import type { Work } from "./tx.ts";

const MAX_QUEUED = 20_000;
/** Background work waits for a moment without writes, but no longer than `MAX_BACKGROUND_WAIT_MS`. */
const QUIET_MS = 5;
const MAX_BACKGROUND_WAIT_MS = 1000;

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
  /** As `write`, but before all other waiting writes. */
  first<T>(work: Work<T>): Promise<T>;
  /** Resolves when the queue is empty. Later writes are refused: on a closed file they would hold the lock for ever. */
  drained(): Promise<void>;
}

/**
 * Group commit. Writes queue up, each runs in its own savepoint, many share one transaction, and all are answered after its
 * COMMIT. It is flushed by setImmediate: writes of one turn of the event loop share one fsync.
 */
export function createCommitter(db: Drizzle, hooks: CommitHooks): Committer {
  const batch = createBatch(db, hooks);
  let queue: Job[] = [];
  const backlog: Job[] = [];
  let scheduled = false;
  let backgroundScheduled = false;
  let backgroundSince = 0;
  let lastCommit = 0;
  const idle: (() => void)[] = [];
  let closed = false;

  function enqueue<T>(list: Job[], work: Work<T>, run: () => void, isFirst = false): Promise<T> {
    if (isInsideWrite()) return Promise.reject(new Error("a write was opened inside a write: pass the tx on instead"));
    if (closed) return Promise.reject(new Problem("stopping", "The relay is stopping.", { retryAfterSeconds: 1 }));
    if (queue.length >= MAX_QUEUED && !isFirst)
      return Promise.reject(new Problem("overloaded", `${MAX_QUEUED} writes are waiting`, { retryAfterSeconds: 1 }));
    return new Promise<T>((resolve, reject) => {
      const signal = list === queue ? answering.getStore()?.request?.signal : undefined;
      const job = { work, signal, resolve: resolve as (value: unknown) => void, reject };
      if (isFirst) list.unshift(job);
      else list.push(job);
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
    const left = jobs.length ? await batch.run(jobs) : [];
    // Writes that did not fit go first in the next commit.
    if (left.length) queue = left.concat(queue);
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

  return {
    write: (work) => enqueue(queue, work, schedule),
    first: (work) => enqueue(queue, work, schedule, true),
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

import type { Logger } from "pino";
import { Problem } from "../../protocol/problem.ts";
import type { Clock } from "../clock.ts";
import type { Db, ReadTx, Tx } from "../db/database.ts";
import type { Hooks } from "../hooks.ts";
import { createJumpWatch } from "./jump.ts";
import type { DueRow } from "./row.ts";
import { type DueSource, deadlines } from "./source.ts";
import type { DueStore } from "./store.ts";

/**
 * Handles a due row in the write that removes the row: exactly once. An error puts it off. A problem of 500 and above says that the
 * relay cannot store it now: such a try does not count.
 */
export type DueHandler = (tx: Tx, row: DueRow) => Promise<void>;

/**
 * Work outside the process, such as a request to another machine. It runs outside of any write, at least once. It returns a
 * step that runs in a write, and answers the time of the next try, or `null` at the end.
 */
export type OutsideWork = (row: DueRow, signal: AbortSignal) => Promise<(tx: Tx) => Promise<number | null>>;

/** Timed work of an area: by kind of due row, or by its own time columns. */
export interface DueTable {
  dueHandlers?: Record<string, DueHandler>;
  /** Work outside the process; see `outside`. */
  dueOutside?: Record<string, { maxMs: number; work: OutsideWork }>;
  sources?: readonly DueSource[];
}

export type Due = ReturnType<typeof createDue>;

/** Longest sleep: long `setTimeout`s fire at once, and timers of a suspended machine stand still. */
const MAX_SLEEP_MS = 60_000;
const MIN_SLEEP_MS = 5;
const SLICE = 200;
const FIRST_RETRY_MS = 1000;
const MAX_RETRY_MS = 3_600_000;
/** Wait after an outage that names none. */
const OUTAGE_SECONDS = 60;
/** Concurrent requests of each kind, so that hanging ones block no other kind. */
const MAX_OUTSIDE = 32;

/** Wait after an outage of the relay's own storage; undefined for any other error. */
function outageOf(error: unknown): number | undefined {
  if (!(error instanceof Problem) || error.status < 500) return undefined;
  return (error.extras.retryAfterSeconds ?? OUTAGE_SECONDS) * 1000;
}

/** The only timer: "do this at time T, with retries and backoff, and remember it in the database". */
export function createDue(db: Db, store: DueStore, clock: Clock, hooks: Hooks, logger: Logger) {
  const handlers = new Map<string, DueHandler>();
  const sources: DueSource[] = [];
  /** Raised in the first transaction after a start, a sleep or a jump of the clock; `jumpedMs` is 0 at a start. */
  const resumed = hooks.event<[now: number, jumpedMs: number]>("due.resumed");
  const jump = createJumpWatch(clock, resumed);
  let cancelTimer: () => void = () => undefined;
  let sleepingUntil = Number.POSITIVE_INFINITY;
  let running: Promise<void> | undefined;
  let stopped = true;

  const outside = new Set<Promise<void>>();
  const leaving = new AbortController();

  db.beforeBatch((tx) => jump.notice(tx));
  resumed.inTx(hurryRetries, takeUpOutside);

  /** Brings retries forward after the clock was set back. */
  async function hurryRetries(tx: Tx, now: number): Promise<void> {
    await store.hurryRetries(tx, now + MAX_RETRY_MS);
  }

  /** Resumes at once, after a start, outside work that was running when the relay ended. */
  async function takeUpOutside(tx: Tx, now: number, jumpedMs: number): Promise<void> {
    if (jumpedMs === 0) await store.takeUp(tx, now);
  }

  const rows = deadlines("rows", store, runRow);
  sources.push(rows);

  async function runRow(tx: Tx, row: DueRow): Promise<void> {
    const handler = handlers.get(row.kind);
    if (!handler) throw new Error(`nothing handles due rows of kind ${row.kind}`);
    await store.remove(tx, row.kind, row.key);
    await handler(tx, row);
  }

  /** Retries rows one by one, and puts off those that fail again: a failing row must not hold up the others. */
  async function takeSlice(source: DueSource): Promise<number> {
    try {
      return await db.write((tx) => source.take(tx, clock.now(), SLICE));
    } catch (error) {
      if (source !== rows) throw error;
      const ripe = await db.read((on) => store.ripe(on, clock.now(), SLICE));
      for (const row of ripe) await takeAlone(row);
      return ripe.length;
    }
  }

  async function takeAlone(row: DueRow): Promise<void> {
    try {
      await db.write((tx) => runRow(tx, row));
    } catch (error) {
      const outageMs = outageOf(error);
      const wait = outageMs ?? Math.min(FIRST_RETRY_MS * 2 ** row.tries, MAX_RETRY_MS);
      const tries = outageMs === undefined ? row.tries + 1 : row.tries;
      logger.error(
        { err: error, kind: row.kind, key: row.key, tries: row.tries },
        "due work failed, will be tried again",
      );
      await db.write((tx) => store.retry(tx, { ...row, tries }, clock.now() + wait, String(error)));
    }
  }

  /** Runs outside work, then ends the row or puts it off in one write. After a crash in between the row is due again. */
  async function perform(row: DueRow, work: OutsideWork): Promise<void> {
    try {
      const settle = await work(row, leaving.signal);
      if (leaving.signal.aborted) return;
      await db.write(async (tx) => {
        const again = await settle(tx);
        if (again === null) return store.done(tx, row.kind, row.key);
        await store.goOn(tx, row, again);
        tx.afterCommit(() => notice(again));
      });
    } catch (error) {
      if (!leaving.signal.aborted)
        logger.error({ err: error, kind: row.kind, key: row.key }, "outside work failed, will be tried again");
    }
  }

  function notice(at: number): void {
    if (!stopped && !running && at < sleepingUntil) sleepUntil(at);
    // The current run may have passed this source already: schedule another.
    else if (running) running.then(() => at < sleepingUntil && sleepUntil(at));
  }

  async function runSources(): Promise<void> {
    let next = clock.now() + MAX_SLEEP_MS;
    for (const source of sources) {
      try {
        while ((await takeSlice(source)) >= SLICE && !stopped);
        const at = await db.read((on) => source.next(on));
        if (at !== null) next = Math.min(next, at);
      } catch (error) {
        logger.error({ err: error, source: source.name }, "due source failed");
        next = Math.min(next, clock.now() + FIRST_RETRY_MS);
      }
    }
    sleepUntil(next);
  }

  function sleepUntil(at: number): void {
    if (stopped) return;
    cancelTimer();
    sleepingUntil = at;
    cancelTimer = clock.after(Math.min(Math.max(at - clock.now(), MIN_SLEEP_MS), MAX_SLEEP_MS), run);
  }

  function run(): void {
    if (stopped || running) return;
    sleepingUntil = Number.POSITIVE_INFINITY;
    running = runSources().finally(() => {
      running = undefined;
      if (sleepingUntil === Number.POSITIVE_INFINITY) sleepUntil(clock.now() + MAX_SLEEP_MS);
    });
  }

  return {
    on: (kind: string, handler: DueHandler) => handlers.set(kind, handler),

    /**
     * Registers outside work for a kind. While it runs its row stays, due again after `maxMs`: `work` has to end by then, and
     * its effect has to bear repetition (by a stable id, the row's key). `row.tries` counts earlier attempts.
     */
    outside(kind: string, maxMs: number, work: OutsideWork): void {
      let underWay = 0;
      handlers.set(kind, async (tx, row) => {
        const isFull = underWay >= MAX_OUTSIDE;
        const { id: _, ...kept } = row;
        await store.keep(tx, { ...kept, at: clock.now() + (isFull ? FIRST_RETRY_MS : maxMs), running: !isFull });
        if (isFull) return;
        tx.afterCommit(() => {
          underWay++;
          const job: Promise<void> = perform(row, work).finally(() => {
            underWay--;
            outside.delete(job);
          });
          outside.add(job);
        });
      });
    },
    /** Milliseconds by which the oldest row that is due is late; 0 when none is. */
    async lateBy(on: ReadTx): Promise<number> {
      const earliest = await store.earliest(on);
      return earliest === null ? 0 : Math.max(0, clock.now() - earliest);
    },
    source: (source: DueSource) => sources.push(source),
    /** Serves the table of an area. */
    serve({ dueHandlers = {}, dueOutside = {}, sources: more = [] }: DueTable): void {
      for (const [kind, handler] of Object.entries(dueHandlers)) this.on(kind, handler);
      for (const [kind, { maxMs, work }] of Object.entries(dueOutside)) this.outside(kind, maxMs, work);
      sources.push(...more);
    },
    resumed,

    /** Puts a row for (kind, key), replacing an existing one. */
    async schedule(tx: Tx, kind: string, key: string, at: number, data: Record<string, unknown> = {}): Promise<void> {
      await store.put(tx, { kind, key, at, data });
      tx.afterCommit(() => notice(at));
    },
    /** Brings (kind, key) forward to a time, or puts it. Running outside work sets its next time itself. */
    async hurry(tx: Tx, kind: string, key: string, at: number): Promise<void> {
      await store.hurry(tx, { kind, key, at, data: {} });
      tx.afterCommit(() => notice(at));
    },
    cancel: (tx: Tx, kind: string, key: string) => store.remove(tx, kind, key),
    /** Row of (kind, key). */
    find: (on: ReadTx, kind: string, key: string) => store.find(on, kind, key),

    /** Sets the timer for a deadline. Call it after the commit. */
    notice,

    start(): void {
      stopped = false;
      run();
    },
    /** Runs everything that is due now; resolves when it is done. */
    async settle(): Promise<void> {
      await running;
      run();
      await running;
      while (outside.size) await Promise.all(outside);
    },
    async stop(): Promise<void> {
      stopped = true;
      cancelTimer();
      leaving.abort();
      await running;
      await Promise.all(outside);
    },
  };
}

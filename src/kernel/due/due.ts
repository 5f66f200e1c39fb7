import type { Logger } from "pino";
import type { Clock } from "../clock.ts";
import type { Db, Reading, Tx } from "../db/database.ts";
import type { Hooks } from "../hooks.ts";
import { createJumpWatch } from "./jump.ts";
import type { DueRow } from "./row.ts";
import type { DueStore } from "./store.ts";

/** What to do when a row's time has come, in the write that removes the row: exactly once. Throwing means: try again later. */
export type DueHandler = (tx: Tx, row: DueRow) => Promise<void>;

/**
 * Something outside the process: a request to another machine. It runs outside of any write, at least once; what it answers
 * runs in a write, and says when to try again, or null when that was it.
 */
export type OutsideWork = (row: DueRow, signal: AbortSignal) => Promise<(tx: Tx) => Promise<number | null>>;

/**
 * Things that come due by an indexed time column of their own table (leases, expiry), so that they need no row here.
 */
export interface DueSource {
  name: string;
  /** When the next comes due; null for never. */
  next(on: Reading): Promise<number | null>;
  /** Does at most `limit` of what is due; answers how many it did. */
  take(tx: Tx, now: number, limit: number): Promise<number>;
}

/** What an area has done at times: by kind of due row, or by time columns of its own. */
export interface DueTable {
  dueHandlers?: Record<string, DueHandler>;
  /** Work outside the process: see `outside`. */
  dueOutside?: Record<string, { maxMs: number; work: OutsideWork }>;
  sources?: readonly DueSource[];
}

export type Due = ReturnType<typeof createDue>;

/** Long `setTimeout`s fire at once, and a suspended machine's timers stand still: never sleep longer than this. */
const MAX_SLEEP_MS = 60_000;
const MIN_SLEEP_MS = 5;
const SLICE = 200;
const FIRST_RETRY_MS = 1000;
const MAX_RETRY_MS = 3_600_000;
/** Requests to the outside that run at once, of each kind: those that hang hold up none of another kind. */
const MAX_OUTSIDE = 32;

/** The one timer: "do this at time T, with retries and backoff, and remember it in the database". */
export function createDue(db: Db, store: DueStore, clock: Clock, hooks: Hooks, logger: Logger) {
  const handlers = new Map<string, DueHandler>();
  const sources: DueSource[] = [];
  /** The first transaction after a start, a sleep or a jump of the clock; `jumpedMs` is 0 at a start. */
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

  /** After the clock was set back, retries would otherwise wait for the old time to come again. */
  async function hurryRetries(tx: Tx, now: number): Promise<void> {
    await store.hurryRetries(tx, now + MAX_RETRY_MS);
  }

  /** At a start nothing is under way outside: work that was when the relay ended is taken up at once. */
  async function takeUpOutside(tx: Tx, now: number, jumpedMs: number): Promise<void> {
    if (jumpedMs === 0) await store.takeUp(tx, now);
  }

  const rows: DueSource = {
    name: "rows",
    next: (on) => store.earliest(on),
    async take(tx, now, limit) {
      const ripe = await store.ripe(tx, now, limit);
      for (const row of ripe) await runRow(tx, row);
      return ripe.length;
    },
  };
  sources.push(rows);

  async function runRow(tx: Tx, row: DueRow): Promise<void> {
    const handler = handlers.get(row.kind);
    if (!handler) throw new Error(`nothing handles due rows of kind ${row.kind}`);
    await store.remove(tx, row.kind, row.key);
    await handler(tx, row);
  }

  /** One failing row must not undo or hold up the others: it is tried alone, and put off when it fails again. */
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
      const wait = Math.min(FIRST_RETRY_MS * 2 ** row.tries, MAX_RETRY_MS);
      logger.error(
        { err: error, kind: row.kind, key: row.key, tries: row.tries },
        "due work failed, will be tried again",
      );
      await db.write((tx) => store.retry(tx, row, clock.now() + wait, String(error)));
    }
  }

  /** Runs it, and in one write ends the row or puts it off. After a crash in between the row comes due again by itself. */
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
    // A run under way asks every source again only up to where it is: make sure that another follows.
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
     * What to do outside the process when a row's time has come. While it runs the row stays, due again after `maxMs`: so
     * `work` has to be done by then, and what it does has to bear being done twice (a stable id: the row's key).
     * `row.tries` counts the attempts before this one.
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
    source: (source: DueSource) => sources.push(source),
    /** Takes over the table of an area. */
    serve({ dueHandlers = {}, dueOutside = {}, sources: more = [] }: DueTable): void {
      for (const [kind, handler] of Object.entries(dueHandlers)) this.on(kind, handler);
      for (const [kind, { maxMs, work }] of Object.entries(dueOutside)) this.outside(kind, maxMs, work);
      sources.push(...more);
    },
    resumed,

    /** Puts a row for (kind, key), in place of the one there. */
    async schedule(tx: Tx, kind: string, key: string, at: number, data: Record<string, unknown> = {}): Promise<void> {
      await store.put(tx, { kind, key, at, data });
      tx.afterCommit(() => notice(at));
    },
    /** Brings (kind, key) forward to that time, or puts it; what is under way outside is left to say itself when it goes on. */
    async hurry(tx: Tx, kind: string, key: string, at: number): Promise<void> {
      await store.hurry(tx, { kind, key, at, data: {} });
      tx.afterCommit(() => notice(at));
    },
    cancel: (tx: Tx, kind: string, key: string) => store.remove(tx, kind, key),
    /** What is planned for (kind, key). */
    find: (on: Reading, kind: string, key: string) => store.find(on, kind, key),

    /** Something comes due at this time: wake up for it. Call it after the commit. */
    notice,

    start(): void {
      stopped = false;
      run();
    },
    /** Runs everything that is due now, and comes back when that is done. */
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

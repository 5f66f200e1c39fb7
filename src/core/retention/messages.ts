import { DAY_MS } from "../../kernel/clock.ts";
import type { ReadTx, Tx } from "../../kernel/db/database.ts";
import type { Span } from "../../protocol/ids.ts";
import type { Base } from "../base.ts";
import type { Caution } from "./caution.ts";
import { type OldEntry, retentionStore } from "./store.ts";

/** Entries visited in one write. */
const SLICE = 200;
/** Rows deleted in one write: an entry counts for each member of its target that may lose it, and for what hangs on it. */
const MAX_WEIGHT = 2000;
const KEPT = new Set(["open", "delayed", "claimed", "dead"]);

/** Result of one run; `refused` when more was old enough than may go after a jump of the clock. */
export interface RetentionReport {
  deleted: number;
  upTo: number;
  refused: boolean;
}

/** Progress of one write. */
interface Progress {
  deleted: number;
  /** Everything up to here was visited. */
  reached: number;
  done: boolean;
}

/** Deletes messages older than the retention time, and keeps account of the agents that lose something by it. */
export function createMessageSweep(
  base: Base,
  caution: Caution,
  noteRun: (tx: Tx, report: RetentionReport) => Promise<void>,
) {
  const { retentionDays: days } = base.options;
  const { log } = base;
  const { clock, db, headOf, hooks, logger, onError } = base.kernel;
  const { messages: store, delayed, entries: index, threads, work: works } = base.rows;
  /** The oldest entry that a live row points to: no entry from there on may go. */
  const keptFrom = hooks.question<[], number>("retention.keptFrom");
  /** Rows that hang on each of these messages and go with them. */
  const weights = hooks.question<[messageIds: readonly number[]], Map<number, number>>("retention.weights");
  /** These messages go, in this write, with everything that hangs on them. */
  const removing = hooks.event<[messageIds: readonly number[]]>("retention.removing");
  const ran = hooks.event<[report: RetentionReport]>("retention.ran");
  let running = false;
  let wanted = false;
  let stopped = false;

  /** The highest id older than the retention time, found by halving: ids follow time. */
  async function cutoff(on: ReadTx, floor: number, before: number): Promise<number> {
    let low = floor;
    let high = headOf(on);
    while (low < high) {
      const middle = Math.ceil((low + high) / 2);
      const entry = await retentionStore.createdAt(on, middle);
      if (!entry || entry.id <= low) low = middle;
      else if (entry.at < before) low = middle;
      else high = entry.id - 1;
    }
    return low;
  }

  /** The id before the oldest entry that has to stay. */
  async function pinned(on: ReadTx): Promise<number> {
    return Math.min(Number.POSITIVE_INFINITY, ...(await keptFrom.all(on)).map((id) => id - 1));
  }

  async function remove(tx: Tx, entries: readonly OldEntry[], most: number): Promise<number> {
    const ids = entries.map((entry) => entry.id);
    if (ids.length > 0) {
      threads.follow(tx, headOf(tx));
      await retentionStore.noteLosses(tx, ids, clock.now());
      await removing.raise(tx, ids);
      index.remove(tx, ids);
      await delayed.removeOf(tx, ids);
      await works.removeOf(tx, ids);
      threads.uncount(tx, ids);
      await retentionStore.remove(tx, ids);
      threads.forget(tx, ids);
    }
    await caution.leave(tx, most - ids.length);
    return ids.length;
  }

  /** The entries that may go, in order, up to the end of one write. */
  async function cut(tx: Tx, entries: readonly OldEntry[], mayGo: (entry: OldEntry) => boolean, most: number) {
    const going: OldEntry[] = [];
    const ids = entries.filter(mayGo).map((entry) => entry.id);
    const counts = ids.length === 0 ? [] : await weights.all(tx, ids);
    let weight = 0;
    for (const [index, entry] of entries.entries()) {
      if (!mayGo(entry)) continue;
      weight += entry.matched + counts.reduce((sum, count) => sum + (count.get(entry.id) ?? 0), 0);
      if (going.length === most || (going.length > 0 && weight > MAX_WEIGHT))
        return { going, reached: entries[index - 1]?.id ?? entry.id - 1 };
      going.push(entry);
    }
    return { going, reached: entries.at(-1)?.id };
  }

  /** Deletes the next entries above the floor, and raises it. */
  async function slice(tx: Tx, upTo: number, most: number): Promise<Progress> {
    const floor = await store.floor(tx);
    const entries = await retentionStore.next(tx, { after: floor, upTo }, SLICE);
    const mayGo = (entry: OldEntry) => entry.state === null || !KEPT.has(entry.state);
    const { going, reached = upTo } = await cut(tx, entries, mayGo, most);
    const deleted = await remove(tx, going, most);
    const raised = entries.length < SLICE && reached === (entries.at(-1)?.id ?? upTo) ? upTo : reached;
    if (raised > floor) await store.setMark(tx, "floor", raised);
    tx.afterCommit(() => log.forget(raised));
    return { deleted, reached: raised, done: raised >= upTo || deleted >= most };
  }

  /** Deletes work below the floor that was kept, and has been finished for as long as the rest. */
  async function leftOver(tx: Tx, span: Span, before: number, most: number): Promise<Progress> {
    const entries = await retentionStore.nextWork(tx, span, SLICE);
    const mayGo = ({ endedAt, state }: OldEntry) => isOver(endedAt, state, before);
    const { going, reached = span.upTo } = await cut(tx, entries, mayGo, most);
    const deleted = await remove(tx, going, most);
    return { deleted, reached, done: entries.length < SLICE || deleted >= most };
  }

  async function runWhileWanted(): Promise<void> {
    running = true;
    try {
      while (wanted && !stopped) {
        wanted = false;
        await run();
      }
    } finally {
      running = false;
    }
  }

  /** One pass over all that is old enough. */
  async function run(): Promise<void> {
    const before = clock.now() - days * DAY_MS;
    const floor = await db.read((on) => store.floor(on));
    // Messages that the index by target does not have yet stay.
    await base.merges.all();
    const upTo = await db.read(async (on) =>
      Math.max(floor, Math.min(await cutoff(on, floor, before), await pinned(on), index.mark(on))),
    );
    const allowed = await caution.allowance();
    const below = await walk(allowed, (tx, after, most) => leftOver(tx, { after, upTo: floor }, before, most));
    const above = await walk(allowed - below, (tx, _, most) => slice(tx, upTo, most));
    if (stopped) return;
    const deleted = below + above;
    const report = { deleted, upTo, refused: upTo > floor && deleted >= allowed };
    await db.background((tx) => noteRun(tx, report));
    logger.info(report, "retention ran");
    ran.announce(report);
  }

  async function walk(allowed: number, step: (tx: Tx, after: number, most: number) => Promise<Progress>) {
    let deleted = 0;
    let after = 0;
    for (let done = allowed <= 0; !done && !stopped; ) {
      const did = await db.background((tx) => step(tx, after, allowed - deleted));
      deleted += did.deleted;
      after = did.reached;
      done = did.done;
    }
    return deleted;
  }

  return {
    keptFrom,
    weights,
    removing,
    ran,
    /** Runs once in the background, giving way to all other writes. */
    start(): void {
      wanted = true;
      if (!running) runWhileWanted().catch(onError);
    },
    /** Ends a run after its current write. */
    stop(): void {
      stopped = true;
    },
  };
}

const isOver = (endedAt: number | null, state: string | null, before: number): boolean =>
  endedAt !== null && endedAt < before && state !== "dead";

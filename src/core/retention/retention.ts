import type { Reading, Tx } from "../../kernel/db/database.ts";
import type { Span } from "../../protocol/ids.ts";
import type { Base } from "../base.ts";
import { type OldEntry, retentionStore } from "./store.ts";

/** Entries looked at in one write. */
const SLICE = 200;
/** What is deleted in one write, in rows: an entry counts for each member of its target, who may lose it, and for what hangs on it. */
const MAX_WEIGHT = 2000;
const THIN_SLICE = 500;
const SHRUNK_AT_ONCE = 200;
/** The first run comes so long after a start or a jump of the clock; each plans the next, an hour later. */
const FIRST_MS = 60_000;
const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;
/** After the clock jumped, no more than this part of the log may go before it has stayed put for a day. */
const MAX_PART_AFTER_JUMP = 0.1;
export const RETAIN = "retention";
/** The due row that ends the caution after a jump; its `left` says how much may still go until then. */
export const CAUTION = "retention.caution";
const KEPT = new Set(["open", "delayed", "claimed", "dead"]);

/** What one run did; `refused` when more was old enough than may go after a jump of the clock. */
export interface RetentionReport {
  deleted: number;
  upTo: number;
  refused: boolean;
}

/** How far a walk of one write came. */
interface Walked {
  deleted: number;
  /** Everything up to here was looked at. */
  reached: number;
  done: boolean;
}

/** Deletes what is older than the retention time, and keeps account of who loses what by it. */
export function createRetention(base: Base) {
  const { retentionDays: days } = base.options;
  const { agents } = base.identity;
  const { clock, db, due, headOf, hooks, logger, onError } = base.kernel;
  const { log } = base;
  const { messages: store } = base.rows;
  /** The oldest entry that something still alive points to: nothing from there on may go. */
  const keptFrom = hooks.question<[], number>("retention.keptFrom");
  /** How many rows hang on each of these messages and go with them. */
  const weights = hooks.question<[messageIds: readonly number[]], Map<number, number>>("retention.weights");
  /** These messages go, in this write, with everything that hangs on them. */
  const removing = hooks.event<[messageIds: readonly number[]]>("retention.removing");
  const ran = hooks.event<[report: RetentionReport]>("retention.ran");
  let running = false;
  let wanted = false;
  let stopped = false;

  async function resume(tx: Tx, now: number, jumpedMs: number): Promise<void> {
    // Planned anew: after the clock was set back the next run would be in a far future.
    await due.schedule(tx, RETAIN, "log", now + FIRST_MS);
    const caution = await due.find(tx, CAUTION, "log");
    // At a start nobody can say by how much the clock jumped while the relay was away: the newest entry gives an idea.
    const isStart = jumpedMs === 0;
    const newest = isStart ? await retentionStore.createdAt(tx, headOf(tx)) : undefined;
    const jumped = newest ? now - newest.at : jumpedMs;
    if (Math.abs(jumped) <= HOUR_MS || (isStart && caution)) return;
    await due.schedule(tx, CAUTION, "log", now + DAY_MS, caution?.data ?? {});
  }

  async function start(tx: Tx): Promise<void> {
    await due.schedule(tx, RETAIN, "log", clock.now() + HOUR_MS);
    tx.afterCommit(() => {
      wanted = true;
      if (!running) runWhileWanted().catch(onError);
    });
  }

  /** The highest id older than the retention time, found by halving: ids follow time. */
  async function cutoff(on: Reading, floor: number, before: number): Promise<number> {
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

  /** The place before the oldest entry that has to stay. */
  async function pinned(on: Reading): Promise<number> {
    return Math.min(Number.POSITIVE_INFINITY, ...(await keptFrom.all(on)).map((id) => id - 1));
  }

  /** How much may go: after a jump a part of the log, and what went since then counts. */
  async function allowance(): Promise<number> {
    const caution = await db.read((on) => due.find(on, CAUTION, "log"));
    if (!caution) return Number.POSITIVE_INFINITY;
    if (typeof caution.data.left === "number") return caution.data.left;
    const { messages } = await db.offThread.run("counts", {});
    return Math.floor(messages * MAX_PART_AFTER_JUMP);
  }

  /** Deletes of these what may go, and raises the floor to the last that was looked at. */
  async function remove(tx: Tx, entries: readonly OldEntry[], most: number): Promise<number> {
    const ids = entries.map((entry) => entry.id);
    await retentionStore.noteLosses(tx, ids, clock.now());
    await removing.raise(tx, ids);
    await retentionStore.remove(tx, ids);
    const caution = await due.find(tx, CAUTION, "log");
    if (caution) await due.schedule(tx, CAUTION, "log", caution.at, { left: most - ids.length });
    return ids.length;
  }

  /** Of some entries in order those that may go, up to where one write has to end. */
  async function cut(tx: Tx, entries: readonly OldEntry[], mayGo: (entry: OldEntry) => boolean, most: number) {
    const going: OldEntry[] = [];
    const ids = entries.filter(mayGo).map((entry) => entry.id);
    const counts = await weights.all(tx, ids);
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

  /** The next entries above the floor, which is raised by it. */
  async function slice(tx: Tx, upTo: number, most: number): Promise<Walked> {
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

  /** Work below the floor that was kept, and has been finished for as long as the rest. */
  async function leftOver(tx: Tx, span: Span, before: number, most: number): Promise<Walked> {
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
    const upTo = await db.read(async (on) =>
      Math.max(floor, Math.min(await cutoff(on, floor, before), await pinned(on))),
    );
    const allowed = await allowance();
    const below = await walk(allowed, (tx, after, most) => leftOver(tx, { after, upTo: floor }, before, most));
    const above = await walk(allowed - below, (tx, _, most) => slice(tx, upTo, most));
    while (!stopped && (await db.background((tx) => retentionStore.thin(tx, before, THIN_SLICE))) >= THIN_SLICE);
    const deleted = below + above;
    if (stopped) return;
    const report = { deleted, upTo, refused: upTo > floor && deleted >= allowed };
    ran.announce(report);
  }

  async function walk(allowed: number, step: (tx: Tx, after: number, most: number) => Promise<Walked>) {
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

  async function shrinkTombstones(): Promise<void> {
    if (await db.read((on) => due.find(on, CAUTION, "log"))) return;
    const before = clock.now() - days * DAY_MS;
    while ((await db.background((tx) => agents.shrinkTombstones(tx, before, SHRUNK_AT_ONCE))) >= SHRUNK_AT_ONCE);
  }

  return {
    note: (report: RetentionReport): void => logger.info(report, "retention ran"),
    /** Shrinks agents deleted before the retention time to their ids, unless only a clock jump makes them look so old. */
    shrinkTombstones: (): void => void shrinkTombstones().catch(onError),
    keptFrom,
    weights,
    removing,
    ran,
    resume,
    dueHandlers: { [CAUTION]: async () => undefined, [RETAIN]: start },
    /** A run under way ends after its current write. */
    stop(): void {
      stopped = true;
    },
  };
}

const isOver = (endedAt: number | null, state: string | null, before: number): boolean =>
  endedAt !== null && endedAt < before && state !== "dead";

import type { Clock } from "../clock.ts";
import type { Db, Reading, Tx } from "../db/database.ts";
import type { Due } from "../due/due.ts";
import type { MessageStore } from "./store.ts";
import { retentionStore } from "./store-lists.ts";

const SLICE = 200;
const THIN_SLICE = 500;
const EVERY_MS = 3_600_000;
const DAY_MS = 86_400_000;
/** After the clock jumped, no more than this part of the log may go before it has stayed put for a day. */
const MAX_PART_AFTER_JUMP = 0.1;
export const RETAIN = "retention";

export interface RetentionParts {
  db: Db;
  store: MessageStore;
  due: Due;
  clock: Clock;
  days: number;
  headOf(on: Reading): number;
  /** Deletes nothing for its own sake: told what a run did. */
  onRun(report: { deleted: number; upTo: number; refused: boolean }): void;
}

export type Retention = ReturnType<typeof createRetention>;

/** Deletes what is older than the retention time, and keeps account of who loses what by it. */
export function createRetention(parts: RetentionParts) {
  const { db, store, due, clock, days, headOf, onRun } = parts;
  let jumpedAt: number | undefined;

  due.onResume(async (_tx, now, jumpedMs) => {
    if (Math.abs(jumpedMs) > DAY_MS / 24) jumpedAt = now;
  });
  due.on(RETAIN, async (tx) => {
    await due.schedule(tx, RETAIN, "log", clock.now() + EVERY_MS);
    tx.afterCommit(() => void run().catch(() => undefined));
  });

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

  async function slice(tx: Tx, upTo: number): Promise<{ deleted: number; done: boolean }> {
    const floor = await store.floor(tx);
    if (floor >= upTo) return { deleted: 0, done: true };
    const rows = await retentionStore.deletable(tx, floor, upTo, SLICE);
    const raised = rows.length === SLICE ? (rows.at(-1)?.id ?? upTo) : upTo;
    const ids = rows.map((row) => row.id);
    for (const { agentId, lost, lastId } of await retentionStore.losers(tx, ids, raised))
      await retentionStore.addLoss(tx, agentId, lastId, lost);
    await retentionStore.remove(tx, ids);
    await store.setMark(tx, "floor", raised);
    return { deleted: rows.length, done: raised >= upTo };
  }

  /** One pass over all that is old enough. @returns how many entries it deleted. */
  async function run(): Promise<number> {
    const now = clock.now();
    const { upTo, floor, head } = await db.read(async (on) => {
      const floor = await store.floor(on);
      return { floor, head: headOf(on), upTo: await cutoff(on, floor, now - days * DAY_MS) };
    });
    const most = Math.floor(floor + (head - floor) * MAX_PART_AFTER_JUMP);
    const refused = jumpedAt !== undefined && now - jumpedAt < DAY_MS && upTo > most;
    const limit = refused ? most : upTo;
    let deleted = 0;
    for (let done = false; !done; ) {
      const did = await db.background((tx) => slice(tx, limit));
      deleted += did.deleted;
      done = did.done;
    }
    while ((await db.background((tx) => retentionStore.thin(tx, now - days * DAY_MS, THIN_SLICE))) >= THIN_SLICE);
    onRun({ deleted, upTo: limit, refused });
    return deleted;
  }

  return {
    run,
    /** The first run, a minute after the start; each run plans the next. */
    plan: (tx: Tx) => due.schedule(tx, RETAIN, "log", clock.now() + 60_000),
  };
}

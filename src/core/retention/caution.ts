import { DAY_MS, HOUR_MS } from "../../kernel/clock.ts";
import type { ReadTx, Tx } from "../../kernel/db/database.ts";
import type { Base } from "../base.ts";
import { retentionStore } from "./store.ts";

/** After the clock jumped, no more than this part of the log may go before it has stayed put for a day. */
const MAX_PART_AFTER_JUMP = 0.1;
/** The due row that ends the caution after a jump; its `left` says how many messages may still go until then. */
const CAUTION = "retention.caution";
const KEY = "log";

export type Caution = ReturnType<typeof createCaution>;

/** Guards against a clock that jumped and makes everything look old: for a day only a part of the log may go, and nothing else. */
export function createCaution({ kernel }: Base) {
  const { db, due, headOf } = kernel;
  const row = (on: ReadTx) => due.find(on, CAUTION, KEY);

  return {
    isOn: async (on: ReadTx): Promise<boolean> => (await row(on)) !== undefined,

    /** Begins after a jump of the clock. At a start, the age of the newest message tells how far it may have jumped. */
    async resume(tx: Tx, now: number, jumpedMs: number): Promise<void> {
      const known = await row(tx);
      const isStart = jumpedMs === 0;
      const newest = isStart ? await retentionStore.createdAt(tx, headOf(tx)) : undefined;
      const jumped = newest ? now - newest.at : jumpedMs;
      if (Math.abs(jumped) <= HOUR_MS || (isStart && known)) return;
      await due.schedule(tx, CAUTION, KEY, now + DAY_MS, known?.data ?? {});
    },

    /** Messages that may go now. */
    async allowance(): Promise<number> {
      const known = await db.read(row);
      if (!known) return Number.POSITIVE_INFINITY;
      if (typeof known.data.left === "number") return known.data.left;
      const { messages } = await db.offThread.run("counts", {});
      return Math.floor(messages * MAX_PART_AFTER_JUMP);
    },

    /** Notes how many messages may still go. */
    async leave(tx: Tx, left: number): Promise<void> {
      const known = await row(tx);
      if (known) await due.schedule(tx, CAUTION, KEY, known.at, { left });
    },
    dueHandlers: { [CAUTION]: async () => undefined },
  };
}

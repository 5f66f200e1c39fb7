import type { Areas } from "../../core/core.ts";
import type { ReadTx, Tx } from "../../kernel/db/database.ts";
import type { Limit } from "../../protocol/sessions.ts";
import type { LimitRow } from "./row.ts";
import { limitStore as store } from "./store.ts";
import { toLimit } from "./view.ts";

export type LimitBook = ReturnType<typeof createLimitBook>;

const PAGE = 500;

/** Storing limits, telling of them, and counting them. */
export function createLimitBook({ kernel }: Pick<Areas, "kernel">) {
  /** A limit is new, has changed, or was cleared. */
  const changed = kernel.hooks.event<[limit: Limit, cleared: boolean]>("limits.changed");
  /** Providers of the limits that refuse, by the limit's number. */
  const refusing = new Map<number, string>();

  function count({ number, provider, rejected }: LimitRow): void {
    if (rejected) refusing.set(number, provider);
    else refusing.delete(number);
  }

  async function stored(tx: Tx, row: LimitRow): Promise<LimitRow> {
    tx.afterCommit(() => count(row));
    await changed.raise(tx, toLimit(row), false);
    return row;
  }

  return {
    changed,
    add: async (tx: Tx, draft: Omit<LimitRow, "number">): Promise<LimitRow> => stored(tx, await store.add(tx, draft)),
    async save(tx: Tx, row: LimitRow, before: LimitRow): Promise<LimitRow> {
      if (Bun.deepEquals(row, before)) return row;
      await store.save(tx, row);
      return stored(tx, row);
    },
    async remove(tx: Tx, row: LimitRow): Promise<void> {
      await store.remove(tx, row);
      tx.afterCommit(() => refusing.delete(row.number));
      await changed.raise(tx, toLimit(row), true);
    },
    /** Number of limits that refuse, by provider. */
    counts: (): Record<string, number> =>
      Object.fromEntries([...Map.groupBy(refusing.values(), (one) => one)].map(([key, all]) => [key, all.length])),
    size: (): number => refusing.size,
    /** Called once, before anything is asked. */
    async load(on: ReadTx): Promise<void> {
      for (let after = 0, rows = await store.page(on, 0, PAGE); rows.length > 0; ) {
        rows.forEach(count);
        after = rows.at(-1)?.number ?? after;
        rows = await store.page(on, after, PAGE);
      }
    },
  };
}

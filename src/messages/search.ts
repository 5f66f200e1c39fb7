import type { Db, Reading, Tx } from "../db/database.ts";
import { searchIndex } from "../db/search.ts";
import type { MessageRow, MessageStore } from "./store.ts";

const SLICE = 64;
/** A huge body is found by its beginning: indexing 256 KiB takes 10 ms. */
const MAX_INDEXED = 32 * 1024;

export type Search = ReturnType<typeof createSearch>;

/** The search index, following the log in the background. */
export function createSearch(db: Db, store: MessageStore, head: () => number, onError: (error: unknown) => void) {
  let running = false;
  let stopped = false;

  async function indexSlice(tx: Tx): Promise<boolean> {
    const indexed = await store.mark(tx, "indexed");
    const ids = await store.candidates(tx, store.anything, { after: indexed, oldestFirst: true }, SLICE);
    const rows = await store.rows(tx, ids);
    for (const row of rows) add(tx, row);
    const last = rows.at(-1)?.id;
    if (last !== undefined) await store.setMark(tx, "indexed", last);
    return rows.length > 0 && (last ?? 0) < head();
  }

  function add(tx: Tx, row: MessageRow): void {
    if (row.opaque) return;
    const body = row.body.slice(0, MAX_INDEXED);
    searchIndex.add(tx, { id: row.id, subject: row.subject ?? "", body, who: [row.fromId, row.target] });
  }

  async function catchUp(): Promise<void> {
    while (!stopped && (await db.background(indexSlice)));
  }

  return {
    /** There is something new in the log. */
    notice(): void {
      if (running || stopped) return;
      running = true;
      catchUp()
        .catch(onError)
        .finally(() => {
          running = false;
        });
    },
    find: async (on: Reading, words: string, who: readonly string[] | null, before: number, limit: number) =>
      searchIndex.find(on, words, who, before, limit),
    stop(): void {
      stopped = true;
    },
  };
}

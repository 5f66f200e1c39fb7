import { lt } from "drizzle-orm";
import type { ReadTx, Tx } from "../../kernel/db/database.ts";
import { inIds } from "../../kernel/db/lists.ts";
import { readRows, readValues } from "../../kernel/db/reads.ts";
import { attentionNotes } from "./tables.ts";

export type NoteRow = typeof attentionNotes.$inferSelect;

/** People note by hand: nothing here is prepared. */
export const noteStore = {
  byIds: async (on: ReadTx, ids: readonly string[]): Promise<Map<string, NoteRow>> =>
    new Map(readRows(on, attentionNotes, inIds(attentionNotes.id, ids)).map((row) => [row.id, row])),
  put: async (tx: Tx, row: NoteRow): Promise<void> => {
    tx.db.insert(attentionNotes).values(row).onConflictDoUpdate({ target: attentionNotes.id, set: row }).run();
  },
  /** Deletes some that were changed before a time. Answers their number. */
  forget: async (tx: Tx, before: number, limit: number): Promise<number> => {
    const ids = readValues(tx, attentionNotes.id, lt(attentionNotes.changedAt, before), { limit });
    if (ids.length > 0) tx.db.delete(attentionNotes).where(inIds(attentionNotes.id, ids)).run();
    return ids.length;
  },
};

import { and, desc, eq, gt, lt, ne, or, type SQL } from "drizzle-orm";
import type { ReadTx, Tx } from "../../kernel/db/database.ts";
import { readRows } from "../../kernel/db/reads.ts";
import { sessionConflicts, sessionTouches } from "./tables.ts";

export type TouchRow = typeof sessionTouches.$inferSelect;
export type ConflictRow = typeof sessionConflicts.$inferSelect;

const pair = (one: string, other: string): SQL | undefined =>
  or(
    and(eq(sessionConflicts.firstId, one), eq(sessionConflicts.secondId, other)),
    and(eq(sessionConflicts.firstId, other), eq(sessionConflicts.secondId, one)),
  );

/** Sessions report what they changed once a turn: nothing here is prepared. */
export const conflictStore = {
  touch: async (tx: Tx, row: TouchRow): Promise<void> => {
    const target = [sessionTouches.repository, sessionTouches.place, sessionTouches.sessionId];
    tx.db
      .insert(sessionTouches)
      .values(row)
      .onConflictDoUpdate({ target, set: { at: row.at } })
      .run();
  },
  /** Others in the same place after a time, the newest first. */
  others: async (on: ReadTx, { repository, place, sessionId }: TouchRow, after: number): Promise<TouchRow[]> =>
    readRows(
      on,
      sessionTouches,
      and(
        eq(sessionTouches.repository, repository),
        eq(sessionTouches.place, place),
        ne(sessionTouches.sessionId, sessionId),
        gt(sessionTouches.at, after),
      ),
      { orderBy: desc(sessionTouches.at), limit: 20 },
    ),
  /** Whether the two were in one place of a repository after a time. */
  isKnown: async (on: ReadTx, { repository, firstId, secondId }: ConflictRow, after: number): Promise<boolean> =>
    readRows(
      on,
      sessionConflicts,
      and(pair(firstId, secondId), eq(sessionConflicts.repository, repository), gt(sessionConflicts.at, after)),
      { limit: 1 },
    ).length > 0,
  /** Met after a time, newest first. */
  recent: async (on: ReadTx, after: number, limit: number): Promise<ConflictRow[]> =>
    readRows(on, sessionConflicts, gt(sessionConflicts.at, after), { orderBy: desc(sessionConflicts.at), limit }),
  /** Of two sessions after a time, newest first. */
  between: async (on: ReadTx, firstId: string, secondId: string, after: number): Promise<ConflictRow[]> =>
    readRows(
      on,
      sessionConflicts,
      and(
        eq(sessionConflicts.firstId, firstId),
        eq(sessionConflicts.secondId, secondId),
        gt(sessionConflicts.at, after),
      ),
      { orderBy: desc(sessionConflicts.at), limit: 1 },
    ),
  add: async (tx: Tx, row: ConflictRow): Promise<void> => {
    const { firstId, secondId, repository, place } = sessionConflicts;
    tx.db
      .insert(sessionConflicts)
      .values(row)
      .onConflictDoUpdate({ target: [firstId, secondId, repository, place], set: { at: row.at } })
      .run();
  },
  /** Deletes what is older than a time. */
  forget: async (tx: Tx, touchesBefore: number, conflictsBefore: number): Promise<void> => {
    tx.db.delete(sessionTouches).where(lt(sessionTouches.at, touchesBefore)).run();
    tx.db.delete(sessionConflicts).where(lt(sessionConflicts.at, conflictsBefore)).run();
  },
};

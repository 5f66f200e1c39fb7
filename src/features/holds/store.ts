import { and, asc, desc, eq, lt, type SQL, sql } from "drizzle-orm";
import type { ReadTx, Tx } from "../../kernel/db/database.ts";
import { inIds } from "../../kernel/db/lists.ts";
import { readRows, readValues } from "../../kernel/db/reads.ts";
import { holdSessions, holds } from "./tables.ts";

export type HoldRow = typeof holds.$inferSelect;
export type HeldSession = typeof holdSessions.$inferSelect;

/** In the words of the partial indexes. */
const stands = sql`lifted_at is null`;
/** Holds are few: nothing here is prepared. */
export const holdStore = {
  add: async (tx: Tx, row: HoldRow): Promise<void> => {
    tx.db.insert(holds).values(row).run();
  },
  byId: async (on: ReadTx, id: string): Promise<HoldRow | undefined> =>
    on.db.select().from(holds).where(eq(holds.id, id)).get(),
  lift: async (tx: Tx, { id, liftedAt, liftedPerson }: HoldRow): Promise<void> => {
    tx.db.update(holds).set({ liftedAt, liftedPerson }).where(eq(holds.id, id)).run();
  },
  /** Standing holds, oldest first. */
  standing: async (on: ReadTx): Promise<HoldRow[]> => readRows(on, holds, stands, { orderBy: asc(holds.id) }),
  /** Newest first. */
  page: async (
    on: ReadTx,
    lifted: boolean | undefined,
    before: string | undefined,
    limit: number,
  ): Promise<HoldRow[]> => {
    const where: (SQL | undefined)[] = [
      lifted === undefined ? undefined : lifted ? sql`lifted_at is not null` : stands,
      before === undefined ? undefined : lt(holds.id, before),
    ];
    return readRows(on, holds, and(...where), { orderBy: desc(holds.id), limit });
  },

  addSessions: async (tx: Tx, rows: HeldSession[]): Promise<void> => {
    if (rows.length > 0) tx.db.insert(holdSessions).values(rows).run();
  },
  sessions: async (on: ReadTx, holdId: string): Promise<HeldSession[]> =>
    readRows(on, holdSessions, eq(holdSessions.holdId, holdId), { orderBy: asc(holdSessions.number) }),
  toldBy: async (on: ReadTx, delegationId: string): Promise<HeldSession[]> =>
    readRows(on, holdSessions, eq(holdSessions.delegationId, delegationId)),
  see: async (tx: Tx, { holdId, sessionId, seen, detail, at }: HeldSession): Promise<void> => {
    const one = and(eq(holdSessions.holdId, holdId), eq(holdSessions.sessionId, sessionId));
    tx.db.update(holdSessions).set({ seen, detail, at }).where(one).run();
  },
  /** Sessions that were not told to go on, oldest first. */
  unresumed: async (on: ReadTx, holdId: string, limit: number): Promise<HeldSession[]> =>
    readRows(on, holdSessions, and(eq(holdSessions.holdId, holdId), eq(holdSessions.resumed, false)), {
      orderBy: asc(holdSessions.number),
      limit,
    }),
  resumed: async (tx: Tx, holdId: string, sessionIds: readonly string[]): Promise<void> => {
    const those = and(eq(holdSessions.holdId, holdId), inIds(holdSessions.sessionId, sessionIds));
    tx.db.update(holdSessions).set({ resumed: true }).where(those).run();
  },

  /** Deletes some that were lifted before a time; answers their number. */
  forget: async (tx: Tx, before: number, limit: number): Promise<number> => {
    const ids = readValues(tx, holds.id, and(sql`lifted_at is not null`, lt(holds.liftedAt, before)), { limit });
    if (ids.length === 0) return 0;
    tx.db.delete(holdSessions).where(inIds(holdSessions.holdId, ids)).run();
    tx.db.delete(holds).where(inIds(holds.id, ids)).run();
    return ids.length;
  },
};

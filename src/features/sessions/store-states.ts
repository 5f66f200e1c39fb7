import { and, asc, gt, sql } from "drizzle-orm";
import { bound } from "../../kernel/db/bound.ts";
import type { ReadTx, Tx } from "../../kernel/db/database.ts";
import { inIds } from "../../kernel/db/lists.ts";
import { statement } from "../../kernel/db/prepared.ts";
import { equal, everyColumn, rowsWhere } from "../../kernel/db/statements.ts";
import { MAX_CHANGES } from "../../protocol/states.ts";
import { sessionStates } from "./tables.ts";

export type StateRow = typeof sessionStates.$inferSelect;

export type StateStore = ReturnType<typeof createStateStore>;

const { session, at } = sessionStates;
const insert = statement((q) => q.insert(sessionStates).values(everyColumn(sessionStates, "id")).prepare());
const last = sql`(select at from session_states where session = ${bound("session")} order by at desc limit 1 offset ${sql.raw(String(MAX_CHANGES - 1))})`;
const trim = statement((q) =>
  q
    .delete(sessionStates)
    .where(and(equal(sessionStates, "session"), sql`${at} < ${last}`))
    .prepare(),
);
const after = rowsWhere(sessionStates, and(equal(sessionStates, "session"), gt(at, bound("from"))), {
  ...{ orderBy: asc(at), limit: MAX_CHANGES },
});

/** Changes of the states of sessions. */
export function createStateStore() {
  return {
    /** Adds a change, and drops the oldest of a session that has too many. */
    add(tx: Tx, row: Omit<StateRow, "id">): void {
      insert(tx).run({ ...row });
      trim(tx).run({ session: row.session });
    },
    /** Changes of a session after a time, oldest first. */
    after: (on: ReadTx, number: number, from: number): StateRow[] => after(on).all({ session: number, from }),
    /**
     * Deletes some that happened before a time. Answers the rows it visited, or fewer at the end. A change that is later than
     * `now` came while the clock was wrong: it would keep those after it.
     */
    forget(tx: Tx, { before, now }: { before: number; now: number }, limit: number): number {
      const oldest = tx.db.select().from(sessionStates).orderBy(asc(sessionStates.id)).limit(limit).all();
      const old = oldest.filter((row) => row.at < before || row.at > now).map(({ id }) => id);
      if (old.length > 0) tx.db.delete(sessionStates).where(inIds(sessionStates.id, old)).run();
      return old.length;
    },
    forgetSessions(tx: Tx, numbers: readonly number[]): void {
      tx.db.delete(sessionStates).where(inIds(session, numbers)).run();
    },
  };
}

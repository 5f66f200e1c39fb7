import { and, desc, eq, sql } from "drizzle-orm";
import type { Db, ReadTx, Tx } from "../../kernel/db/database.ts";
import { inIds, inList } from "../../kernel/db/lists.ts";
import { readRows } from "../../kernel/db/reads.ts";
import { changeWhere, columns, columnsWhere, equal, everyColumn, rowsWhere } from "../../kernel/db/statements.ts";
import type { AttemptEnd, AttemptRow } from "./row.ts";
import { attempts } from "./tables.ts";

const p = sql.placeholder;

/** Leases that work has had, each with its end. */
export function createAttemptStore(db: Db) {
  const atClaim = everyColumn(attempts, "person", "renewedAt", "endedAt", "outcome", "error", "resultId");
  const addAttempt = db.statement((q) => q.insert(attempts).values(atClaim).prepare());
  const endAttempt = changeWhere(
    db,
    attempts,
    { endedAt: sql`${p("at")}`, ...columns("outcome", "error", "resultId") },
    equal(attempts, "messageId", "fence"),
  );
  const renewAttempt = changeWhere(db, attempts, columns("renewedAt"), equal(attempts, "messageId", "fence"));
  const attemptOf = rowsWhere(db, attempts, equal(attempts, "messageId", "fence"));
  const worked = columnsWhere(db, { one: sql`1` }, attempts, equal(attempts, "messageId", "agentId"), { limit: 1 });
  const hasWorked = columnsWhere(db, { one: sql`1` }, attempts, equal(attempts, "agentId"), { limit: 1 });
  const workedAmong = columnsWhere(
    db,
    { id: attempts.messageId },
    attempts,
    and(inList(attempts.messageId, "ids"), equal(attempts, "agentId")),
  );

  const workers = db.keep("agents that worked", (on, agentId): boolean => hasWorked(on).get({ agentId }) !== undefined);

  return {
    addAttempt: async (tx: Tx, row: Pick<AttemptRow, "messageId" | "fence" | "agentId" | "attempt" | "claimedAt">) => {
      addAttempt(tx).run(row);
      workers.set(row.agentId, true);
    },
    endAttempt: async (tx: Tx, messageId: number, fence: number, end: AttemptEnd): Promise<void> => {
      endAttempt(tx).run({ messageId, fence, error: null, resultId: null, ...end });
    },
    renewAttempt: async (tx: Tx, messageId: number, fence: number, at: number): Promise<void> => {
      renewAttempt(tx).run({ messageId, fence, renewedAt: at });
    },
    attempt: async (on: ReadTx, messageId: number, fence: number): Promise<AttemptRow | undefined> =>
      attemptOf(on).get({ messageId, fence }),
    attemptsOf: async (on: ReadTx, messageId: number, limit: number): Promise<AttemptRow[]> =>
      readRows(on, attempts, eq(attempts.messageId, messageId), { orderBy: desc(attempts.fence), limit }).reverse(),

    /** Whether the agent ever held a lease of it. */
    workedOn: async (on: ReadTx, agentId: string, messageId: number): Promise<boolean> =>
      worked(on).get({ messageId, agentId }) !== undefined,
    /** Whether the agent ever held a lease. */
    hasWorked: (on: ReadTx, agentId: string): boolean => workers.get(on, agentId),
    removeAttemptsOf: async (tx: Tx, messageIds: readonly number[]): Promise<void> => {
      tx.db.delete(attempts).where(inIds(attempts.messageId, messageIds)).run();
      workers.forget();
    },
    /** The messages among these that the agent ever held a lease of. */
    workedAmong: (on: ReadTx, agentId: string, ids: readonly number[]): Set<number> =>
      new Set(
        workedAmong(on)
          .all({ ids: JSON.stringify(ids), agentId })
          .map((row) => row.id),
      ),
  };
}

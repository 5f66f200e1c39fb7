import { and, desc, eq, type SQL, sql } from "drizzle-orm";
import { bound } from "../../kernel/db/bound.ts";
import type { Db, ReadTx, Tx } from "../../kernel/db/database.ts";
import { inIds, inList } from "../../kernel/db/lists.ts";
import { statement } from "../../kernel/db/prepared.ts";
import { readRows } from "../../kernel/db/reads.ts";
import { columnsWhere, equal, everyColumn, rowsWhere } from "../../kernel/db/statements.ts";
import type { AttemptEnd, AttemptRow, WorkRow } from "./row.ts";
import { attempts, work, workers } from "./tables.ts";

/** Puts a lease with its end, or its last renewal: it is there already when it was renewed. */
const putting = (set: Record<string, SQL>) =>
  statement((q) =>
    q
      .insert(attempts)
      .values(everyColumn(attempts))
      .onConflictDoUpdate({ target: [attempts.messageId, attempts.fence], set })
      .prepare(),
  );
const endAttempt = putting({
  endedAt: sql`excluded.ended_at`,
  outcome: sql`excluded.outcome`,
  error: sql`excluded.error`,
});
const renewAttempt = putting({ renewedAt: sql`excluded.renewed_at` });
const isBy = (agentId: string, of: WorkRow | undefined): boolean =>
  of !== undefined && (of.holder === agentId || of.completedBy === agentId);
const attemptOf = rowsWhere(attempts, equal(attempts, "messageId", "fence"));
const worked = columnsWhere({ one: sql`1` }, attempts, equal(attempts, "messageId", "agentId"), { limit: 1 });
const addWorker = statement((q) => q.insert(workers).values(everyColumn(workers)).onConflictDoNothing().prepare());
const isWorker = rowsWhere(workers, equal(workers, "agentId"));
const workedAmong = columnsWhere(
  { id: attempts.messageId },
  attempts,
  and(inList(attempts.messageId, "ids"), equal(attempts, "agentId")),
);

const heldAmong = columnsWhere(
  { id: work.messageId },
  work,
  and(
    inList(work.messageId, "ids"),
    sql`(+${work.holder} = ${bound("agentId")} or +${work.completedBy} = ${bound("agentId")})`,
  ),
);

/** Whether the row says all of the newest lease: it goes on, or was completed. */
const saysLease = ({ state, completedBy }: WorkRow): boolean => state === "claimed" || completedBy !== null;

/** The newest lease of such work. */
const leaseOf = (work: WorkRow): AttemptRow => ({
  messageId: work.messageId,
  fence: work.fence,
  agentId: work.holder ?? work.completedBy ?? "",
  person: null,
  attempt: work.attempts + 1,
  claimedAt: work.claimedAt ?? 0,
  renewedAt: null,
  endedAt: work.endedAt,
  outcome: work.completedBy === null ? null : "completed",
  error: null,
  resultId: work.resultId,
});

/** Agents whose newest work is held in memory; beyond that they are forgotten. */
const MOST = 20_000;

/** Leases that work has had. `head`: newest message at the start. */
export function createAttemptStore(db: Db, head: number, workById: (on: ReadTx, id: number) => WorkRow | undefined) {
  const hasWorked = db.keep(
    "agents that worked",
    (on, agentId): boolean => isWorker(on).get({ agentId }) !== undefined,
  );
  /** The newest work that each agent was given since the start; a write that was rolled back counts. */
  const newest = new Map<string, number>();
  /** Work up to here may have been given to anybody. */
  let unknownUpTo = head;

  function noteNewest(agentId: string, messageId: number): void {
    if (newest.size >= MOST) {
      for (const id of newest.values()) unknownUpTo = Math.max(unknownUpTo, id);
      newest.clear();
    }
    newest.set(agentId, Math.max(newest.get(agentId) ?? 0, messageId));
  }

  return {
    /** Notes that the agent holds a lease. */
    addWorker(tx: Tx, agentId: string, messageId: number): void {
      noteNewest(agentId, messageId);
      if (hasWorked.get(tx, agentId)) return;
      addWorker(tx).run({ agentId });
      hasWorked.set(agentId, true);
    },
    endAttempt: async (tx: Tx, held: WorkRow, end: AttemptEnd): Promise<void> => {
      const { at: endedAt, outcome, error = null } = end;
      endAttempt(tx).run({ ...leaseOf(held), endedAt, outcome, error });
    },
    renewAttempt: async (tx: Tx, held: WorkRow, at: number): Promise<void> => {
      renewAttempt(tx).run({ ...leaseOf(held), renewedAt: at });
    },
    /** Lease that has ended. */
    attempt: async (on: ReadTx, of: WorkRow, fence: number): Promise<AttemptRow | undefined> =>
      saysLease(of) && of.fence === fence ? leaseOf(of) : attemptOf(on).get({ messageId: of.messageId, fence }),
    /** The newest leases, oldest first. */
    attemptsOf: async (on: ReadTx, of: WorkRow, limit: number): Promise<AttemptRow[]> => {
      const { messageId, fence } = of;
      const newest = readRows(on, attempts, eq(attempts.messageId, messageId), {
        orderBy: desc(attempts.fence),
        limit,
      });
      if (!saysLease(of)) return newest.reverse();
      const renewed = newest[0]?.fence === fence ? newest.shift() : undefined;
      const all = [{ ...leaseOf(of), renewedAt: renewed?.renewedAt ?? null }, ...newest];
      return all.slice(0, limit).reverse();
    },

    /** Whether the agent ever held a lease of it. */
    workedOn: async (on: ReadTx, agentId: string, messageId: number): Promise<boolean> =>
      worked(on).get({ messageId, agentId }) !== undefined || isBy(agentId, workById(on, messageId)),
    /** The newest message that the agent may ever have held a lease of; 0 for none. */
    mayHaveWorkedUpTo: (on: ReadTx, agentId: string): number =>
      hasWorked.get(on, agentId) ? Math.max(unknownUpTo, newest.get(agentId) ?? 0) : 0,
    removeAttemptsOf: async (tx: Tx, messageIds: readonly number[]): Promise<void> => {
      tx.db.delete(attempts).where(inIds(attempts.messageId, messageIds)).run();
    },
    /** The messages among these that the agent ever held a lease of. */
    workedAmong(on: ReadTx, agentId: string, ids: readonly number[]): Set<number> {
      const among = { ids: JSON.stringify(ids), agentId };
      return new Set([...workedAmong(on).all(among), ...heldAmong(on).all(among)].map((row) => row.id));
    },
  };
}

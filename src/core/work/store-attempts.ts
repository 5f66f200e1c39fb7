import { and, desc, eq, sql } from "drizzle-orm";
import { bound, fixedLimit } from "../../kernel/db/bound.ts";
import type { Db, ReadTx, Tx } from "../../kernel/db/database.ts";
import { inList } from "../../kernel/db/lists.ts";
import type { AttemptEnd, AttemptRow } from "./row.ts";
import { attempts } from "./tables.ts";

const p = sql.placeholder;

/** Leases that work has had, each with its end. */
export function createAttemptStore(db: Db) {
  const addAttempt = db.statement((q) =>
    q
      .insert(attempts)
      .values({
        messageId: p("messageId"),
        fence: p("fence"),
        agentId: p("agentId"),
        attempt: p("attempt"),
        claimedAt: p("claimedAt"),
      })
      .prepare(),
  );
  const endAttempt = db.statement((q) =>
    q
      .update(attempts)
      .set({
        endedAt: sql`${p("at")}`,
        outcome: sql`${p("outcome")}`,
        error: sql`${p("error")}`,
        resultId: sql`${p("resultId")}`,
      })
      .where(and(eq(attempts.messageId, bound("messageId")), eq(attempts.fence, bound("fence"))))
      .prepare(),
  );
  const attemptOf = db.statement((q) =>
    q
      .select()
      .from(attempts)
      .where(and(eq(attempts.messageId, bound("messageId")), eq(attempts.fence, bound("fence"))))
      .prepare(),
  );
  const worked = db.statement((q) =>
    q
      .select({ one: sql`1` })
      .from(attempts)
      .where(and(eq(attempts.messageId, bound("messageId")), eq(attempts.agentId, bound("agentId"))))
      .limit(fixedLimit(1))
      .prepare(),
  );
  const hasWorked = db.statement((q) =>
    q
      .select({ one: sql`1` })
      .from(attempts)
      .where(eq(attempts.agentId, bound("agentId")))
      .limit(fixedLimit(1))
      .prepare(),
  );
  const workedAmong = db.statement((q) =>
    q
      .select({ id: attempts.messageId })
      .from(attempts)
      .where(and(inList(attempts.messageId, "ids"), eq(attempts.agentId, bound("agentId"))))
      .prepare(),
  );

  return {
    addAttempt: async (tx: Tx, row: Pick<AttemptRow, "messageId" | "fence" | "agentId" | "attempt" | "claimedAt">) => {
      addAttempt(tx).run(row);
    },
    endAttempt: async (tx: Tx, messageId: number, fence: number, end: AttemptEnd): Promise<void> => {
      endAttempt(tx).run({ messageId, fence, error: null, resultId: null, ...end });
    },
    renewAttempt: async (tx: Tx, messageId: number, fence: number, at: number): Promise<void> => {
      tx.db
        .update(attempts)
        .set({ renewedAt: at })
        .where(and(eq(attempts.messageId, messageId), eq(attempts.fence, fence)))
        .run();
    },
    attempt: async (on: ReadTx, messageId: number, fence: number): Promise<AttemptRow | undefined> =>
      attemptOf(on).get({ messageId, fence }),
    attemptsOf: async (on: ReadTx, messageId: number, limit: number): Promise<AttemptRow[]> =>
      on.db
        .select()
        .from(attempts)
        .where(eq(attempts.messageId, messageId))
        .orderBy(desc(attempts.fence))
        .limit(limit)
        .all()
        .reverse(),

    /** Whether the agent ever held a lease of it. */
    workedOn: async (on: ReadTx, agentId: string, messageId: number): Promise<boolean> =>
      worked(on).get({ messageId, agentId }) !== undefined,
    /** Whether the agent ever held a lease. */
    hasWorked: (on: ReadTx, agentId: string): boolean => hasWorked(on).get({ agentId }) !== undefined,
    /** The messages among these that the agent ever held a lease of. */
    workedAmong: (on: ReadTx, agentId: string, ids: readonly number[]): Set<number> =>
      new Set(
        workedAmong(on)
          .all({ ids: JSON.stringify(ids), agentId })
          .map((row) => row.id),
      ),
  };
}

import { and, asc, desc, eq, gt, isNotNull, isNull, lte, sql } from "drizzle-orm";
import { bound } from "../../kernel/db/bound.ts";
import type { Db, Reading, Tx } from "../../kernel/db/database.ts";
import type { AgentId } from "../../protocol/ids.ts";
import { outsideAgents, outsideCalls } from "./tables.ts";

export type OutsideRow = typeof outsideAgents.$inferSelect;
export type CallRow = typeof outsideCalls.$inferSelect;

export type OutsideStore = ReturnType<typeof createOutsideStore>;

/** Agents of other machines, and the calls to them. */
export function createOutsideStore(db: Db) {
  const isOutside = db.statement((q) =>
    q
      .select({ agentId: outsideAgents.agentId })
      .from(outsideAgents)
      .where(eq(outsideAgents.agentId, bound("agentId")))
      .prepare(),
  );
  const call = (messageId: number, agentId: string) =>
    and(eq(outsideCalls.messageId, messageId), eq(outsideCalls.agentId, agentId));

  return {
    isOutside: async (on: Reading, agentId: string): Promise<boolean> => isOutside(on).get({ agentId }) !== undefined,
    byId: async (on: Reading, agentId: string): Promise<OutsideRow | undefined> =>
      on.db.select().from(outsideAgents).where(eq(outsideAgents.agentId, agentId)).get(),
    page: async (on: Reading, after: string | undefined, limit: number): Promise<OutsideRow[]> =>
      on.db
        .select()
        .from(outsideAgents)
        .where(after === undefined ? undefined : gt(outsideAgents.agentId, after))
        .orderBy(asc(outsideAgents.agentId))
        .limit(limit)
        .all(),
    ids: async (on: Reading, limit: number): Promise<string[]> =>
      on.db
        .select({ agentId: outsideAgents.agentId })
        .from(outsideAgents)
        .limit(limit)
        .all()
        .map((row) => row.agentId),
    put: async (tx: Tx, row: OutsideRow): Promise<void> => {
      tx.db.insert(outsideAgents).values(row).onConflictDoUpdate({ target: outsideAgents.agentId, set: row }).run();
    },
    change: async (tx: Tx, agentId: string, change: Partial<OutsideRow>): Promise<void> => {
      tx.db.update(outsideAgents).set(change).where(eq(outsideAgents.agentId, agentId)).run();
    },
    remove: async (tx: Tx, agentId: string): Promise<void> => {
      tx.db.delete(outsideAgents).where(eq(outsideAgents.agentId, agentId)).run();
    },

    call: async (on: Reading, messageId: number, agentId: string): Promise<CallRow | undefined> =>
      on.db.select().from(outsideCalls).where(call(messageId, agentId)).get(),
    callsOf: async (on: Reading, messageId: number, limit: number): Promise<CallRow[]> =>
      on.db.select().from(outsideCalls).where(eq(outsideCalls.messageId, messageId)).limit(limit).all(),
    addCall: async (tx: Tx, row: CallRow): Promise<void> => {
      tx.db.insert(outsideCalls).values(row).onConflictDoNothing().run();
    },
    changeCall: async (tx: Tx, row: CallRow, change: Partial<CallRow>): Promise<CallRow> => {
      tx.db.update(outsideCalls).set(change).where(call(row.messageId, row.agentId)).run();
      return { ...row, ...change };
    },
    /** Call of a question. */
    byQuestion: async (on: Reading, agentId: string, questionId: number): Promise<CallRow | undefined> =>
      on.db
        .select()
        .from(outsideCalls)
        .where(and(eq(outsideCalls.questionId, questionId), eq(outsideCalls.agentId, agentId)))
        .get(),
    byDelegation: async (on: Reading, agentId: AgentId, delegationId: string): Promise<CallRow | undefined> =>
      on.db
        .select()
        .from(outsideCalls)
        .where(and(eq(outsideCalls.delegationId, delegationId), eq(outsideCalls.agentId, agentId)))
        .get(),
    /** The agent's context for a thread. */
    contextOf: async (on: Reading, agentId: string, threadId: number): Promise<string | undefined> =>
      on.db
        .select({ contextId: outsideCalls.contextId })
        .from(outsideCalls)
        .where(
          and(
            eq(outsideCalls.agentId, agentId),
            eq(outsideCalls.threadId, threadId),
            isNotNull(outsideCalls.contextId),
          ),
        )
        .orderBy(desc(outsideCalls.messageId))
        .limit(1)
        .get()?.contextId ?? undefined,
    /** Tasks under way at one of them, counted no further than `limit`. */
    countOpen: async (on: Reading, agentId: string, limit: number): Promise<number> => {
      const open = on.db
        .select({ one: sql`1` })
        .from(outsideCalls)
        .where(and(eq(outsideCalls.agentId, agentId), isNull(outsideCalls.endedAt)))
        .limit(limit);
      return open.all().length;
    },
    endAll: async (tx: Tx, agentId: string, at: number): Promise<void> => {
      tx.db
        .update(outsideCalls)
        .set({ endedAt: at })
        .where(and(eq(outsideCalls.agentId, agentId), isNull(outsideCalls.endedAt)))
        .run();
    },
    /** Deletes some calls whose messages retention has passed. */
    forget: async (tx: Tx, upTo: number, limit: number): Promise<number> => {
      const some = tx.db
        .select({ rowid: sql<number>`rowid` })
        .from(outsideCalls)
        .where(and(lte(outsideCalls.messageId, upTo), isNotNull(outsideCalls.endedAt)))
        .limit(limit)
        .all()
        .map(({ rowid }) => rowid);
      if (some.length)
        tx.db
          .delete(outsideCalls)
          .where(sql`rowid in (select value from json_each(${JSON.stringify(some)}))`)
          .run();
      return some.length;
    },
  };
}

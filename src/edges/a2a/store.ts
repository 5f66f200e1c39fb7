import { and, asc, desc, eq, gt, isNotNull, isNull, lte, type SQL, sql } from "drizzle-orm";
import type { Db, ReadTx, Tx } from "../../kernel/db/database.ts";
import { deleteSome } from "../../kernel/db/delete-some.ts";
import { readValues } from "../../kernel/db/reads.ts";
import { columnsWhere, equal } from "../../kernel/db/statements.ts";
import type { AgentId } from "../../protocol/ids.ts";
import { externalAgents, externalCalls } from "./tables.ts";

export type ExternalRow = typeof externalAgents.$inferSelect;
export type CallRow = typeof externalCalls.$inferSelect;

export type ExternalStore = ReturnType<typeof createExternalStore>;

/** Most external agents. Every message for a group checks the membership of each. */
export const MAX_EXTERNAL = 200;

const isExternal = columnsWhere({ agentId: externalAgents.agentId }, externalAgents, equal(externalAgents, "agentId"));

/** External agents, and the calls to them. */
export function createExternalStore(db: Db) {
  // Every send asks.
  const known = db.keep("external agents", (on, agentId): boolean => isExternal(on).get({ agentId }) !== undefined);
  // Every send to a group asks.
  const ids = db.keep("all external agents", (on): readonly string[] =>
    readValues(on, externalAgents.agentId, undefined, { limit: MAX_EXTERNAL }),
  );
  const call = (messageId: number, agentId: string) =>
    and(eq(externalCalls.messageId, messageId), eq(externalCalls.agentId, agentId));
  const agents = (on: ReadTx) => on.db.select().from(externalAgents);
  const calls = (on: ReadTx, where: SQL | undefined) => on.db.select().from(externalCalls).where(where);
  const isOpen = (agentId: string) => and(eq(externalCalls.agentId, agentId), isNull(externalCalls.endedAt));

  return {
    isExternal: (on: ReadTx, agentId: string): boolean => known.get(on, agentId),
    byId: async (on: ReadTx, agentId: string): Promise<ExternalRow | undefined> =>
      agents(on).where(eq(externalAgents.agentId, agentId)).get(),
    page: async (on: ReadTx, after: string | undefined, limit: number): Promise<ExternalRow[]> =>
      agents(on)
        .where(after === undefined ? undefined : gt(externalAgents.agentId, after))
        .orderBy(asc(externalAgents.agentId))
        .limit(limit)
        .all(),
    /** The first 200. */
    ids: (on: ReadTx): readonly string[] => ids.get(on, "all"),
    put: async (tx: Tx, row: ExternalRow): Promise<void> => {
      tx.db.insert(externalAgents).values(row).onConflictDoUpdate({ target: externalAgents.agentId, set: row }).run();
      known.forget(row.agentId);
      ids.forget();
    },
    change: async (tx: Tx, agentId: string, change: Partial<ExternalRow>): Promise<void> => {
      tx.db.update(externalAgents).set(change).where(eq(externalAgents.agentId, agentId)).run();
    },
    remove: async (tx: Tx, agentId: string): Promise<void> => {
      tx.db.delete(externalAgents).where(eq(externalAgents.agentId, agentId)).run();
      known.forget(agentId);
      ids.forget();
    },

    call: async (on: ReadTx, messageId: number, agentId: string): Promise<CallRow | undefined> =>
      calls(on, call(messageId, agentId)).get(),
    callsOf: async (on: ReadTx, messageId: number, limit: number): Promise<CallRow[]> =>
      calls(on, eq(externalCalls.messageId, messageId)).limit(limit).all(),
    addCall: async (tx: Tx, row: CallRow): Promise<void> => {
      tx.db.insert(externalCalls).values(row).onConflictDoNothing().run();
    },
    changeCall: async (tx: Tx, row: CallRow, change: Partial<CallRow>): Promise<CallRow> => {
      tx.db.update(externalCalls).set(change).where(call(row.messageId, row.agentId)).run();
      return { ...row, ...change };
    },
    /** Call of a question. */
    byQuestion: async (on: ReadTx, agentId: string, questionId: number): Promise<CallRow | undefined> =>
      calls(on, and(eq(externalCalls.questionId, questionId), eq(externalCalls.agentId, agentId))).get(),
    byDelegation: async (on: ReadTx, agentId: AgentId, delegationId: string): Promise<CallRow | undefined> =>
      calls(on, and(eq(externalCalls.delegationId, delegationId), eq(externalCalls.agentId, agentId))).get(),
    /** The agent's context for a thread. */
    async contextOf(on: ReadTx, agentId: string, threadId: number): Promise<string | undefined> {
      const { contextId, messageId } = externalCalls;
      const where = and(eq(externalCalls.agentId, agentId), eq(externalCalls.threadId, threadId), isNotNull(contextId));
      return calls(on, where).orderBy(desc(messageId)).limit(1).get()?.contextId ?? undefined;
    },
    /** Tasks under way at one of them, counted no further than `limit`. */
    countOpen: async (on: ReadTx, agentId: string, limit: number): Promise<number> =>
      on.db.select({ one: sql`1` }).from(externalCalls).where(isOpen(agentId)).limit(limit).all().length,
    endAll: async (tx: Tx, agentId: string, at: number): Promise<void> => {
      tx.db.update(externalCalls).set({ endedAt: at }).where(isOpen(agentId)).run();
    },
    /** Deletes some calls whose messages retention has passed. */
    forget: async (tx: Tx, upTo: number, limit: number): Promise<number> =>
      deleteSome(tx, externalCalls, and(lte(externalCalls.messageId, upTo), isNotNull(externalCalls.endedAt)), limit),
  };
}

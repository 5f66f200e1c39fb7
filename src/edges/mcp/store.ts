import { and, desc, eq, inArray } from "drizzle-orm";
import type { ReadTx, Tx } from "../../kernel/db/database.ts";
import type { AgentId } from "../../protocol/ids.ts";
import { mcpSessions } from "./tables.ts";

export type SessionRow = typeof mcpSessions.$inferSelect;

export function createSessionStore() {
  return {
    find: async (on: ReadTx, id: string): Promise<SessionRow | undefined> =>
      on.db.select().from(mcpSessions).where(eq(mcpSessions.id, id)).get(),
    add: async (tx: Tx, row: SessionRow): Promise<void> => {
      tx.db.insert(mcpSessions).values(row).run();
    },
    /** The agent's sessions beyond its newest `keep` are ended. */
    prune: async (tx: Tx, agentId: string, keep: number): Promise<void> => {
      const old = tx.db
        .select({ id: mcpSessions.id })
        .from(mcpSessions)
        .where(eq(mcpSessions.agentId, agentId))
        .orderBy(desc(mcpSessions.createdAt), desc(mcpSessions.id))
        .limit(100)
        .offset(keep)
        .all();
      const ids = old.map((row) => row.id);
      if (ids.length) tx.db.delete(mcpSessions).where(inArray(mcpSessions.id, ids)).run();
    },
    setSubscriptions: async (tx: Tx, id: string, subscriptions: string[]): Promise<void> => {
      tx.db.update(mcpSessions).set({ subscriptions }).where(eq(mcpSessions.id, id)).run();
    },
    end: async (tx: Tx, agentId: AgentId, id: string): Promise<void> => {
      tx.db
        .delete(mcpSessions)
        .where(and(eq(mcpSessions.id, id), eq(mcpSessions.agentId, agentId)))
        .run();
    },
    endAllOf: async (tx: Tx, agentId: string): Promise<void> => {
      tx.db.delete(mcpSessions).where(eq(mcpSessions.agentId, agentId)).run();
    },
  };
}

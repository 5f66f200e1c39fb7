import { and, eq, lte, sql } from "drizzle-orm";
import { bound } from "../../kernel/db/bound.ts";
import type { Db, Reading, Tx } from "../../kernel/db/database.ts";
import type { AgentId } from "../../protocol/ids.ts";
import { taskContexts } from "./tables.ts";

export type ContextRow = typeof taskContexts.$inferSelect;

export type ContextStore = ReturnType<typeof createContextStore>;

/** Which thread a client's own name for a context means. */
export function createContextStore(db: Db) {
  const nameOf = db.statement((q) =>
    q
      .select({ contextId: taskContexts.contextId })
      .from(taskContexts)
      .where(and(eq(taskContexts.threadId, bound("threadId")), eq(taskContexts.ownerId, bound("ownerId"))))
      .prepare(),
  );
  return {
    nameOf: async (on: Reading, ownerId: string, threadId: number): Promise<string | undefined> =>
      nameOf(on).get({ ownerId, threadId })?.contextId,
    byName: async (on: Reading, ownerId: AgentId, contextId: string): Promise<ContextRow | undefined> =>
      on.db
        .select()
        .from(taskContexts)
        .where(and(eq(taskContexts.ownerId, ownerId), eq(taskContexts.contextId, contextId)))
        .get(),
    add: async (tx: Tx, row: ContextRow): Promise<void> => {
      tx.db.insert(taskContexts).values(row).onConflictDoNothing().run();
    },
    /** Forgets some of those whose threads retention took. */
    forget: async (tx: Tx, upTo: number, limit: number): Promise<number> => {
      const some = tx.db
        .select({ rowid: sql<number>`rowid` })
        .from(taskContexts)
        .where(lte(taskContexts.threadId, upTo))
        .limit(limit)
        .all()
        .map(({ rowid }) => rowid);
      if (some.length)
        tx.db
          .delete(taskContexts)
          .where(sql`rowid in (select value from json_each(${JSON.stringify(some)}))`)
          .run();
      return some.length;
    },
  };
}

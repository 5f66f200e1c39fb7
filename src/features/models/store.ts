import { and, asc, eq, gt } from "drizzle-orm";
import { bound, boundLimit, fixedLimit } from "../../kernel/db/bound.ts";
import type { Db, ReadTx, Tx } from "../../kernel/db/database.ts";
import { everyColumn } from "../../kernel/db/statements.ts";
import { agentModels } from "./tables.ts";

export type ModelRow = typeof agentModels.$inferSelect;
export type ModelStore = ReturnType<typeof createModelStore>;

/** Models of agents. A page of the union runs one statement for each model, so all are prepared. */
export function createModelStore(db: Db) {
  const insert = db.statement((q) => q.insert(agentModels).values(everyColumn(agentModels)).prepare());
  const nextId = db.statement((q) =>
    q
      .select({ id: agentModels.id })
      .from(agentModels)
      .where(gt(agentModels.id, bound("after")))
      .orderBy(asc(agentModels.id))
      .limit(fixedLimit(1))
      .prepare(),
  );
  const holders = db.statement((q) =>
    q
      .select()
      .from(agentModels)
      .where(eq(agentModels.id, bound("id")))
      .orderBy(asc(agentModels.agentId))
      .limit(boundLimit("limit"))
      .prepare(),
  );
  const agentsOf = db.statement((q) =>
    q
      .select({ agentId: agentModels.agentId })
      .from(agentModels)
      .where(eq(agentModels.id, bound("id")))
      .limit(boundLimit("limit"))
      .prepare(),
  );

  return {
    /** In the order that the agent gave. */
    ofAgent: async (on: ReadTx, agentId: string): Promise<ModelRow[]> =>
      on.db.select().from(agentModels).where(eq(agentModels.agentId, agentId)).orderBy(asc(agentModels.position)).all(),
    async replace(tx: Tx, agentId: string, rows: readonly ModelRow[]): Promise<void> {
      tx.db.delete(agentModels).where(eq(agentModels.agentId, agentId)).run();
      for (const row of rows) insert(tx).run({ ...row });
    },

    /** Next models after one, by id, each once. Skips from id to id, as a model may have a thousand agents. */
    async ids(on: ReadTx, after: string, limit: number): Promise<string[]> {
      const ids: string[] = [];
      for (let last = after; ids.length < limit; ) {
        const next = nextId(on).get({ after: last });
        if (!next) break;
        ids.push(next.id);
        last = next.id;
      }
      return ids;
    },
    /** Models of one agent after one, by id. */
    idsOf: async (on: ReadTx, agentId: string, after: string, limit: number): Promise<string[]> =>
      on.db
        .select({ id: agentModels.id })
        .from(agentModels)
        .where(and(eq(agentModels.agentId, agentId), gt(agentModels.id, after)))
        .orderBy(asc(agentModels.id))
        .limit(limit)
        .all()
        .map(({ id }) => id),
    /** Rows of the agents that have a model, by agent. */
    holders: async (on: ReadTx, id: string, limit: number): Promise<ModelRow[]> => holders(on).all({ id, limit }),
    /** Row of one agent. */
    holder: async (on: ReadTx, id: string, agentId: string): Promise<ModelRow | undefined> =>
      on.db
        .select()
        .from(agentModels)
        .where(and(eq(agentModels.id, id), eq(agentModels.agentId, agentId)))
        .get(),
    /** Number of agents that have a model, counted up to a limit. */
    count: async (on: ReadTx, id: string, limit: number): Promise<number> => agentsOf(on).all({ id, limit }).length,
  };
}

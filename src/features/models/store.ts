import { and, asc, eq, gt } from "drizzle-orm";
import { bound } from "../../kernel/db/bound.ts";
import type { ReadTx, Tx } from "../../kernel/db/database.ts";
import { statement } from "../../kernel/db/prepared.ts";
import { readRows, readValues } from "../../kernel/db/reads.ts";
import { columnsWhere, equal, everyColumn, pick, rowsWhere } from "../../kernel/db/statements.ts";
import { agentModels } from "./tables.ts";

export type ModelRow = typeof agentModels.$inferSelect;
export type ModelStore = ReturnType<typeof createModelStore>;

const insert = statement((q) => q.insert(agentModels).values(everyColumn(agentModels)).prepare());
const nextId = columnsWhere(pick(agentModels, "id"), agentModels, gt(agentModels.id, bound("after")), {
  orderBy: asc(agentModels.id),
  limit: 1,
});
const holders = rowsWhere(agentModels, equal(agentModels, "id"), {
  orderBy: asc(agentModels.agentId),
  limit: "limit",
});
const agentsOf = columnsWhere(pick(agentModels, "agentId"), agentModels, equal(agentModels, "id"), {
  limit: "limit",
});
const holder = rowsWhere(agentModels, equal(agentModels, "id", "agentId"));

/** Models of agents. A page of the union runs one statement for each model, so all are prepared. */
export function createModelStore() {
  return {
    /** In the order that the agent gave. */
    ofAgent: async (on: ReadTx, agentId: string): Promise<ModelRow[]> =>
      readRows(on, agentModels, eq(agentModels.agentId, agentId), { orderBy: asc(agentModels.position) }),
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
      readValues(on, agentModels.id, and(eq(agentModels.agentId, agentId), gt(agentModels.id, after)), {
        ...{ orderBy: asc(agentModels.id), limit },
      }),
    /** Rows of the agents that have a model, by agent. */
    holders: async (on: ReadTx, id: string, limit: number): Promise<ModelRow[]> => holders(on).all({ id, limit }),
    /** Row of one agent. */
    holder: async (on: ReadTx, id: string, agentId: string): Promise<ModelRow | undefined> =>
      holder(on).get({ id, agentId }),
    /** Number of agents that have a model, counted up to a limit. */
    count: async (on: ReadTx, id: string, limit: number): Promise<number> => agentsOf(on).all({ id, limit }).length,
  };
}

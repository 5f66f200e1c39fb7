import type { Areas } from "../../core/core.ts";
import type { Caller } from "../../identity/auth/caller.ts";
import type { ReadTx, Tx } from "../../kernel/db/database.ts";
import { type PageQuery, readList } from "../../kernel/pages.ts";
import type { AgentModels, Model, ParsedModelsReport } from "../../protocol/models.ts";
import { Problem } from "../../protocol/problem.ts";
import { type List, toTime } from "../../protocol/wire.ts";
import type { ModelRow, ModelStore } from "./store.ts";

/** Agents shown with a model, and counted. */
const SHOWN = 100;
const COUNTED = 1000;

export type ModelService = ReturnType<typeof createModelService>;

/** Models that agents tell of themselves. */
export function createModelService({ kernel, identity }: Areas, store: ModelStore) {
  const { clock } = kernel;
  const { activity, agents } = identity;

  async function shown(on: ReadTx, id: string, agentId: string | undefined): Promise<Model> {
    const own = agentId === undefined ? undefined : await store.holder(on, id, agentId);
    const rows = own ? [own] : await store.holders(on, id, SHOWN);
    const [first] = rows;
    return {
      ...{ id, name: first?.name ?? id, provider: first?.provider ?? null },
      agents: rows.map(({ agentId, name, provider, isDefault }) => ({ agentId, name, provider, isDefault })),
      agentCount: own || rows.length < SHOWN ? rows.length : await store.count(on, id, COUNTED),
    };
  }

  return {
    /** `PUT /v1/agents/{id}/models`. The same list again changes nothing. @throws Problem 403, 404, 409, 410 */
    async put(tx: Tx, caller: Caller, id: string, body: ParsedModelsReport): Promise<AgentModels> {
      const { id: agentId, kind } = await agents.requireSpokenFor(tx, caller, id);
      if (kind === "user" || kind === "system") throw new Problem("forbidden", `${id} is no agent that has models.`);
      const before = await store.ofAgent(tx, agentId);
      const rows = rowsOf(agentId, body, clock.now());
      if (isSame(before, rows)) return toAgentModels(agentId, before);
      await store.replace(tx, agentId, rows);
      if (caller.role === "operator")
        await activity.record(tx, caller, "models.changed", agentId, { models: rows.length });
      return toAgentModels(agentId, rows);
    },

    /** `GET /v1/models`, by id: the union over all agents, or one agent's. @throws Problem 403, 409 */
    async list(
      on: ReadTx,
      caller: Caller,
      query: PageQuery<string> & { agent?: string | undefined },
    ): Promise<List<Model>> {
      await agents.requireCurrent(on, caller);
      const { agent } = query;
      return readList(
        query,
        (count, after = "") => (agent ? store.idsOf(on, agent, after, count) : store.ids(on, after, count)),
        (id) => shown(on, id, agent),
        (id) => id,
      );
    },

    dropAgent: (tx: Tx, agentId: string): Promise<void> => store.replace(tx, agentId, []),
  };
}

const rowsOf = (agentId: string, { items, default: preferred }: ParsedModelsReport, now: number): ModelRow[] =>
  items.map(({ id, name, provider = null }, position) => ({
    ...{ agentId, id, position, name, provider },
    isDefault: id === preferred,
    updatedAt: now,
  }));

const isSame = (before: readonly ModelRow[], now: readonly ModelRow[]): boolean =>
  Bun.deepEquals(
    before.map(({ updatedAt: _, ...row }) => row),
    now.map(({ updatedAt: _, ...row }) => row),
  );

const toAgentModels = (agentId: string, rows: readonly ModelRow[]): AgentModels => ({
  agentId,
  items: rows.map(({ id, name, provider }) => ({ id, name, provider })),
  default: rows.find(({ isDefault }) => isDefault)?.id ?? null,
  updatedAt: rows[0] ? toTime(rows[0].updatedAt) : null,
});

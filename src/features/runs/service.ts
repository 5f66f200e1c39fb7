import type { Areas } from "../../core/core.ts";
import type { Caller } from "../../identity/auth/caller.ts";
import type { ReadTx, Tx } from "../../kernel/db/database.ts";
import { jsonBytes, PAGE_BYTES, type PageQuery } from "../../kernel/pages.ts";
import type { ParsedRun, Run, RunStarted } from "../../protocol/runs.ts";
import type { List } from "../../protocol/wire.ts";
import type { RunAccess } from "./access.ts";
import type { Asked, Begin } from "./begin.ts";
import { tokenOf } from "./fence.ts";
import type { RunRow } from "./row.ts";
import type { RunStore } from "./store.ts";
import { type RunFilter, runLists } from "./store-lists.ts";
import { readRun } from "./view.ts";

export type RunService = ReturnType<typeof createRunService>;

/** Runs as callers ask for them. */
export function createRunService(
  { kernel, identity, core }: Areas,
  { store, access, begin }: { store: RunStore; access: RunAccess; begin: Begin },
) {
  const { idempotency } = kernel;
  const { agents } = identity;

  /** A run as the caller may see it: its runner sees the fence too. */
  const show = async (on: ReadTx, caller: Caller, row: RunRow): Promise<Run> =>
    readRun(on, store, row, caller.role !== "viewer" && (await access.runsFor(on, caller, row.agentId)));

  return {
    show,

    /** `POST /v1/runs`: once for each idempotency key. */
    create: (tx: Tx, caller: Caller, body: ParsedRun, token: string | null, key: string | undefined, how?: Asked) =>
      idempotency.once<Run>(tx, {
        ...{ sender: begin.sender(caller), key, operation: "createRun", asked: [asItself(caller, body), token] },
        async make() {
          const row = await begin.begin(tx, caller, body, token, how);
          return { subject: row.id, made: await show(tx, caller, row) };
        },
        async again(subject) {
          const row = await store.byId(tx, subject);
          return row && show(tx, caller, row);
        },
      }),

    /** Answer of a runner that took a turn. */
    async started(on: ReadTx, caller: Caller, row: RunRow): Promise<RunStarted> {
      return { run: await show(on, caller, row), turnId: row.turnId, token: tokenOf(row.turnId) };
    },

    /** `GET /v1/runs/{id}`. @throws Problem 403, 404, 409 */
    get: async (on: ReadTx, caller: Caller, id: string): Promise<Run> =>
      show(on, caller, await access.requireReadable(on, caller, id)),

    /** `GET /v1/runs`: those that the caller may read, newest first. @throws Problem 403, 409 */
    async list(
      on: ReadTx,
      caller: Caller,
      { limit, page, ...filter }: RunFilter & PageQuery<number>,
    ): Promise<List<Run>> {
      await agents.requireReader(on, caller);
      const among = await core.facets.find(on, "run", filter, page);
      const { rows, reached } = await runLists.page(on, filter, page, limit, among);
      const items: Run[] = [];
      let size = 0;
      let last: number | undefined;
      for (const row of rows) {
        if (await access.mayRead(on, caller, row)) {
          const shown = await show(on, caller, row);
          size += jsonBytes(shown);
          if (size > PAGE_BYTES && items.length) return { items, nextPage: String(last) };
          items.push(shown);
        }
        last = row.number;
      }
      return { items, nextPage: reached === null ? null : String(reached) };
    },
  };
}

/** The request without the caller's own name, which it may leave out. An orchestrator that leaves it out begins in its agent's name. */
const asItself = (caller: Caller, { agentId, from, ...asked }: ParsedRun) => ({
  ...asked,
  agentId: agentId === caller.agentId ? undefined : agentId,
  from: from === caller.agentId && caller.role !== "orchestrator" ? undefined : from,
});

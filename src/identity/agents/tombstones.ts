import type { ReadTx, Tx } from "../../kernel/db/database.ts";
import { Problem } from "../../protocol/problem.ts";
import { actingAs, type Caller } from "../auth/caller.ts";
import type { AuthService } from "../auth/service.ts";
import type { Base } from "../base.ts";
import { gone, isShrunk } from "./deleted.ts";
import { blankAgent } from "./merge.ts";
import type { Registry } from "./registry.ts";
import type { AgentRow } from "./row.ts";

/** Deleting agents and restoring them. A deleted agent leaves its row, so that its id stays its own. */
export function createTombstones({ kernel, activity, directory, rows }: Base, auth: AuthService, registry: Registry) {
  const { clock, hooks, headOf } = kernel;
  const { agents: store } = rows;
  const { fence, save, requireRow } = registry;
  /** In the write: before the agent's memberships end. */
  const deleting = hooks.event<[agentId: string]>("agents.deleting");
  const restored = hooks.event<[agent: AgentRow]>("agents.restored");

  /** An orchestrator acts for the agents that it has enrolled. */
  async function isEnroller(on: ReadTx, caller: Caller, id: string): Promise<boolean> {
    const { role, agentId, prefix } = caller;
    if (role !== "orchestrator" || agentId === null || agentId === id || !id.startsWith(prefix ?? " ")) return false;
    return auth.hasEnrolled(on, agentId, id);
  }

  /** `DELETE /v1/agents/{id}`. @throws Problem 403, 404, 409, 410 */
  async function remove(tx: Tx, caller: Caller, id: string): Promise<void> {
    actingAs(caller, id);
    if (caller.sessionId != null)
      throw new Problem("forbidden", `${id} outlives this session of it: its orchestrator or an operator deletes it.`);
    const row = await requireRow(tx, id);
    if (row.kind === "user" || row.kind === "system" || row.kind === "orchestrator")
      throw new Problem("forbidden", `${id} cannot be deleted.`);
    await bury(tx, caller, row);
  }

  /** Deletes an agent of any kind, for the feature that keeps it. @throws Problem 404, 409, 410 */
  async function retire(tx: Tx, caller: Caller, id: string): Promise<void> {
    await bury(tx, caller, await requireRow(tx, id));
  }

  async function bury(tx: Tx, caller: Caller, row: AgentRow): Promise<void> {
    const { id } = row;
    await fence(tx, caller, row);
    const gone: AgentRow = { ...row, status: "offline", deletedAt: clock.now(), deletedBy: caller.agentId };
    // Stored before anything of it ends: nothing that ends is told to it any more.
    await store.put(tx, gone);
    await deleting.raise(tx, id);
    await save(tx, gone);
    await auth.revokeAllOf(tx, id);
    await activity.record(tx, caller, "agent.deleted", id, {});
  }

  /** The agent as it comes back: without an instance, everything else as it was. Of a shrunk tombstone only kind and epoch are known. */
  function revived(on: ReadTx, row: AgentRow): AgentRow {
    if (isShrunk(row))
      return { ...blankAgent(row.id, row.id, clock.now(), headOf(on)), kind: row.kind, epoch: row.epoch };
    return { ...row, deletedAt: null, deletedBy: null, status: "offline", instanceId: null };
  }

  /** @throws Problem 403 unless the caller is an operator, or the orchestrator that deleted the agent. */
  async function requireMayRestore(on: ReadTx, caller: Caller, id: string, row: AgentRow | undefined): Promise<void> {
    if (caller.role === "operator") return;
    const isOwn = row?.deletedAt === null ? await isEnroller(on, caller, id) : row?.deletedBy === caller.agentId;
    if (caller.role === "orchestrator" && (row === undefined || isOwn)) return;
    throw new Problem("forbidden", `Only an operator, or the orchestrator that deleted ${id}, may restore it.`);
  }

  return {
    remove,
    retire,
    revived,

    /** `POST /v1/agents/{id}/restore`: the same agent, offline. Again: as it is. @throws Problem 403, 404, 410 */
    async restore(tx: Tx, caller: Caller, id: string): Promise<AgentRow> {
      const row = await directory.byId(tx, id);
      await requireMayRestore(tx, caller, id, row);
      const own = caller.role === "orchestrator" && caller.agentId !== null && directory.facts(tx, caller.agentId);
      if (own) await fence(tx, caller, own);
      if (!row) throw new Problem("not-found", `There never was an agent ${id}.`);
      if (row.deletedAt === null) return row;
      if (isShrunk(row)) throw gone(row);
      const agent = revived(tx, row);
      await save(tx, agent);
      await restored.raise(tx, agent);
      await activity.record(tx, caller, "agent.restored", id, {});
      return agent;
    },

    /** Past retention tombstones shrink: some at once. Answers how many. */
    shrink: (tx: Tx, before: number, limit: number): Promise<number> => store.shrink(tx, before, limit),
    deleting,
    restored,
  };
}

import type { Reading, Tx } from "../../kernel/db/database.ts";
import type { Kernel } from "../../kernel/kernel.ts";
import { Problem } from "../../protocol/problem.ts";
import type { ActivityService } from "../activity/service.ts";
import { actingAs, type Caller } from "../auth/caller.ts";
import type { AuthService } from "../auth/service.ts";
import { blankAgent } from "./merge.ts";
import type { AgentFacts, AgentRow } from "./row.ts";
import type { AgentStore } from "./store.ts";

export interface TombstoneParts {
  store: AgentStore;
  auth: AuthService;
  activity: ActivityService;
  /** @throws Problem 409 when the call names an instance that is not the agent's newest. */
  fence(on: Reading, caller: Caller, agent: Pick<AgentFacts, "id" | "instanceId" | "epoch">): Promise<void>;
  /** Stores the row, its memberships, and its place in the roster. */
  save(tx: Tx, row: AgentRow): Promise<void>;
  /** @throws Problem 404, 410 */
  requireRow(on: Reading, id: string): Promise<AgentRow>;
}

/** Past retention a tombstone keeps its id and kind alone. */
export const isShrunk = (row: Pick<AgentRow, "name">): boolean => row.name === "";

/** An id names one identity for ever: nobody registers it again. */
export function deleted(id: string): Problem {
  return new Problem(
    "deleted",
    `${id} was deleted. An operator can restore it (POST /v1/agents/${id}/restore); otherwise take another id.`,
  );
}

/** Refusal of what names a deleted agent. */
export function gone(row: Pick<AgentRow, "id" | "name">): Problem {
  const detail = isShrunk(row)
    ? `${row.id} was deleted too long ago: nothing of it is left but its id.`
    : `${row.id} was deleted. An operator can restore it.`;
  return new Problem("gone", detail);
}

/** Deleting agents and restoring them. A deleted agent leaves its row, so that its id stays its own. */
export function createTombstones({ clock, hooks, headOf }: Kernel, parts: TombstoneParts) {
  const { store, auth, activity, fence, save, requireRow } = parts;
  /** In the write: before the agent's memberships end. */
  const deleting = hooks.event<[agentId: string]>("agents.deleting");
  const restored = hooks.event<[agent: AgentRow]>("agents.restored");

  /** An orchestrator acts for the agents that it has enrolled. */
  async function isEnroller(on: Reading, caller: Caller, id: string): Promise<boolean> {
    const { role, agentId, prefix } = caller;
    if (role !== "orchestrator" || agentId === null || agentId === id || !id.startsWith(prefix ?? " ")) return false;
    return auth.hasEnrolled(on, agentId, id);
  }

  /** `DELETE /v1/agents/{id}`. @throws Problem 403, 404, 409, 410 */
  async function remove(tx: Tx, caller: Caller, id: string): Promise<void> {
    const isForOther = await isEnroller(tx, caller, id);
    if (!isForOther) actingAs(caller, id);
    const row = await requireRow(tx, id);
    if (row.kind === "user" || row.kind === "system" || row.kind === "orchestrator")
      throw new Problem("forbidden", `${id} cannot be deleted.`);
    await bury(tx, caller, row, isForOther);
  }

  /** As `remove`, whatever its kind: for the feature that keeps it. @throws Problem 404, 409, 410 */
  async function retire(tx: Tx, caller: Caller, id: string): Promise<void> {
    await bury(tx, caller, await requireRow(tx, id), false);
  }

  async function bury(tx: Tx, caller: Caller, row: AgentRow, isForOther: boolean): Promise<void> {
    const { id } = row;
    const acting = isForOther && caller.agentId !== null ? await store.facts(tx, caller.agentId) : row;
    if (acting) await fence(tx, caller, acting);
    const gone: AgentRow = { ...row, status: "offline", deletedAt: clock.now(), deletedBy: caller.agentId };
    // Stored before anything of it ends: nothing that ends is told to it any more.
    await store.put(tx, gone);
    await deleting.raise(tx, id);
    await save(tx, gone);
    await auth.revokeAllOf(tx, id);
    await activity.record(tx, caller, "agent.deleted", id, {});
  }

  /** The agent as it comes back: without an instance, everything else as it was. Of a shrunk tombstone only kind and epoch are known. */
  function revived(on: Reading, row: AgentRow): AgentRow {
    if (isShrunk(row))
      return { ...blankAgent(row.id, row.id, clock.now(), headOf(on)), kind: row.kind, epoch: row.epoch };
    return { ...row, deletedAt: null, deletedBy: null, status: "offline", instanceId: null };
  }

  /** @throws Problem 403 unless the caller is an operator, or the orchestrator that deleted the agent. */
  async function requireMayRestore(on: Reading, caller: Caller, id: string, row: AgentRow | undefined): Promise<void> {
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
      const row = await store.byId(tx, id);
      await requireMayRestore(tx, caller, id, row);
      const own = caller.role === "orchestrator" && caller.agentId !== null && (await store.facts(tx, caller.agentId));
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

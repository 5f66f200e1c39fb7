import { distance } from "fastest-levenshtein";
import type { ReadTx, Tx } from "../../kernel/db/database.ts";
import type { InstanceId } from "../../protocol/ids.ts";
import { Problem } from "../../protocol/problem.ts";
import type { Caller } from "../auth/caller.ts";
import type { Base } from "../base.ts";
import { gone } from "./deleted.ts";
import type { AgentFacts, AgentRow } from "./row.ts";
import { groupsOf } from "./target.ts";

export type Registry = ReturnType<typeof createRegistry>;

/** Rows of agents, with their instances, memberships and places in the roster. */
export function createRegistry({ kernel, directory, roster, rows }: Base) {
  const { hooks, headOf } = kernel;
  const { agents: store } = rows;
  const regrouped = hooks.event<[agentId: string]>("agents.regrouped");

  /**
   * An orchestrator that acts for an agent of its own names its own instance.
   * @throws Problem 409 when the call names an instance that is not the agent's newest.
   */
  async function fence(on: ReadTx, caller: Caller, agent: Fenced): Promise<void> {
    if (caller.instanceId === null) return;
    const isForOther = caller.role === "orchestrator" && caller.agentId !== null && caller.agentId !== agent.id;
    const acting = isForOther ? directory.facts(on, caller.agentId as string) : agent;
    if (acting) await fenceTo(on, caller.instanceId, acting);
  }

  async function fenceTo(on: ReadTx, instanceId: InstanceId, agent: Fenced): Promise<void> {
    if (instanceId === agent.instanceId) return;
    // An operator's instance header can only mean the agent it acts for, never `user`.
    if (await store.instance(on, agent.id, instanceId)) throw supersededBy(agent, instanceId);
    throw new Problem("unknown-instance", `${instanceId} was never registered for ${agent.id}.`);
  }

  /** Stores an agent, its memberships, and its place in the roster. */
  async function save(tx: Tx, row: AgentRow): Promise<void> {
    await store.put(tx, row);
    const changed = await moveMemberships(tx, row.id, row.deletedAt === null ? [row.id, ...groupsOf(row)] : []);
    tx.afterCommit(() => {
      if (row.deletedAt === null) roster.put(row);
      else roster.remove(row.id);
    });
    if (changed) await regrouped.raise(tx, row.id);
  }

  async function moveMemberships(tx: Tx, agentId: string, targets: string[]): Promise<boolean> {
    const open = await directory.openMemberships(tx, agentId);
    const wanted = new Set(targets);
    const left = open.filter((membership) => !wanted.has(membership.target));
    const joined = [...wanted].filter((target) => !open.some((membership) => membership.target === target));
    const head = headOf(tx);
    for (const membership of left) await store.leave(tx, membership, head);
    for (const target of joined) await store.join(tx, agentId, target, head);
    return left.length + joined.length > 0;
  }

  /** @throws Problem 404, 410 */
  async function requireRow(on: ReadTx, id: string): Promise<AgentRow> {
    const row = await directory.byId(on, id);
    if (!row) throw new Problem("not-found", `There is no agent ${id}.`, { suggestions: suggest(id) });
    if (row.deletedAt !== null) throw gone(row);
    return row;
  }

  /** Registered names nearest to a mistyped one. */
  function suggest(name: string, among: Iterable<string> = roster.ids()): string[] {
    const near: [number, string][] = [];
    for (const id of among) {
      const far = distance(name.slice(0, 64), id.slice(0, 64));
      if (far <= 1 + name.length / 3) near.push([far, id]);
    }
    return near
      .sort((a, b) => a[0] - b[0] || (a[1] < b[1] ? -1 : 1))
      .slice(0, 3)
      .map(([, id]) => id);
  }

  return { fence, save, requireRow, suggest, regrouped };
}

type Fenced = Pick<AgentFacts, "id" | "instanceId" | "epoch">;

export function supersededBy(agent: { id: string; instanceId: string | null; epoch: number }, given: string): Problem {
  return new Problem(
    "superseded",
    `Instance ${given} of ${agent.id} was superseded; epoch ${agent.epoch} is the agent now.`,
  );
}

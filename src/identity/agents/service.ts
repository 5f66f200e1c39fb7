import type { ReadTx, Tx } from "../../kernel/db/database.ts";
import { type PageQuery, readList } from "../../kernel/pages.ts";
import { reservedId } from "../../protocol/agent-ids.ts";
import type { Agent, AgentPatch, AgentRegistration, Heartbeat, RegisteredAgent } from "../../protocol/agents.ts";
import type { AgentId, InstanceId } from "../../protocol/ids.ts";
import { Problem } from "../../protocol/problem.ts";
import { type List, toTime } from "../../protocol/wire.ts";
import { actingAs, type Caller, enrolls, isAgent, mayJoin, readingAs, readsAll } from "../auth/caller.ts";
import type { AuthService } from "../auth/service.ts";
import type { Base } from "../base.ts";
import { deleted } from "./deleted.ts";
import { providerTag } from "./guess.ts";
import { applyRegistration, blankAgent } from "./merge.ts";
import { createRegistry, supersededBy } from "./registry.ts";
import type { AgentFacts, AgentRow } from "./row.ts";
import type { AgentFilter } from "./store.ts";
import { groupsOf } from "./target.ts";
import { createTombstones } from "./tombstones.ts";

export type AgentService = ReturnType<typeof createAgentService>;

/** Verbs of agents: registration, change, deletion, instances and group memberships. */
export function createAgentService(base: Base, auth: AuthService) {
  const { kernel, directory, roster, activity, rows } = base;
  const { db, clock, hooks, headOf, connections } = kernel;
  const { agents: store } = rows;
  const registry = createRegistry(base);
  const { fence, save, requireRow } = registry;
  /** An agent was registered, or has changed what it says of itself. `before` is undefined for a new or deleted one. */
  const registered = hooks.event<[caller: Caller, agent: AgentRow, before: AgentRow | undefined]>("agents.registered");
  const superseded = hooks.event<[agentId: AgentId, instanceId: InstanceId]>("agents.superseded");
  /** Agents that work on a project: asked of the areas that know. */
  const inProject = hooks.question<[project: string], readonly string[]>("agents.inProject");
  const tombstones = createTombstones(base, auth, registry);

  /** `PUT /v1/agents/{id}`. @throws Problem 403, 409, 422 */
  async function register(tx: Tx, caller: Caller, id: string, body: AgentRegistration, returns = isAccount) {
    const reserved = reservedId(id);
    if (reserved) throw Problem.invalid("id", reserved);
    const existing = await directory.byId(tx, id);
    await checkMayRegister(tx, caller, id, existing, body, returns);
    const base = standing(tx, existing) ?? blankAgent(id, body.name, clock.now(), headOf(tx));
    const row = applyRegistration(base, body, !existing);
    if (enrolls(caller, id) && row.kind !== "provider")
      throw new Problem("forbidden", `A token of role ${caller.role} registers providers alone.`);
    if (existing && body.status === undefined && row.status === "offline") row.status = "online";
    checkGroups(caller, row, existing);
    await enter(tx, caller, row, existing, body.instanceId);
    const agent: RegisteredAgent = wireAgent(row);
    if (enrolls(caller, id)) agent.token = await auth.enroll(tx, caller, id, body.instanceId ?? null);
    return { row: agent, created: !existing };
  }

  /** Stores a registration: the row, its instance and its memberships. */
  async function enter(
    tx: Tx,
    caller: Caller,
    row: AgentRow,
    existing: AgentRow | undefined,
    instanceId: string | undefined,
  ): Promise<void> {
    const current = existing?.deletedAt === null ? existing : undefined;
    row.lastSeenAt = clock.now();
    await takeInstance(tx, row, instanceId, caller);
    await save(tx, row);
    await registered.raise(tx, caller, row, current);
    const verb = existing ? "agent.restored" : "agent.registered";
    if (!current) await activity.record(tx, caller, verb, row.id, { kind: row.kind });
  }

  /** The agent's row; for a deleted agent, the row it would be restored as. */
  const standing = (on: ReadTx, existing: AgentRow | undefined): AgentRow | undefined =>
    existing && existing.deletedAt !== null ? tombstones.revived(on, existing) : existing;

  /**
   * Makes or changes an agent that a room above keeps, under an id that is reserved for it: that room says what it is, and
   * has checked what it says. By an operator it restores a deleted one. @throws Problem 403, 409
   */
  async function keep(
    tx: Tx,
    caller: Caller,
    id: string,
    change: (row: AgentRow) => AgentRow,
    instanceId?: string,
  ): Promise<void> {
    actingAs(caller, id);
    const existing = await directory.byId(tx, id);
    if (existing && existing.deletedAt !== null && caller.role !== "operator") throw deleted(id);
    const base = standing(tx, existing) ?? blankAgent(id, id, clock.now(), headOf(tx));
    await enter(tx, caller, change(base), existing, instanceId);
  }

  async function checkMayRegister(
    tx: Tx,
    caller: Caller,
    id: string,
    existing: AgentRow | undefined,
    body: AgentRegistration,
    returns: (tombstone: AgentRow) => boolean,
  ): Promise<void> {
    const isDeleted = existing !== undefined && existing.deletedAt !== null;
    if (enrolls(caller, id)) {
      if (!id.startsWith(caller.prefix ?? " "))
        throw new Problem("forbidden", `This token enrolls ids beginning with ${caller.prefix}.`);
      if (isDeleted) throw deleted(id);
      if (existing && !(await auth.takeBackUnused(tx, caller, id, body.instanceId ?? null)))
        throw new Problem(
          "forbidden",
          `${id} is taken: its own token registers it again, and an operator can make it one. Otherwise take another id.`,
        );
      return;
    }
    actingAs(caller, id);
    if (isDeleted && !(caller.role === "operator" && returns(existing))) throw deleted(id);
  }

  /** The newest registered instance is the agent; one that was retired cannot come back. */
  async function takeInstance(tx: Tx, row: AgentRow, instanceId: string | undefined, caller: Caller): Promise<void> {
    if (caller.instanceId !== null && caller.instanceId !== instanceId) await fence(tx, caller, row);
    if (instanceId === undefined || instanceId === row.instanceId) return;
    if (await store.instance(tx, row.id, instanceId)) throw supersededBy(row, instanceId);
    const old = row.instanceId;
    row.instanceId = instanceId;
    row.epoch += 1;
    await store.addInstance(tx, { agentId: row.id, instanceId, epoch: row.epoch, registeredAt: clock.now() });
    if (old !== null) await superseded.raise(tx, row.id, old);
  }

  /** For calls that concern no agent in particular. @throws Problem 403 for tokens that read nothing, 409 when superseded. */
  async function requireCurrent(on: ReadTx, caller: Caller): Promise<void> {
    if (caller.role === "enroll" || caller.role === "integration")
      throw new Problem("forbidden", `A token of role ${caller.role} reads nothing.`);
    if (!isAgent(caller) || caller.instanceId === null) return;
    const facts = directory.facts(on, caller.agentId);
    if (facts) await fence(on, caller, facts);
  }

  function checkGroups(caller: Caller, row: AgentRow, before: AgentRow | undefined): void {
    const had = new Set(before ? groupsOf(before) : []);
    const guessed = providerTag(row);
    for (const group of groupsOf(row)) {
      if (group === "broadcast" || had.has(group) || mayJoin(caller, row.id, group)) continue;
      // The tag that the relay itself added is a courtesy; without leave to join it is left away.
      if (group === `tag:${guessed}`) row.tags = row.tags.filter((tag) => tag !== guessed);
      else throw new Problem("group-not-allowed", `This token may not put ${row.id} into ${group}.`);
    }
  }

  /** The agent a call acts for, fenced; `isPath`: the call is below the agent's own path. @throws Problem 403, 409, 410 */
  function requireActor(on: ReadTx, caller: Caller, agentId: string, isPath = false): Promise<AgentFacts> | AgentFacts {
    const facts = directory.facts(on, agentId);
    if (isPath && facts && facts.deletedAt !== null) return requireRow(on, agentId).then(() => facts);
    if (!facts)
      throw new Problem(
        "forbidden",
        `${agentId} is not registered. Register it first: PUT /v1/agents/${agentId}, or signalbox register ${agentId}.`,
      );
    if (facts.deletedAt !== null)
      throw new Problem("forbidden", `${agentId} was deleted: it does nothing unless an operator restores it.`);
    return caller.instanceId === null ? facts : fence(on, caller, facts).then(() => facts);
  }

  /**
   * The agent below whose path a caller speaks: for itself, as the orchestrator that enrolled it, or as an operator.
   * @throws Problem 403, 404, 409, 410
   */
  async function requireSpokenFor(on: ReadTx, caller: Caller, id: string): Promise<AgentRow> {
    if (!(await auth.speaksFor(on, caller, id))) actingAs(caller, id);
    const row = await requireRow(on, id);
    await fence(on, caller, row);
    return row;
  }

  /**
   * The agent that a caller reads as, fenced; null for operators and viewers, who read everything.
   * @throws Problem 403, 409
   */
  async function requireReader(on: ReadTx, caller: Caller): Promise<string | null> {
    const reader = readingAs(caller);
    if (reader !== null) await requireActor(on, caller, reader);
    return reader;
  }

  /** `PATCH /v1/agents/{id}`. @throws Problem 403, 404, 409, 422 */
  async function patch(tx: Tx, caller: Caller, id: string, body: AgentPatch): Promise<Agent> {
    const agent = await change(tx, caller, id, body);
    if (caller.agentId !== id) await activity.record(tx, caller, "agent.changed", id, { fields: Object.keys(body) });
    return agent;
  }

  async function change(tx: Tx, caller: Caller, id: string, body: AgentPatch): Promise<Agent> {
    if (caller.role === "member" && Object.keys(body).some((field) => field !== "status" && field !== "ready"))
      throw new Problem("forbidden", "A member changes no agent, user included. Ask an operator.");
    actingAs(caller, id);
    const before = await requireRow(tx, id);
    await fence(tx, caller, before);
    const row = applyRegistration(before, { ...body, name: before.name }, false);
    checkGroups(caller, row, before);
    // Most heartbeats change nothing: that the agent was heard of is noted without a write.
    if (Bun.deepEquals(row, before)) return wireAgent(row);
    await save(tx, row);
    await registered.raise(tx, caller, row, before);
    return wireAgent(row);
  }

  function wireAgent(row: AgentRow): Agent {
    const { cursor: _c, ackedAt: _a, deletedAt: _d, deletedBy: _b, createdAt, ...shown } = row;
    const lastSeenAt = Math.max(row.lastSeenAt, roster.get(row.id)?.lastSeenAt ?? 0);
    return {
      ...shown,
      connections: connections.count(row.id),
      lastSeenAt: toTime(lastSeenAt),
      createdAt: toTime(createdAt),
    };
  }

  return {
    register,
    patch,
    keep,
    remove: tombstones.remove,
    retire: tombstones.retire,
    /** `POST /v1/agents/{id}/restore`. @throws Problem 403, 404, 410 */
    restore: async (tx: Tx, caller: Caller, id: string): Promise<Agent> =>
      wireAgent(await tombstones.restore(tx, caller, id)),
    fence,
    requireToken: auth.requireLive,
    requireActor,
    requireReader,
    requireCurrent,
    requireRow,
    requireSpokenFor,
    suggest: registry.suggest,
    registered,
    inProject,
    shrinkTombstones: tombstones.shrink,
    deleting: tombstones.deleting,
    restored: tombstones.restored,
    superseded,
    regrouped: registry.regrouped,

    /** `POST /v1/agents/{id}/heartbeat` */
    heartbeat: (tx: Tx, caller: Caller, id: string, body: Heartbeat) => change(tx, caller, id, body),

    /** The newest registered instance of the agent that the caller acts for. @throws Problem 409 */
    async instanceFor(caller: Caller): Promise<string | null> {
      const { agentId } = caller;
      if (agentId === null) return null;
      return db.read(async (on) => {
        await requireCurrent(on, caller);
        return directory.facts(on, agentId)?.instanceId ?? null;
      });
    },

    async get(on: ReadTx, caller: Caller, id: string): Promise<Agent> {
      await requireCurrent(on, caller);
      return wireAgent(await requireRow(on, id));
    },

    async list(
      on: ReadTx,
      caller: Caller,
      query: AgentFilter & { project?: string | undefined } & PageQuery<string>,
    ): Promise<List<Agent>> {
      await requireCurrent(on, caller);
      const { project } = query;
      if (project !== undefined && !readsAll(caller))
        throw new Problem("forbidden", "Only people look for agents by project: operators, members and viewers.");
      const ids = project === undefined ? undefined : (await inProject.all(on, project)).flat();
      return readList(
        query,
        (count, after) => store.page(on, { ...query, ids }, after, count),
        wireAgent,
        ({ id }) => id,
      );
    },

    /** An AI agent, for its public card. */
    async provider(id: string): Promise<Agent | undefined> {
      const row = await db.read((on) => directory.byId(on, id));
      return row?.deletedAt === null && row.kind === "provider" ? wireAgent(row) : undefined;
    },
    providers: async (limit: number): Promise<Agent[]> =>
      (await db.read((on) => store.page(on, { kind: "provider" }, undefined, limit))).map(wireAgent),

    /** `user` and `system` always exist. */
    async ensureBuiltIns(tx: Tx): Promise<void> {
      for (const [id, kind, tag] of [
        ["user", "user", "human"],
        ["system", "system", "system"],
      ] as const) {
        if (await directory.byId(tx, id)) continue;
        await save(tx, { ...blankAgent(id, id === "user" ? "User" : "System", clock.now(), 0), kind, tags: [tag] });
      }
    },
  };
}

/** A chat account is the same account for ever: an operator who adds it again restores its agent. */
const isAccount = (tombstone: AgentRow): boolean => tombstone.kind === "channel";

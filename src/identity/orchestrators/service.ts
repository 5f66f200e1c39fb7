import type { ReadTx, Tx } from "../../kernel/db/database.ts";
import { type PageQuery, readList } from "../../kernel/pages.ts";
import type {
  ManagedAgent,
  Orchestrator,
  OrchestratorPatch,
  OrchestratorRegistration,
  OrchestratorStatus,
  ParsedHeartbeat,
} from "../../protocol/orchestrators.ts";
import { Problem } from "../../protocol/problem.ts";
import { fromTime, type List, toTime, toTimeOrNull } from "../../protocol/wire.ts";
import type { AgentRow } from "../agents/row.ts";
import type { AgentService } from "../agents/service.ts";
import { actingAs, type Caller, mayJoin, readingAs, readsAll } from "../auth/caller.ts";
import type { Base } from "../base.ts";
import { agentIdOf, orchestratorIdOf } from "./ids.ts";
import { modeOf, requireVersion, saidMode } from "./modes.ts";
import { type OrchestratorFilter, type OrchestratorRow, orchestratorStore as store } from "./store.ts";

export type OrchestratorService = ReturnType<typeof createOrchestratorService>;

/** Members of a host's tag that are looked at before an orchestrator may take it. */
const MAX_MEMBERS = 100;

/** Daemons that start and watch agents. Each has an agent of its own, which carries its presence and its mail. */
export function createOrchestratorService({ kernel, directory, roster, activity, rows }: Base, agents: AgentService) {
  const { clock, headOf, hooks } = kernel;
  /** Orchestrators with a live session in a project. */
  const inProject = hooks.question<[project: string], readonly string[]>("orchestrators.inProject");
  /** Agents that an orchestrator runs, made of its sessions; no answer while it has none. */
  const managed = hooks.question<[orchestratorId: string], ManagedAgent[]>("orchestrators.managed");
  /** An orchestrator is heard of again, or no more. */
  const moving = hooks.event<[id: string, isHere: boolean]>("orchestrators.moving");
  /** By agent id. The rows are the truth; this follows them, commit by commit. */
  const statuses = new Map<string, OrchestratorStatus>();
  /** By agent id, for writes: one may follow a move in the same commit. */
  const statusIn = kernel.db.keep("statuses of orchestrators", (on, agentId) =>
    store.status(on, orchestratorIdOf(agentId)),
  );

  /** @throws Problem 404 */
  async function requireRow(on: ReadTx, id: string): Promise<OrchestratorRow> {
    return (await store.byId(on, id)) ?? Problem.missing("orchestrator", id);
  }

  /**
   * Whether its host's name becomes a tag of its agent: as the token's groups allow, else only its own id, alone or
   * before a hyphen. Work waits in groups that are empty, so any other name would take the work of other agents.
   * @throws Problem 403 group-not-allowed for a group that agents on other machines use
   */
  async function mayTagHost(on: ReadTx, caller: Caller, agentId: string, hostname: string): Promise<boolean> {
    const group = `tag:${hostname}`;
    if (mayJoin(caller, agentId, group)) return true;
    const members = await directory.membersAt(on, group, headOf(on) + 1, "", MAX_MEMBERS);
    if (members.some((member) => member.id !== agentId && member.machine !== hostname))
      throw new Problem(
        "group-not-allowed",
        `${group} has members on other machines; an operator can register it there, or name the group in its token.`,
      );
    const own = orchestratorIdOf(agentId);
    return caller.groups === null && (hostname === own || hostname.startsWith(`${own}-`));
  }

  /** Stores an orchestrator and its agent, in one write. */
  async function save(
    tx: Tx,
    caller: Caller,
    row: OrchestratorRow,
    before: OrchestratorRow | undefined,
    instanceId?: string,
  ): Promise<Orchestrator> {
    const agentId = agentIdOf(row.id);
    const isNew = row.hostname !== before?.hostname;
    const isTagged = isNew && (await mayTagHost(tx, caller, agentId, row.hostname));
    await agents.keep(tx, caller, agentId, (agent) => asAgent(agent, row, before, isTagged), instanceId);
    const was = statusIn.get(tx, agentId);
    await store.put(tx, row);
    await note(tx, agentId, row.status, was);
    return wire(tx, row);
  }

  async function note(tx: Tx, agentId: string, status: OrchestratorStatus, was = "offline"): Promise<void> {
    statusIn.set(agentId, status);
    tx.afterCommit(() => statuses.set(agentId, status));
    const isHere = status !== "offline";
    if (isHere !== (was !== "offline")) await moving.raise(tx, orchestratorIdOf(agentId), isHere);
  }

  async function setStatus(tx: Tx, agentId: string, status: OrchestratorStatus, draining?: boolean): Promise<void> {
    const was = statusIn.get(tx, agentId);
    if (was === undefined) return;
    await store.set(tx, orchestratorIdOf(agentId), {
      status,
      ...(status !== "offline" && { stoppedAt: null }),
      ...(draining !== undefined && { draining }),
    });
    await note(tx, agentId, status, was);
  }

  /** A draining orchestrator that reconnects keeps draining; its agent still shows as offline. */
  async function moved(tx: Tx, agentId: string, status: "online" | "offline"): Promise<"online" | "offline"> {
    const row = await store.byId(tx, orchestratorIdOf(agentId));
    const isDraining = status === "online" && row?.draining === true;
    await setStatus(tx, agentId, isDraining ? "draining" : status);
    return isDraining ? "offline" : status;
  }

  async function wire(on: ReadTx, row: OrchestratorRow): Promise<Orchestrator> {
    const { createdAt, stoppedAt, draining: _, daemonMode, operatorMode, ...shown } = row;
    const agentId = agentIdOf(row.id);
    const lastSeenAt = toTime(roster.get(agentId)?.lastSeenAt ?? createdAt);
    return {
      ...{ ...shown, agentId, prefix: await prefixOf(on, row.id) },
      ...{ approvalMode: modeOf(row), approvalModes: { daemon: daemonMode, operator: operatorMode } },
      managedAgents: (await managed.first(on, row.id)) ?? row.managedAgents,
      ...{ lastSeenAt, stoppedAt: toTimeOrNull(stoppedAt), createdAt: toTime(createdAt) },
    };
  }

  /** Beginning of the ids of its agents; null while no token acts for it. */
  const prefixOf = async (on: ReadTx, id: string): Promise<string | null> =>
    (await rows.tokens.enrollerOf(on, agentIdOf(id), clock.now()))?.prefix ?? null;

  /** Follows its agent's status: a heartbeat of the agent is one of the orchestrator. */
  async function followAgent(tx: Tx, _caller: Caller, agent: AgentRow): Promise<void> {
    if (agent.kind !== "orchestrator") return;
    const row = await store.byId(tx, orchestratorIdOf(agent.id));
    if (!row) return;
    const isOnline = agent.status !== "offline";
    if (isOnline && row.status !== "online") await setStatus(tx, agent.id, "online", false);
    if (!isOnline && row.status === "online") await setStatus(tx, agent.id, "offline");
  }

  /** A draining orchestrator is here although its agent shows as offline. */
  const isHere = (agentId: string): boolean | undefined => {
    const status = statuses.get(agentId);
    return status && status !== "offline";
  };

  return {
    followAgent,
    managed,
    inProject,
    moving,
    prefixOf,
    /** Its row; undefined for one that is not registered. */
    find: store.byId,
    ids: async (on: ReadTx): Promise<string[]> => (await store.statuses(on)).map(({ id }) => id),
    /** Whether an orchestrator is heard of. */
    isHere: (id: string): boolean => isHere(agentIdOf(id)) === true,
    /** The same for the open write, with what came before it in its commit. */
    isHereIn:
      (tx: Tx) =>
      (id: string): boolean =>
        (statusIn.get(tx, agentIdOf(id)) ?? "offline") !== "offline",
    /** Ids of those that are not heard of. */
    away: (): string[] => [...statuses].flatMap(([id, status]) => (status === "offline" ? orchestratorIdOf(id) : [])),
    /** `PUT /v1/orchestrators/{id}`: it and its agent, in one write. What it manages stays. @throws Problem 403, 409 */
    async register(tx: Tx, caller: Caller, id: string, body: OrchestratorRegistration) {
      actingAs(caller, agentIdOf(id));
      requireVersion(body.version);
      const before = await store.byId(tx, id);
      const { instanceId, approvalMode, ...said } = body;
      const modes = { ...firstMode(caller, before), ...saidMode(caller, approvalMode) };
      const now = { id, status: "online", draining: false, stoppedAt: null };
      const row = { ...(before ?? blank(clock.now())), ...given(said), ...modes, ...now } as OrchestratorRow;
      const orchestrator = await save(tx, caller, row, before, instanceId);
      if (!before) await activity.record(tx, caller, "orchestrator.registered", id, { hostname: row.hostname });
      return { row: orchestrator, created: !before };
    },

    /** `PATCH /v1/orchestrators/{id}`: drain it, say goodbye, change what it says of itself. @throws Problem 403, 404, 409 */
    async patch(tx: Tx, caller: Caller, id: string, body: OrchestratorPatch): Promise<Orchestrator> {
      actingAs(caller, agentIdOf(id));
      const before = await requireRow(tx, id);
      const { approvalMode, ...said } = body;
      const row = { ...before, ...given(said), ...saidMode(caller, approvalMode) } as OrchestratorRow;
      if (body.status === "online" || body.status === "draining") row.draining = body.status === "draining";
      if (body.status !== undefined) row.stoppedAt = body.status === "offline" ? clock.now() : null;
      const orchestrator = await save(tx, caller, row, before);
      const isOwn = caller.agentId === agentIdOf(id);
      if (!isOwn || body.status !== undefined)
        await activity.record(tx, caller, "orchestrator.changed", id, {
          fields: Object.keys(body),
          ...(body.status !== undefined && { status: body.status }),
        });
      return orchestrator;
    },

    /** `POST /v1/orchestrators/{id}/heartbeat`. Who was offline is online again; who drains goes on draining. @throws Problem 403, 404, 409 */
    async heartbeat(tx: Tx, caller: Caller, id: string, body: ParsedHeartbeat): Promise<Orchestrator> {
      const { managedAgents, load, version } = body;
      actingAs(caller, agentIdOf(id));
      requireVersion(version);
      const before = await requireRow(tx, id);
      const row: OrchestratorRow = {
        ...before,
        status: before.draining ? "draining" : "online",
        stoppedAt: null,
        ...given({ load, version, managedAgents: managedAgents?.map(normalised) }),
      };
      if (row.status !== before.status) return save(tx, caller, row, before);
      // Most heartbeats change nothing: that it was heard of is noted without a write.
      await agents.requireActor(tx, caller, agentIdOf(id));
      if (!Bun.deepEquals(row, before)) await store.put(tx, row);
      return wire(tx, row);
    },

    /** `DELETE /v1/orchestrators/{id}`: it and its agent; the senders of what that has not read are told. @throws Problem 403, 404, 409 */
    async remove(tx: Tx, caller: Caller, id: string): Promise<void> {
      const agentId = agentIdOf(id);
      actingAs(caller, agentId);
      // Its agent alone is there when that was restored, and it has not registered since.
      const facts = directory.facts(tx, agentId);
      if (facts?.deletedAt !== null) await requireRow(tx, id);
      await agents.retire(tx, caller, agentId);
      await store.remove(tx, id);
      await activity.record(tx, caller, "orchestrator.deleted", id, {});
      statusIn.forget(agentId);
      tx.afterCommit(() => statuses.delete(agentId));
    },

    /** For operators, viewers and the orchestrator itself. @throws Problem 403, 404, 409 */
    async get(on: ReadTx, caller: Caller, id: string): Promise<Orchestrator> {
      const reader = readingAs(caller);
      const row = await requireRow(on, id);
      if (reader !== null && reader !== agentIdOf(id))
        throw new Problem("forbidden", `Orchestrator ${id} is read by operators, viewers and itself.`);
      if (reader !== null) await agents.requireActor(on, caller, reader);
      return wire(on, row);
    },

    /** Lists by id; an orchestrator sees itself alone. @throws Problem 403, 409 */
    async list(
      on: ReadTx,
      caller: Caller,
      query: OrchestratorFilter & { project?: string | undefined } & PageQuery<string>,
    ): Promise<List<Orchestrator>> {
      if (!readsAll(caller)) {
        if (caller.role !== "orchestrator" || caller.agentId === null)
          throw new Problem("forbidden", "Orchestrators are listed for operators, members and viewers.");
        await agents.requireActor(on, caller, caller.agentId);
        const own = await store.byId(on, orchestratorIdOf(caller.agentId));
        return { items: own ? [await wire(on, own)] : [], nextPage: null };
      }
      const { project } = query;
      const ids = project === undefined ? undefined : await inProject.first(on, project);
      return readList(
        query,
        (count, after = "") => store.page(on, { ...query, ids }, after, count),
        (row) => wire(on, row),
        ({ id }) => id,
      );
    },

    /** Keeper of presence. */
    keeper: { isHere, moved },
    /** Called once, before anything is asked. */
    async load(on: ReadTx): Promise<void> {
      for (const { id, status } of await store.statuses(on)) statuses.set(agentIdOf(id), status);
    },
    /** Number of orchestrators by status. */
    counts: (): Record<OrchestratorStatus, number> => {
      const counts = { online: 0, draining: 0, offline: 0 };
      for (const status of statuses.values()) counts[status]++;
      return counts;
    },
  };
}

/** Merges the orchestrator's description into its agent. Others' tags stay; the hostname becomes a tag only when `isTagged`. */
function asAgent(
  agent: AgentRow,
  row: OrchestratorRow,
  before: OrchestratorRow | undefined,
  isTagged: boolean,
): AgentRow {
  const kept = agent.tags.filter((tag) => tag !== before?.hostname || tag === row.hostname);
  const isOnline = row.status === "online";
  const wasOnline = before?.status === "online" && agent.status !== "offline";
  const status = isOnline ? (wasOnline ? agent.status : "online") : "offline";
  return {
    ...agent,
    ...{ kind: "orchestrator", name: row.hostname, machine: row.hostname, status },
    tags: [...new Set(["orchestrator", ...(isTagged ? [row.hostname] : []), ...kept])],
    capabilities: [...new Set(["orchestrator", "spawn", ...agent.capabilities])],
  };
}

const blank = (createdAt: number) => ({
  ...{ envKeys: [], daemonMode: null, operatorMode: null, version: null, spawners: [], caps: null, load: null },
  ...{ meta: null, managedAgents: [], createdAt },
});

/** A daemon that never said a mode asks. */
const firstMode = ({ role }: Caller, before: OrchestratorRow | undefined): Partial<OrchestratorRow> =>
  role === "orchestrator" && before?.daemonMode == null ? { daemonMode: "ask" } : {};

const given = <T extends object>(fields: T): Partial<T> =>
  Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined)) as Partial<T>;

const normalised = (managed: NonNullable<ParsedHeartbeat["managedAgents"]>[number]) => ({
  ...managed,
  startedAt: managed.startedAt === null ? null : toTime(fromTime(managed.startedAt)),
});

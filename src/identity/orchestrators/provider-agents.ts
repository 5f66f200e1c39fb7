import type { ReadTx, Tx } from "../../kernel/db/database.ts";
import { AgentId } from "../../protocol/agent-ids.ts";
import { Problem } from "../../protocol/problem.ts";
import type { AgentFacts } from "../agents/row.ts";
import type { AgentService } from "../agents/service.ts";
import { formatTarget, type ProviderTarget } from "../agents/target.ts";
import type { Caller } from "../auth/caller.ts";
import type { Enrolled } from "../auth/enrolled.ts";
import type { Base } from "../base.ts";
import { agentIdOf, orchestratorIdOf } from "./ids.ts";
import type { OrchestratorService } from "./service.ts";
import type { OrchestratorRow } from "./store.ts";

type EnrollingToken = NonNullable<Awaited<ReturnType<Base["rows"]["tokens"]["enrollerOf"]>>>;

/** An agent that an orchestrator runs. */
export interface ManagedAgent {
  box: OrchestratorRow;
  provider: string;
  agentId: string;
  /** It was named by its orchestrator, not by its id. */
  isNamed: boolean;
}

/** The agent of one provider of an orchestrator. */
export interface ProviderAgent extends ManagedAgent {
  /** Undefined for one that is not registered yet. */
  facts: AgentFacts | undefined;
}

const MAX_SUGGESTIONS = 3;

/** Agents by the name `orchestrator:<id>/<provider>`: the orchestrator's prefix, then the provider. */
export function createProviderAgents(
  { kernel, directory, rows }: Base,
  agents: AgentService,
  orchestrators: Pick<OrchestratorService, "find" | "ids">,
  enrolled: Enrolled,
) {
  const { clock } = kernel;
  const tokenOf = (on: ReadTx, id: string) => rows.tokens.enrollerOf(on, agentIdOf(id), clock.now());

  function unknown(target: ProviderTarget, pointer: string, why: string, among: string[]): Problem {
    const name = formatTarget(target);
    const near = agents.suggest(name, among);
    return new Problem("unknown-target", `${name} is nobody: ${why}.`, {
      errors: [{ pointer, message: why }],
      suggestions: near.length > 0 ? near : among.slice(0, MAX_SUGGESTIONS),
    });
  }

  /** `pointer`: the member that names it. @throws Problem 422 unknown-target */
  async function find(on: ReadTx, target: ProviderTarget, pointer = "/to"): Promise<ProviderAgent> {
    const { orchestratorId, provider } = target;
    const named = (box: string, name: string) => `orchestrator:${box}/${name}`;
    const refuse = (why: string, among: string[] = []) => unknown(target, pointer, why, among);
    const box = await orchestrators.find(on, orchestratorId);
    if (!box)
      throw refuse(
        `there is no orchestrator ${orchestratorId}`,
        (await orchestrators.ids(on)).map((id) => named(id, provider)),
      );
    if (!box.providers.some(({ name }) => name === provider))
      throw refuse(
        `${box.id} has no provider ${provider}`,
        box.providers.map(({ name }) => named(box.id, name)),
      );
    const prefix = (await tokenOf(on, box.id))?.prefix ?? null;
    if (prefix === null) throw refuse(`${box.id} has no token, so it has no agents`);
    const agentId = `${prefix}${provider}`;
    if (!AgentId.safeParse(agentId).success) throw refuse(`${agentId} is no agent's id`);
    const facts = directory.facts(on, agentId);
    if (facts && facts.deletedAt !== null) throw refuse(`${agentId} was deleted, and its id stays taken`);
    if (facts && !(await rows.tokens.hasEnrolled(on, agentIdOf(box.id), agentId)))
      throw refuse(`${agentId} is registered, and no agent of ${box.id}`);
    return { box, provider, agentId, facts, isNamed: true };
  }

  /** Orchestrator that has enrolled an agent; enroll tokens make agents, too, which nobody runs. */
  const runnerOf = (agentId: string): string | undefined =>
    [...enrolled.by(agentId)].find((id) => id.startsWith(agentIdOf("")));

  return {
    find,
    /** Whether an orchestrator runs the agent. */
    isManaged: (agentId: string): boolean => runnerOf(agentId) !== undefined,
    /** Whether any orchestrator runs agents. */
    areAny: (): boolean => !enrolled.runners().next().done,
    /** Agents that orchestrators run, with their orchestrators. */
    async *all(on: ReadTx): AsyncGenerator<{ box: OrchestratorRow; agentIds: Iterable<string> }> {
      for (const id of enrolled.runners()) {
        const box = await orchestrators.find(on, orchestratorIdOf(id));
        if (box) yield { box, agentIds: enrolled.of(id) };
      }
    },
    /** The agent with its orchestrator; undefined where none that is there runs it. */
    async of(on: ReadTx, agentId: string): Promise<ManagedAgent | undefined> {
      const runner = runnerOf(agentId);
      const box = runner === undefined ? undefined : await orchestrators.find(on, orchestratorIdOf(runner));
      if (!box) return undefined;
      const prefix = (await tokenOf(on, box.id))?.prefix ?? "";
      return { box, agentId, provider: agentId.slice(prefix.length), isNamed: false };
    },
    /** Registers the agent where it is not there yet: offline, enrolled by the orchestrator, whose stream follows it at once. */
    async ensure(tx: Tx, { box, agentId, facts }: ProviderAgent): Promise<void> {
      if (facts || directory.facts(tx, agentId)) return;
      const token = (await tokenOf(tx, box.id)) ?? Problem.missing("token of orchestrator", box.id);
      const draft = { name: agentId, kind: "provider", status: "offline", reach: "mid-turn" } as const;
      await agents.register(tx, callerOf(token), agentId, draft);
    },
  };
}

/** The orchestrator, as it enrolls an agent itself. The secret of the agent's token is given to nobody. */
const callerOf = ({ id, agentId, groups, prefix }: EnrollingToken): Caller => ({
  ...{ tokenId: id, role: "orchestrator", agentId, groups, prefix },
  ...{ source: null, personId: null, instanceId: null, requestId: "" },
});

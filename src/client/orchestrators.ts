import { type CommandDraft, type CommandInput, sendCommand } from "../protocol/commands.ts";
import type { Delegation } from "../protocol/delegations.ts";
import * as api from "../protocol/orchestrators.ts";
import type { Caller, Keyed, Query } from "./caller.ts";
import { type FleetOptions, followFleet } from "./fleet.ts";
import type { Call } from "./transport.ts";

/** Verbs on orchestrators: daemons that start and supervise agents. */
export const orchestratorVerbs = (caller: Caller) => ({
  ...registryVerbs(caller),

  /** Follows its inbox and those of the agents that it has enrolled, as one sequence; acknowledges nothing. */
  follow: (options: FleetOptions) => followFleet(caller, options),
});

const registryVerbs = ({ ask, askOnce, instanceId }: Caller) => ({
  /** Registers an orchestrator and its agent `orchestrator-<id>`, or updates both. The instance defaults to the client's own. */
  register: (id: string, registration: api.OrchestratorRegistration, call?: Call): Promise<api.Orchestrator> =>
    ask(api.registerOrchestrator, { params: { id }, body: { instanceId, ...registration } }, call),

  list: (query: Query<typeof api.OrchestratorQuery> = {}, call?: Call) => ask(api.listOrchestrators, { query }, call),

  get: (id: string, call?: Call): Promise<api.Orchestrator> => ask(api.getOrchestrator, { params: { id } }, call),

  /** Updates an orchestrator. `status: "draining"` lets it start nothing new; `status: "offline"` is a clean stop. */
  patch: (id: string, body: api.OrchestratorPatch, call?: Call): Promise<api.Orchestrator> =>
    ask(api.changeOrchestrator, { params: { id }, body }, call),

  /** Reports presence and the managed agents: missing means unchanged, `[]` none. */
  heartbeat: (id: string, body: api.OrchestratorHeartbeat = {}, call?: Call): Promise<api.Orchestrator> =>
    ask(api.orchestratorHeartbeat, { params: { id }, body }, call),

  /**
   * Gives a daemon a command. The answer is the delegation that carries it; with `waitSeconds` (at most 60) it comes once the
   * daemon has answered, or that time is over.
   */
  command: (
    id: string,
    command: CommandInput,
    {
      waitSeconds,
      timeoutSeconds,
      ...call
    }: Keyed & { waitSeconds?: number } & Pick<CommandDraft, "timeoutSeconds"> = {},
  ): Promise<Delegation> =>
    askOnce(sendCommand, { params: { id }, query: { waitSeconds }, body: { command, timeoutSeconds } }, call),

  /** Deletes an orchestrator and its agent. */
  delete: (id: string, call?: Call): Promise<void> => ask(api.deleteOrchestrator, { params: { id } }, call),
});

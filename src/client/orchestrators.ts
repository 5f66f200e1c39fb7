import * as api from "../protocol/orchestrators.ts";
import type { Caller, Query } from "./caller.ts";
import type { Call } from "./transport.ts";

/** The verbs on orchestrators: daemons that start and watch agents. */
export function orchestratorVerbs({ ask, instanceId }: Caller) {
  return {
    /** Registers it and its agent `orchestrator-<id>`, or says anew what it is. The instance is the client's own if none is given. */
    register: (id: string, registration: api.OrchestratorRegistration, call?: Call): Promise<api.Orchestrator> =>
      ask(api.registerOrchestrator, { params: { id }, body: { instanceId, ...registration } }, call),

    list: (query: Query<typeof api.OrchestratorQuery> = {}, call?: Call) => ask(api.listOrchestrators, { query }, call),

    get: (id: string, call?: Call): Promise<api.Orchestrator> => ask(api.getOrchestrator, { params: { id } }, call),

    /** `status: "draining"`: it starts nothing new. A clean stop says `status: "offline"`. */
    patch: (id: string, body: api.OrchestratorPatch, call?: Call): Promise<api.Orchestrator> =>
      ask(api.changeOrchestrator, { params: { id }, body }, call),

    /** Says that it is there, and what it manages: left out is unchanged, `[]` is none. */
    heartbeat: (id: string, body: api.OrchestratorHeartbeat = {}, call?: Call): Promise<api.Orchestrator> =>
      ask(api.orchestratorHeartbeat, { params: { id }, body }, call),

    /** Deletes it and its agent. */
    delete: (id: string, call?: Call): Promise<void> => ask(api.deleteOrchestrator, { params: { id } }, call),
  };
}

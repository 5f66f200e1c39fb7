import {
  Orchestrator,
  type OrchestratorHeartbeat,
  OrchestratorList,
  type OrchestratorPatch,
  type OrchestratorQuery,
  type OrchestratorRegistration,
} from "../protocol/orchestrators.ts";
import { type Caller, Nothing, part, type Query } from "./caller.ts";
import type { Call } from "./transport.ts";

const pathOf = (id: string) => `/v1/orchestrators/${part(id)}`;

/** The verbs on orchestrators: daemons that start and watch agents. */
export function orchestratorVerbs({ ask, instanceId }: Caller) {
  return {
    /** Registers it and its agent `orchestrator-<id>`, or says anew what it is. The instance is the client's own if none is given. */
    register(id: string, registration: OrchestratorRegistration, call?: Call): Promise<Orchestrator> {
      const body = { ...(instanceId === undefined ? {} : { instanceId }), ...registration };
      return ask({ method: "PUT", path: pathOf(id), body, answer: Orchestrator, repeatable: true }, call);
    },

    list(query: Query<typeof OrchestratorQuery> = {}, call?: Call) {
      return ask({ method: "GET", path: "/v1/orchestrators", query, answer: OrchestratorList, repeatable: true }, call);
    },

    get(id: string, call?: Call): Promise<Orchestrator> {
      return ask({ method: "GET", path: pathOf(id), answer: Orchestrator, repeatable: true }, call);
    },

    /** `status: "draining"`: it starts nothing new. A clean stop says `status: "offline"`. */
    patch(id: string, changes: OrchestratorPatch, call?: Call): Promise<Orchestrator> {
      return ask({ method: "PATCH", path: pathOf(id), body: changes, answer: Orchestrator, repeatable: true }, call);
    },

    /** Says that it is there, and what it manages: left out is unchanged, `[]` is none. */
    heartbeat(id: string, beat: OrchestratorHeartbeat = {}, call?: Call): Promise<Orchestrator> {
      const path = `${pathOf(id)}/heartbeat`;
      return ask({ method: "POST", path, body: beat, answer: Orchestrator, repeatable: true }, call);
    },

    /** Deletes it and its agent. */
    async delete(id: string, call?: Call): Promise<void> {
      await ask({ method: "DELETE", path: pathOf(id), answer: Nothing }, call);
    },
  };
}

import {
  Agent,
  AgentList,
  type AgentPatch,
  type AgentQuery,
  type AgentRegistration,
  type Heartbeat,
  RegisteredAgent,
} from "../protocol/agents.ts";
import { type Caller, Nothing, part, type Query } from "./caller.ts";
import type { Call } from "./transport.ts";

const pathOf = (id: string) => `/v1/agents/${part(id)}`;

/** The verbs on agents. */
export function agentVerbs({ ask, self, instanceId }: Caller) {
  return {
    /** Registers `id`, or says anew what it is: what is left out keeps its value. The instance is the client's own if none is given. */
    register(id: string, registration: AgentRegistration, call?: Call): Promise<RegisteredAgent> {
      const body = { ...(instanceId === undefined ? {} : { instanceId }), ...registration };
      return ask({ method: "PUT", path: pathOf(id), body, answer: RegisteredAgent, repeatable: true }, call);
    },

    list(query: Query<typeof AgentQuery> = {}, call?: Call) {
      return ask({ method: "GET", path: "/v1/agents", query, answer: AgentList, repeatable: true }, call);
    },

    get(id: string, call?: Call): Promise<Agent> {
      return ask({ method: "GET", path: pathOf(id), answer: Agent, repeatable: true }, call);
    },

    patch(id: string, changes: AgentPatch, call?: Call): Promise<Agent> {
      return ask({ method: "PATCH", path: pathOf(id), body: changes, answer: Agent, repeatable: true }, call);
    },

    async delete(id: string, call?: Call): Promise<void> {
      await ask({ method: "DELETE", path: pathOf(id), answer: Nothing }, call);
    },

    /** Restores a deleted agent: the same one, offline. It needs a token anew. Problems: `not-found`, `gone`. */
    restore(id: string, call?: Call): Promise<Agent> {
      return ask({ method: "POST", path: `${pathOf(id)}/restore`, answer: Agent, repeatable: true }, call);
    },

    /** Says that the agent is there, and how it is. */
    async heartbeat(beat: Heartbeat = {}, call?: Call): Promise<Agent> {
      const path = `${pathOf(await self(call))}/heartbeat`;
      return ask({ method: "POST", path, body: beat, answer: Agent, repeatable: true }, call);
    },
  };
}

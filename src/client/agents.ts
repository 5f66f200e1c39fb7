import * as api from "../protocol/agents.ts";
import type { Caller, Query } from "./caller.ts";
import type { Call } from "./transport.ts";

/** The verbs on agents. */
export function agentVerbs({ ask, self, instanceId }: Caller) {
  return {
    /** Registers `id`, or says anew what it is: what is left out keeps its value. The instance is the client's own if none is given. */
    register: (id: string, registration: api.AgentRegistration, call?: Call): Promise<api.RegisteredAgent> =>
      ask(api.registerAgent, { params: { id }, body: { instanceId, ...registration } }, call),

    list: (query: Query<typeof api.AgentQuery> = {}, call?: Call) => ask(api.listAgents, { query }, call),

    get: (id: string, call?: Call): Promise<api.Agent> => ask(api.getAgent, { params: { id } }, call),

    patch: (id: string, body: api.AgentPatch, call?: Call): Promise<api.Agent> =>
      ask(api.changeAgent, { params: { id }, body }, call),

    delete: (id: string, call?: Call): Promise<void> => ask(api.deleteAgent, { params: { id } }, call),

    /** Restores a deleted agent: the same one, offline. It needs a token anew. Problems: `not-found`, `gone`. */
    restore: (id: string, call?: Call): Promise<api.Agent> => ask(api.restoreAgent, { params: { id } }, call),

    /** Says that the agent is there, and how it is. */
    heartbeat: async (body: api.Heartbeat = {}, call?: Call): Promise<api.Agent> =>
      ask(api.heartbeat, { params: { id: await self(call) }, body }, call),
  };
}

import * as api from "../protocol/agents.ts";
import type { Caller, Query } from "./caller.ts";
import type { Call } from "./transport.ts";

/** Verbs on agents. */
export const agentVerbs = ({ ask, self, instanceId }: Caller) => ({
  /** Registers `id`, or updates its registration: missing members keep their value. The instance defaults to the client's own. */
  register: (id: string, registration: api.AgentRegistration, call?: Call): Promise<api.RegisteredAgent> =>
    ask(api.registerAgent, { params: { id }, body: { instanceId, ...registration } }, call),

  list: (query: Query<typeof api.AgentQuery> = {}, call?: Call) => ask(api.listAgents, { query }, call),

  get: (id: string, call?: Call): Promise<api.Agent> => ask(api.getAgent, { params: { id } }, call),

  patch: (id: string, body: api.AgentPatch, call?: Call): Promise<api.Agent> =>
    ask(api.changeAgent, { params: { id }, body }, call),

  delete: (id: string, call?: Call): Promise<void> => ask(api.deleteAgent, { params: { id } }, call),

  /** Restores a deleted agent, which is offline and needs a new token. Problems: `not-found`, `gone`. */
  restore: (id: string, call?: Call): Promise<api.Agent> => ask(api.restoreAgent, { params: { id } }, call),

  /** Reports the agent's presence and status. */
  heartbeat: async (body: api.Heartbeat = {}, call?: Call): Promise<api.Agent> =>
    ask(api.heartbeat, { params: { id: await self(call) }, body }, call),
});

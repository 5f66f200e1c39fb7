import * as api from "../protocol/a2a.ts";
import type { Caller, Query } from "./caller.ts";
import type { Call } from "./transport.ts";

/** Verbs on A2A: external agents, and the cards of agents here. Only operators let an external agent in. */
export const a2aVerbs = ({ ask }: Caller) => ({
  /** Lets an external agent in, or changes its address. The relay fetches its card after that: see `state`. */
  put: (id: string, body: api.OutsideDraft, call?: Call): Promise<api.OutsideAgent> =>
    ask(api.putOutsideAgent, { params: { id }, body }, call),

  list: (query: Query<typeof api.OutsideQuery> = {}, call?: Call) => ask(api.listOutsideAgents, { query }, call),

  get: (id: string, call?: Call): Promise<api.OutsideAgent> => ask(api.getOutsideAgent, { params: { id } }, call),

  /** Makes the relay fetch the agent's card now, and try again what waits for the agent. */
  refresh: (id: string, call?: Call): Promise<api.OutsideAgent> =>
    ask(api.refreshOutsideAgent, { params: { id } }, call),

  /** Public card of an agent here; without `agentId`, the relay's. */
  card: (agentId?: string, call?: Call) =>
    agentId === undefined ? ask(api.relayCard, {}, call) : ask(api.agentCard, { params: { agentId } }, call),
});

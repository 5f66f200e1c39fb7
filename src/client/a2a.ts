import * as api from "../protocol/a2a.ts";
import type { Caller, Query } from "./caller.ts";
import type { Call } from "./transport.ts";

/** The verbs on A2A: agents out there, and the cards of who is here. Letting somebody in is for operators. */
export function a2aVerbs({ ask }: Caller) {
  return {
    /** Lets an agent out there in, or changes how it is reached. Its card is fetched after that: see `state`. */
    put: (id: string, body: api.OutsideDraft, call?: Call): Promise<api.OutsideAgent> =>
      ask(api.putOutsideAgent, { params: { id }, body }, call),

    list: (query: Query<typeof api.OutsideQuery> = {}, call?: Call) => ask(api.listOutsideAgents, { query }, call),

    get: (id: string, call?: Call): Promise<api.OutsideAgent> => ask(api.getOutsideAgent, { params: { id } }, call),

    /** Has its card fetched now, and what waits for it tried. */
    refresh: (id: string, call?: Call): Promise<api.OutsideAgent> =>
      ask(api.refreshOutsideAgent, { params: { id } }, call),

    /** The public card of an agent that is here; without one, the relay's. */
    card: (agentId?: string, call?: Call) =>
      agentId === undefined ? ask(api.relayCard, {}, call) : ask(api.agentCard, { params: { agentId } }, call),
  };
}

import { Card, OutsideAgent, type OutsideDraft, OutsideList, type OutsideQuery } from "../protocol/a2a.ts";
import { type Caller, part, type Query } from "./caller.ts";
import type { Call } from "./transport.ts";

/** The verbs on A2A: agents out there, and the cards of who is here. Letting somebody in is for operators. */
export function a2aVerbs({ ask }: Caller) {
  const at = (id: string, rest = "") => `/v1/a2a/agents/${part(id)}${rest}`;
  return {
    /** Lets an agent out there in, or changes how it is reached. Its card is fetched after that: see `state`. */
    put(id: string, draft: OutsideDraft, call?: Call): Promise<OutsideAgent> {
      return ask({ method: "PUT", path: at(id), body: draft, answer: OutsideAgent, repeatable: true }, call);
    },

    list(query: Query<typeof OutsideQuery> = {}, call?: Call) {
      return ask({ method: "GET", path: "/v1/a2a/agents", query, answer: OutsideList, repeatable: true }, call);
    },

    get(id: string, call?: Call): Promise<OutsideAgent> {
      return ask({ method: "GET", path: at(id), answer: OutsideAgent, repeatable: true }, call);
    },

    /** Has its card fetched now, and what waits for it tried. */
    refresh(id: string, call?: Call): Promise<OutsideAgent> {
      return ask({ method: "POST", path: at(id, "/refresh"), answer: OutsideAgent, repeatable: true }, call);
    },

    /** The public card of an agent that is here; without one, the relay's. */
    card(agentId?: string, call?: Call): Promise<Card> {
      const below = agentId === undefined ? "" : `/a2a/${part(agentId)}`;
      return ask({ method: "GET", path: `${below}/.well-known/agent-card.json`, answer: Card, repeatable: true }, call);
    },
  };
}

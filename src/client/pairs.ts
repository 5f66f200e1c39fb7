import type { Message } from "../protocol/messages.ts";
import * as api from "../protocol/pairs.ts";
import type { Caller, Keyed, Query } from "./caller.ts";
import type { Call } from "./transport.ts";

/** Verbs on pairs of agents that work together. A repeated step answers as before. */
export function pairVerbs({ ask, askOnce, acting }: Caller) {
  const step = (id: string, body: api.PairStep = {}, call?: Call) => ({
    params: { id },
    body: acting("agentId", body, call),
  });

  return {
    /** Asks another agent to work together. Problems: `conflict` when the two have a live pair, `unknown-target`. */
    ask: (draft: api.PairDraft, call?: Keyed): Promise<api.Pair> =>
      askOnce(api.askForPair, { body: acting("requester", draft, call) }, call),

    get: (id: string, call?: Call): Promise<api.Pair> => ask(api.getPair, { params: { id } }, call),
    /** Lists pairs, newest first. */
    list: (query: Query<typeof api.PairQuery> = {}, call?: Call) => ask(api.listPairs, { query }, call),

    accept: (id: string, body?: api.PairStep, call?: Call): Promise<api.Pair> =>
      ask(api.acceptPair, step(id, body, call), call),
    reject: (id: string, body?: api.PairStep, call?: Call): Promise<api.Pair> =>
      ask(api.rejectPair, step(id, body, call), call),
    /** Ends a pair, or withdraws a request that is not accepted yet. */
    end: (id: string, body?: api.PairStep, call?: Call): Promise<api.Pair> =>
      ask(api.endPair, step(id, body, call), call),

    /** Sends a message to the other member, in the pair's thread. */
    send: (id: string, message: api.PairMessage, call?: Keyed): Promise<Message> =>
      askOnce(api.sayToPair, { params: { id }, body: acting("from", message, call) }, call),
  };
}

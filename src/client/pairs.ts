import { Message } from "../protocol/messages.ts";
import { Pair, type PairDraft, PairList, type PairMessage, type PairQuery, type PairStep } from "../protocol/pairs.ts";
import { type Caller, part, type Query } from "./caller.ts";
import { randomKey } from "./messages.ts";
import type { Call } from "./transport.ts";

type Keyed = Call & { idempotencyKey?: string };

/** The verbs on two agents that work together. */
export function pairVerbs({ ask, agentId }: Caller) {
  /** Each step done again answers as before. */
  const step = (verb: string, id: string, body: PairStep = {}, call?: Call): Promise<Pair> => {
    const member = body.agentId ?? call?.agentId ?? agentId;
    const path = `/v1/pairs/${part(id)}/${verb}`;
    const given = { ...body, ...(member && { agentId: member }) };
    return ask({ method: "POST", path, body: given, answer: Pair, repeatable: true }, call);
  };

  return {
    /** Asks another to work together. Problems: `conflict` when the two have a live pair, `unknown-target`. */
    ask(draft: PairDraft, { idempotencyKey = randomKey(), ...call }: Keyed = {}): Promise<Pair> {
      const requester = draft.requester ?? call.agentId ?? agentId;
      const body = { ...draft, ...(requester && { requester }) };
      const headers = { "idempotency-key": idempotencyKey };
      return ask({ method: "POST", path: "/v1/pairs", body, headers, answer: Pair, repeatable: true }, call);
    },

    get: (id: string, call?: Call): Promise<Pair> =>
      ask({ method: "GET", path: `/v1/pairs/${part(id)}`, answer: Pair, repeatable: true }, call),
    /** Newest first. */
    list: (query: Query<typeof PairQuery> = {}, call?: Call) =>
      ask({ method: "GET", path: "/v1/pairs", query, answer: PairList, repeatable: true }, call),

    accept: (id: string, body?: PairStep, call?: Call) => step("accept", id, body, call),
    reject: (id: string, body?: PairStep, call?: Call) => step("reject", id, body, call),
    /** Also takes a request back that was not accepted yet. */
    end: (id: string, body?: PairStep, call?: Call) => step("end", id, body, call),

    /** Says something to the other member, in the pair's thread. */
    send(id: string, said: PairMessage, { idempotencyKey = randomKey(), ...call }: Keyed = {}): Promise<Message> {
      const from = said.from ?? call.agentId ?? agentId;
      const body = { ...said, ...(from && { from }) };
      const path = `/v1/pairs/${part(id)}/messages`;
      const headers = { "idempotency-key": idempotencyKey };
      return ask({ method: "POST", path, body, headers, answer: Message, repeatable: true }, call);
    },
  };
}

import {
  Claimed,
  ClaimedList,
  type ClaimNext,
  type ClaimOne,
  type Complete,
  DeadLetterList,
  type DeadLetterQuery,
  type Fail,
  HeldList,
  type Release,
  type Renew,
  WorkAnswer,
} from "../protocol/work.ts";
import { type Caller, part, type Query } from "./caller.ts";
import { everyItem } from "./pages.ts";
import type { Call } from "./transport.ts";

/** `parent`: what a message replies to goes along with it. */
export interface Including {
  include?: "parent" | undefined;
}

/** The verbs on work. A lease that has ended answers them with the problem `claim-lost`. */
export function claimVerbs({ ask, self, agentId }: Caller) {
  /** Repeating with the same token what succeeded succeeds again, so these are safe to send twice. */
  const settle = (verb: string, id: number, body: { token: string }, call?: Call): Promise<WorkAnswer> =>
    ask({ method: "POST", path: `/v1/messages/${part(id)}/${verb}`, body, answer: WorkAnswer, repeatable: true }, call);

  /** Named by no token: sent again these would be refused for having been done. */
  const once = (verb: string, id: number, call?: Call): Promise<WorkAnswer> =>
    ask({ method: "POST", path: `/v1/messages/${part(id)}/${verb}`, answer: WorkAnswer }, call);

  return {
    /** Takes this one. Not repeated: who asks again is told that somebody holds it. Problems: `already-claimed`, `not-open`, `not-a-target`, `not-claimable`. */
    claim(id: number, { include, ...claim }: ClaimOne & Including = {}, call?: Call): Promise<Claimed> {
      const holder = claim.agentId ?? call?.agentId ?? agentId;
      const body = { ...claim, ...(holder && { agentId: holder }) };
      return ask(
        { method: "POST", path: `/v1/messages/${part(id)}/claim`, query: { include }, body, answer: Claimed },
        call,
      );
    },

    /**
     * Takes up to `max` of what is open for the agent, urgent first, then oldest; waits up to `waitSeconds` for some.
     * Giving up by a signal may leave something claimed whose answer was under way: `held` tells.
     */
    async claimNext({ include, ...claim }: ClaimNext & Including = {}, call?: Call): Promise<ClaimedList> {
      const path = `/v1/agents/${part(await self(call))}/claims`;
      const { waitSeconds } = claim;
      return ask({ method: "POST", path, query: { include }, body: claim, answer: ClaimedList, waitSeconds }, call);
    },

    /** What the agent holds, with the tokens. */
    async held({ include, ...call }: Call & Including = {}): Promise<ClaimedList> {
      const path = `/v1/agents/${part(await self(call))}/claims`;
      const read = (page: string | undefined) =>
        ask({ method: "GET", path, query: { page, include }, answer: HeldList, repeatable: true }, call);
      const items: Claimed[] = [];
      for await (const item of everyItem(read)) items.push(item);
      return { items };
    },

    /** Holds it longer; `progress` tells its sender how far it is, once however often it is sent again. */
    renew: (id: number, body: Renew, call?: Call) => settle("renew", id, body, call),
    /** Gives it back; the attempt does not count. */
    release: (id: number, body: Release, call?: Call) => settle("release", id, body, call),
    /** Done; a result goes to the sender as a `response`. */
    complete: (id: number, body: Complete, call?: Call) => settle("complete", id, body, call),
    /** The attempt counts; `final`, or attempts used up, makes it a dead letter. */
    fail: (id: number, body: Fail, call?: Call) => settle("fail", id, body, call),
    /** By its sender or an operator. */
    cancel: (id: number, call?: Call) => once("cancel", id, call),

    /** For operators. */
    deadLetters(query: Query<typeof DeadLetterQuery> = {}, call?: Call) {
      return ask({ method: "GET", path: "/v1/dead-letters", query, answer: DeadLetterList, repeatable: true }, call);
    },

    /** For operators: opens a dead letter again, with fresh attempts. */
    requeue: (id: number, call?: Call) => once("requeue", id, call),
  };
}

import * as api from "../protocol/work.ts";
import type { Caller, Query } from "./caller.ts";
import { everyItem } from "./pages.ts";
import type { Call } from "./transport.ts";

/** `parent`: what a message replies to goes along with it. */
export interface Including {
  include?: "parent" | undefined;
}

/** The verbs on work. A lease that has ended answers them with the problem `claim-lost`. */
export function claimVerbs({ ask, self, acting }: Caller) {
  return {
    /** Takes this one. Not repeated: who asks again is told that somebody holds it. Problems: `already-claimed`, `not-open`, `not-a-target`, `not-claimable`. */
    claim: (id: number, { include, ...claim }: api.ClaimOne & Including = {}, call?: Call): Promise<api.Claimed> =>
      ask(api.claimMessage, { params: { id }, query: { include }, body: acting("agentId", claim, call) }, call),

    /**
     * Takes up to `max` of what is open for the agent, urgent first, then oldest; waits up to `waitSeconds` for some.
     * Giving up by a signal may leave something claimed whose answer was under way: `held` tells.
     */
    claimNext: async ({ include, ...body }: api.ClaimNext & Including = {}, call?: Call): Promise<api.ClaimedList> =>
      ask(api.claimNext, { params: { id: await self(call) }, query: { include }, body }, call),

    /** What the agent holds, with the tokens. */
    async held({ include, ...call }: Call & Including = {}): Promise<api.ClaimedList> {
      const params = { id: await self(call) };
      const read = (page: string | undefined) => ask(api.heldClaims, { params, query: { page, include } }, call);
      const items: api.Claimed[] = [];
      for await (const item of everyItem(read)) items.push(item);
      return { items };
    },

    /** Holds it longer; `progress` tells its sender how far it is, once however often it is sent again. */
    renew: (id: number, body: api.Renew, call?: Call): Promise<api.WorkAnswer> =>
      ask(api.renewClaim, { params: { id }, body }, call),
    /** Gives it back; the attempt does not count. */
    release: (id: number, body: api.Release, call?: Call): Promise<api.WorkAnswer> =>
      ask(api.releaseClaim, { params: { id }, body }, call),
    /** Done; a result goes to the sender as a `response`. */
    complete: (id: number, body: api.Complete, call?: Call): Promise<api.WorkAnswer> =>
      ask(api.completeClaim, { params: { id }, body }, call),
    /** The attempt counts; `final`, or attempts used up, makes it a dead letter. */
    fail: (id: number, body: api.Fail, call?: Call): Promise<api.WorkAnswer> =>
      ask(api.failClaim, { params: { id }, body }, call),
    /** By its sender or an operator. */
    cancel: (id: number, call?: Call): Promise<api.WorkAnswer> => ask(api.cancelMessage, { params: { id } }, call),

    /** For operators. */
    deadLetters: (query: Query<typeof api.DeadLetterQuery> = {}, call?: Call) =>
      ask(api.listDeadLetters, { query }, call),

    /** For operators: opens a dead letter again, with fresh attempts. */
    requeue: (id: number, call?: Call): Promise<api.WorkAnswer> => ask(api.requeueMessage, { params: { id } }, call),
  };
}

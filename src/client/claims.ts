import * as api from "../protocol/work.ts";
import type { Caller, Query } from "./caller.ts";
import { everyItem } from "./pages.ts";
import type { Call } from "./transport.ts";

/** `parent`: includes the message that a message replies to. */
export interface Including {
  include?: "parent" | undefined;
}

/** Verbs on work. Those on a lease that has ended fail with the problem `claim-lost`. */
export const claimVerbs = ({ ask, self, acting }: Caller) => ({
  /** Claims this message. Not repeated, because a repeat would find it claimed. Problems: `already-claimed`, `not-open`, `not-a-target`, `not-claimable`. */
  claim: (id: number, { include, ...claim }: api.ClaimOne & Including = {}, call?: Call): Promise<api.Claimed> =>
    ask(api.claimMessage, { params: { id }, query: { include }, body: acting("agentId", claim, call) }, call),

  /**
   * Claims up to `max` messages that are open for the agent, urgent first, then oldest; waits up to `waitSeconds` for work.
   * After an abort the relay may still have claimed something: see `held`.
   */
  claimNext: async ({ include, ...body }: api.ClaimNext & Including = {}, call?: Call): Promise<api.ClaimedList> =>
    ask(api.claimNext, { params: { id: await self(call) }, query: { include }, body }, call),

  /** Claims that the agent holds, with their tokens. */
  async held({ include, ...call }: Call & Including = {}): Promise<api.ClaimedList> {
    const params = { id: await self(call) };
    const read = (page: string | undefined) => ask(api.heldClaims, { params, query: { page, include } }, call);
    const items: api.Claimed[] = [];
    for await (const item of everyItem(read)) items.push(item);
    return { items };
  },

  /** Extends the lease; `progress` goes to the sender, once however often it is repeated. */
  renew: (id: number, body: api.Renew, call?: Call): Promise<api.WorkAnswer> =>
    ask(api.renewClaim, { params: { id }, body }, call),
  /** Releases the work; the attempt does not count. */
  release: (id: number, body: api.Release, call?: Call): Promise<api.WorkAnswer> =>
    ask(api.releaseClaim, { params: { id }, body }, call),
  /** Completes the work; a result goes to the sender as a `response`. */
  complete: (id: number, body: api.Complete, call?: Call): Promise<api.WorkAnswer> =>
    ask(api.completeClaim, { params: { id }, body }, call),
  /** Fails the attempt; `final`, or the last attempt, makes the work a dead letter. */
  fail: (id: number, body: api.Fail, call?: Call): Promise<api.WorkAnswer> =>
    ask(api.failClaim, { params: { id }, body }, call),
  /** Cancels work; for its sender and operators. */
  cancel: (id: number, call?: Call): Promise<api.WorkAnswer> => ask(api.cancelMessage, { params: { id } }, call),

  /** Lists dead letters; for operators. */
  deadLetters: (query: Query<typeof api.DeadLetterQuery> = {}, call?: Call) =>
    ask(api.listDeadLetters, { query }, call),

  /** Opens a dead letter again, with fresh attempts; for operators. */
  requeue: (id: number, call?: Call): Promise<api.WorkAnswer> => ask(api.requeueMessage, { params: { id } }, call),
});

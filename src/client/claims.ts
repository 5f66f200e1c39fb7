import { CompletedItems } from "../protocol/items.ts";
import * as api from "../protocol/work.ts";
import type { Caller, Query } from "./caller.ts";
import { eachBy } from "./each.ts";
import { everyItem } from "./pages.ts";
import { createTogether, type Kind } from "./together.ts";
import type { Call, Transport } from "./transport.ts";

/** `parent`: includes the message that a message replies to. */
export interface Including {
  include?: "parent" | undefined;
}

/** Completing the work of a message: `json` is the body of a complete. */
interface Completing {
  readonly id: number;
  readonly json: string;
}

const completeEach = eachBy(api.completeClaims, CompletedItems);

const completeKind = (transport: Transport): Kind<Completing, api.WorkAnswer> => ({
  async alone({ id, json }, call) {
    return (await transport.exchange(api.completeClaim, { params: { id }, json }, call)).value;
  },
  all(items, call) {
    const json = `{"items":[${items.map((item) => `{"id":${JSON.stringify(Number(item.id))},${item.json.slice(1)}`).join(",")}]}`;
    return completeEach(transport, { json }, { count: items.length, call });
  },
  size: ({ json }) => json.length + 32,
});

/** Verbs on work. Those on a lease that has ended fail with the problem `claim-lost`. */
export function claimVerbs({ ask, self, acting, transport, timing }: Caller) {
  const completes = createTogether(completeKind(transport), timing);
  return {
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
    /**
     * Completes the work; a result goes to the sender as a `response`. Completes of one turn of the event loop go as one request, each
     * answered by itself.
     */
    complete: async (id: number, body: api.Complete, call?: Call): Promise<api.WorkAnswer> =>
      completes({ id, json: JSON.stringify(body ?? {}) }, call),
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
  };
}

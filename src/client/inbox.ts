import { Digest, type DigestQuery } from "../protocol/digest.ts";
import { Acked, Inbox, type InboxQuery } from "../protocol/inbox.ts";
import { type Caller, part, type Query } from "./caller.ts";
import type { Call } from "./transport.ts";

/** The verbs on an agent's inbox. */
export function inboxVerbs({ ask, self }: Caller) {
  return {
    /**
     * A page of the inbox from `after` on, else from the stored cursor; `waitSeconds` waits for something to come. Moves
     * nothing, unless `ackUpTo` says so.
     */
    async read(query: Query<typeof InboxQuery> = {}, call?: Call): Promise<Inbox> {
      const path = `/v1/agents/${part(await self(call))}/inbox`;
      const { waitSeconds } = query;
      return ask({ method: "GET", path, query, answer: Inbox, repeatable: true, waitSeconds }, call);
    },

    /** What waits, as one text for a model, in envelopes. Moves nothing: `ack` says how far to acknowledge when the model has it. */
    async digest(query: Query<typeof DigestQuery> = {}, call?: Call): Promise<Digest> {
      const path = `/v1/agents/${part(await self(call))}/inbox/digest`;
      return ask({ method: "GET", path, query, answer: Digest, repeatable: true }, call);
    },

    /** Everything up to `upTo` has been dealt with: the cursor moves there, never back. */
    async ack(upTo: number, call?: Call) {
      const path = `/v1/agents/${part(await self(call))}/inbox/ack`;
      return ask({ method: "POST", path, body: { upTo }, answer: Acked, repeatable: true }, call);
    },
  };
}

import { type Digest, type DigestQuery, readDigest } from "../protocol/digest.ts";
import * as api from "../protocol/inbox.ts";
import type { Caller, Query } from "./caller.ts";
import type { Call } from "./transport.ts";

/** The verbs on an agent's inbox. */
export function inboxVerbs({ ask, self }: Caller) {
  const own = async (call?: Call) => ({ id: await self(call) });

  return {
    /**
     * A page of the inbox from `after` on, else from the stored cursor; `waitSeconds` waits for something to come. Moves
     * nothing, unless `ackUpTo` says so.
     */
    read: async (query: Query<typeof api.InboxQuery> = {}, call?: Call): Promise<api.Inbox> =>
      ask(api.readInbox, { params: await own(call), query }, call),

    /** What waits, as one text for a model, in envelopes. Moves nothing: `ack` says how far to acknowledge when the model has it. */
    digest: async (query: Query<typeof DigestQuery> = {}, call?: Call): Promise<Digest> =>
      ask(readDigest, { params: await own(call), query }, call),

    /** Everything up to `upTo` has been dealt with: the cursor moves there, never back. */
    ack: async (upTo: number, call?: Call): Promise<api.Acked> =>
      ask(api.ackInbox, { params: await own(call), body: { upTo } }, call),
  };
}

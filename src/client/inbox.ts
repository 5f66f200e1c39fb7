import { type Digest, type DigestQuery, readDigest } from "../protocol/digest.ts";
import * as api from "../protocol/inbox.ts";
import type { Caller, Query } from "./caller.ts";
import type { Call } from "./transport.ts";

/** Verbs on an agent's inbox. */
export function inboxVerbs({ ask, self }: Caller) {
  const own = async (call?: Call) => ({ id: await self(call) });

  return {
    /**
     * Reads a page of the inbox after `after`, else after the stored cursor; `waitSeconds` waits for a message. Moves the cursor only
     * with `ackUpTo`.
     */
    read: async (query: Query<typeof api.InboxQuery> = {}, call?: Call): Promise<api.Inbox> =>
      ask(api.readInbox, { params: await own(call), query }, call),

    /** Digest of the unread messages as one text for a model. Moves nothing: acknowledge `ack` when the model has the text. */
    digest: async (query: Query<typeof DigestQuery> = {}, call?: Call): Promise<Digest> =>
      ask(readDigest, { params: await own(call), query }, call),

    /** Acknowledges everything up to `upTo`. The cursor never moves back. */
    ack: async (upTo: number, call?: Call): Promise<api.Acked> =>
      ask(api.ackInbox, { params: await own(call), body: { upTo } }, call),
  };
}

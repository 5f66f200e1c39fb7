import { type Digest, type DigestQuery, readDigest } from "../protocol/digest.ts";
import * as api from "../protocol/inbox.ts";
import type { Caller, Query } from "./caller.ts";
import { createTogether, type Kind } from "./together.ts";
import type { Call } from "./transport.ts";

interface Acking {
  readonly id: string;
  readonly upTo: number;
}

const ackKind = (ask: Caller["ask"]): Kind<Acking, api.Acked> => {
  const alone = ({ id, upTo }: Acking, call: Call) => ask(api.ackInbox, { params: { id }, body: { upTo } }, call);
  return {
    alone,
    async all(items, call) {
      const highest = items.reduce((most, item) => (item.upTo > most.upTo ? item : most));
      const acked = await alone(highest, call);
      return items.map((item) => (item === highest ? acked : { ...acked, skipped: 0 }));
    },
    // A place that no log has is refused by itself.
    apart: ({ id, upTo }) => `${id} ${Number.isSafeInteger(upTo) && upTo >= 0}`,
    size: () => 0,
  };
};

/** Verbs on an agent's inbox. */
export function inboxVerbs({ ask, self, timing }: Caller) {
  const acks = createTogether(ackKind(ask), timing);
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

    /**
     * Acknowledges everything up to `upTo`. The cursor never moves back. Of those of one turn of the event loop the highest goes: the
     * others are answered as if they had come after it.
     */
    ack: async (upTo: number, call?: Call): Promise<api.Acked> => acks({ id: await self(call), upTo }, call),
  };
}

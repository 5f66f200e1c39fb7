import type { Areas } from "../../core/core.ts";
import type { Author, Post } from "../../core/messages/draft.ts";
import type { Tx } from "../../kernel/db/database.ts";
import type { ParsedEvent } from "../../protocol/channels.ts";
import type { Pairing } from "./pairing.ts";
import type { Place } from "./place.ts";
import type { ChannelRow } from "./store.ts";
import type { Stores } from "./stores.ts";

export type Strangers = ReturnType<typeof createStrangers>;

/** Records of what strangers send, for operators to see. */
export function createStrangers({ kernel, core }: Areas, { traffic }: Stores, pairing: Pairing) {
  return {
    /**
     * Keeps an event as a message to `system`, which nobody follows, in no thread: no inbox, digest or model has it, and no
     * answer of a guest carries it along. A stranger in a private chat may be told a code.
     */
    async keep(tx: Tx, channel: ChannelRow, place: Place, { author, event, said }: Kept) {
      const { replyTo: _, ...alone } = said;
      const sent = await core.messages.post(
        tx,
        { ...author, person: null },
        { ...alone, to: "system", kind: "channel.event", causedBy: null },
        { settles: true },
      );
      if (!sent) throw new Error("system always exists");
      const facts = { messageIds: [sent.entry.id], lastMessageId: sent.entry.id, routed: 0 };
      const { externalId } = event;
      const row = { ...place, externalId, ...facts, unbound: false, stranger: true, at: kernel.clock.now() };
      await traffic.putEvent(tx, row);
      if (event.type !== "button") await pairing.offer(tx, channel, place, event);
      return { items: [sent], routed: 0, replayed: false };
    },
  };
}

/** An event that no agent gets. */
interface Kept {
  author: Author;
  event: ParsedEvent;
  said: Omit<Post, "to">;
}

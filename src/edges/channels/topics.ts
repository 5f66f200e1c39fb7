import type { Areas } from "../../core/core.ts";
import type { WorkRow } from "../../core/work/row.ts";
import type { Tx } from "../../kernel/db/database.ts";
import type { ParsedEvent } from "../../protocol/channels.ts";
import type { MessageId } from "../../protocol/ids.ts";
import { createChatPosts } from "./chat-post.ts";
import { FINAL, mayBePost } from "./outbound.ts";
import { conversationAt, type Place } from "./place.ts";
import type { Routing } from "./routing.ts";
import type { EventRow } from "./store-traffic.ts";
import type { Stores } from "./stores.ts";

/** Longest name of a topic: Telegram takes 128 characters. */
const MAX_NAME = 60;

/** Thread or topic that an event begins: one that is there, or one that is being made. */
type Opening = { place: Place } | { making: MessageId };

export type Topics = ReturnType<typeof createTopics>;

/** Topics and threads of their own for sessions, where a binding says `per-session`. */
export function createTopics({ core }: Areas, { chats, traffic }: Stores, routing: Routing) {
  const say = createChatPosts(core);

  return {
    /** Opening of an event that stands in no thread; undefined where it stays as it is. */
    async open(tx: Tx, place: Place, event: ParsedEvent): Promise<Opening | undefined> {
      if (place.threadId !== "" || event.button || event.sender.isBot) return undefined;
      if (event.opens == null && !event.inForum) return undefined;
      const [first] = await routing.destinations(tx, place);
      if (first?.to === undefined || first.binding.topics !== "per-session") return undefined;
      if (event.opens != null) return { place: { ...place, threadId: event.opens } };
      const name = nameOf(event.text ?? "");
      const making = await say(tx, conversationAt(place), { body: name, createTopic: { name } });
      return making === undefined ? undefined : { making };
    },

    /** Remembers the event that a topic is made for. */
    wait: (tx: Tx, messageId: MessageId, channelId: string, externalId: string): Promise<void> =>
      chats.addTopic(tx, { messageId, channelId, externalId }),

    /** False is certain: work in this state makes no topic, and has not failed to. */
    mayEnd: ({ target, state }: Pick<WorkRow, "target" | "state">): boolean => mayBePost(target) && FINAL.has(state),

    /** The event whose topic has been made, or could not be, and the place that it goes on in. */
    async ended(tx: Tx, { messageId, state }: WorkRow): Promise<{ event: EventRow; at: Place } | undefined> {
      const row = await chats.topic(tx, messageId);
      if (!row) return undefined;
      await chats.dropTopic(tx, messageId);
      const event = await traffic.event(tx, row.channelId, row.externalId);
      const [part] = state === "done" ? await traffic.parts(tx, messageId) : [];
      return event && { event, at: { ...event, threadId: part?.externalId ?? "" } };
    },
  };
}

/** Name of a topic: the beginning of what it is about, as one line. */
function nameOf(text: string): string {
  const line = text.replace(/[\p{Cc}\p{Cf}\s]+/gu, " ").trim();
  const short = line.length > MAX_NAME ? `${line.slice(0, MAX_NAME - 1).toWellFormed()}…` : line;
  return short || "Session";
}

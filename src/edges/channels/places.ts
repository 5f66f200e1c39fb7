import { z } from "zod";
import type { Areas } from "../../core/core.ts";
import type { MessageRow } from "../../core/messages/row.ts";
import type { WorkRow } from "../../core/work/row.ts";
import type { ReadTx } from "../../kernel/db/database.ts";
import type { AgentId, MessageId } from "../../protocol/ids.ts";
import { Conversation } from "../../protocol/posts.ts";
import { type Access, knowsSenders } from "./access.ts";
import type { Moves } from "./moves.ts";
import { mayBePost } from "./outbound.ts";
import { placeOf } from "./place.ts";
import type { Routing } from "./routing.ts";
import type { Stores } from "./stores.ts";

/** Sender of an event, as its message has it. */
const Sender = z.object({ id: z.string(), isBot: z.boolean().optional() });

/** Chats as places that results go to. */
export function createPlaces(
  { core }: Areas,
  { store, traffic, guests }: Stores,
  { routing, moves, access }: { routing: Routing; moves: Moves; access: Access },
) {
  const { linkStore, rows: messages } = core.messages;

  /** The chat under its current id; undefined when its channel is gone, or posts nothing. */
  async function open(on: ReadTx, chat: Conversation): Promise<Conversation | undefined> {
    const channel = await store.byId(on, chat.channelId);
    if (!channel || channel.direction === "inbound") return undefined;
    return { ...chat, conversationId: await moves.now(on, chat.channelId, chat.conversationId) };
  }

  /** The chat that a message came from. */
  function chatOf({ fromId, payload }: Pick<MessageRow, "fromId" | "payload">): Conversation | undefined {
    if (!mayBePost(fromId) || payload === null) return undefined;
    const chat = Conversation.safeParse(JSON.parse(payload).conversation).data;
    return chat?.channelId === fromId ? chat : undefined;
  }

  async function fromMessage(on: ReadTx, id: MessageId): Promise<Conversation | undefined> {
    const row = await messages.byId(on, id);
    return row && chatOf(row);
  }

  return {
    open,
    fromMessage,

    /** Whether a guest may approve in an open chat: the sender of the message that came from there, or another whom it has. */
    async hasApprover(on: ReadTx, chat: Conversation, id: MessageId): Promise<boolean> {
      const channel = await store.byId(on, chat.channelId);
      if (!channel || !knowsSenders(channel)) return false;
      const payload = (await messages.byId(on, id))?.payload;
      const { data: sender } = Sender.safeParse(payload == null ? undefined : JSON.parse(payload).sender);
      if (sender && (await access.of(on, channel, placeOf(chat.channelId, chat), sender)).approves) return true;
      return guests.hasApprover(on, chat);
    },

    /** Whether a binding gives the events of a chat to this agent. */
    async isBoundTo(on: ReadTx, chat: Conversation, agentId: AgentId): Promise<boolean> {
      const destinations = await routing.destinations(on, placeOf(chat.channelId, chat));
      return destinations.some(({ to }) => to === agentId);
    },

    /** Chat of the newest event among an agent's recent mail. */
    async newestOf(on: ReadTx, agentId: AgentId): Promise<Conversation | undefined> {
      const own = linkStore.mail(on, agentId, 0).find(({ target }) => target === agentId);
      for (const [id, from] of own?.recent ?? []) {
        const chat = mayBePost(from) ? await fromMessage(on, id) : undefined;
        const now = chat && (await open(on, chat));
        if (now) return now;
      }
      return undefined;
    },

    /** Platform's ids of the parts of a post. */
    async postedIds(on: ReadTx, { messageId }: WorkRow): Promise<string[]> {
      const parts = await traffic.parts(on, messageId);
      return parts.flatMap(({ externalId }) => (externalId === null ? [] : [externalId]));
    },
  };
}

import type { Binding } from "../../../protocol/bindings.ts";
import type { Message } from "../../../protocol/messages.ts";

/** A chat of the channel, as its newest message or its binding shows it. */
export interface Chat {
  conversationId: string;
  /** Senders that wrote there lately. */
  names: string[];
  newest: Message | undefined;
  /** Targets of its own bindings. */
  bound: string[];
}

/** Chats of messages, newest first, and then those that are only bound. */
export function chatsOf(messages: readonly Message[], bindings: readonly Binding[]): Chat[] {
  const chats = new Map<string, Chat>();
  const at = (conversationId: string): Chat => {
    const had = chats.get(conversationId) ?? { conversationId, names: [], newest: undefined, bound: [] };
    chats.set(conversationId, had);
    return had;
  };
  for (const message of messages) {
    const { conversation, sender } = (message.payload ?? {}) as {
      conversation?: { conversationId?: string };
      sender?: { name?: string };
    };
    if (typeof conversation?.conversationId !== "string") continue;
    const chat = at(conversation.conversationId);
    chat.newest ??= message;
    if (typeof sender?.name === "string" && !chat.names.includes(sender.name) && chat.names.length < 3)
      chat.names.push(sender.name);
  }
  for (const { conversationId, target, endedAt } of bindings)
    if (conversationId !== null && endedAt === null) at(conversationId).bound.push(target);
  return [...chats.values()];
}

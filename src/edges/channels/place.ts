import type { Conversation } from "../../protocol/posts.ts";

/** A conversation as rows have it: "" where there is none. */
export interface Place {
  channelId: string;
  conversationId: string;
  threadId: string;
}

export const placeOf = (
  channelId: string,
  named: { conversationId?: string | null; threadId?: string | null },
): Place => ({
  channelId,
  conversationId: named.conversationId ?? "",
  threadId: named.threadId ?? "",
});

/** The chat of a place, as it goes out. */
export const conversationAt = ({ channelId, conversationId, threadId }: Place): Conversation => ({
  ...{ channelId, conversationId },
  ...(threadId !== "" && { threadId }),
});

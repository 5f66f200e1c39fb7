import type { Core } from "../../core/core.ts";
import type { Author } from "../../core/messages/draft.ts";
import type { Tx } from "../../kernel/db/database.ts";
import type { MessageId } from "../../protocol/ids.ts";
import type { Conversation } from "../../protocol/posts.ts";
import { Problem } from "../../protocol/problem.ts";
import { toTime } from "../../protocol/wire.ts";

const RELAY: Author = { id: "system", kind: "system", via: null };

/** A post of the relay's own. */
export interface ChatPost {
  body: string;
  buttons?: { text: string; id: string }[][] | undefined;
  /** Post of the relay's own whose text and buttons this replaces. */
  edits?: MessageId | undefined;
  /** Makes a topic of this name instead. Its id is the external id of the post. */
  createTopic?: { name: string } | undefined;
  /** Milliseconds; a post that is not out by then is dropped. */
  expiresAt?: number | undefined;
}

/** Posts of the relay itself in chats. Undefined where a chat cannot be posted to. */
export const createChatPosts =
  ({ messages }: Pick<Core, "messages">) =>
  async (
    tx: Tx,
    chat: Conversation,
    { body, buttons, edits, createTopic, expiresAt }: ChatPost,
  ): Promise<MessageId | undefined> => {
    const posting = () =>
      messages.post(tx, RELAY, {
        ...{ to: chat.channelId, body, causedBy: null, expiresAt: expiresAt === undefined ? null : toTime(expiresAt) },
        payload: {
          conversation: chat,
          ...(buttons && { buttons }),
          ...(createTopic && { createTopic }),
          ...(edits !== undefined && { edit: { messageId: edits } }),
        },
      });
    try {
      return (await tx.attempt(posting))?.entry.id;
    } catch (error) {
      if (error instanceof Problem) return undefined;
      throw error;
    }
  };

import type { Areas } from "../../core/core.ts";
import type { Author } from "../../core/messages/draft.ts";
import type { RunRow } from "../../features/runs/row.ts";
import type { ReadTx, Tx } from "../../kernel/db/database.ts";
import type { MessageId } from "../../protocol/ids.ts";
import type { Conversation } from "../../protocol/posts.ts";
import { Problem } from "../../protocol/problem.ts";
import type { Channels } from "../channels/channels.ts";
import type { PullStore } from "./store.ts";

const SYSTEM: Author = { id: "system", kind: "system", via: null };

/** Where a reply goes: a chat, or a thread of `user`. */
interface Place {
  key: string;
  to: string;
  replyTo: MessageId | null;
  chat?: Conversation;
}

/** Short replies in the place where the work of a run was asked for. */
export function createReplies({ kernel, core, channels }: Areas & { channels: Channels }, store: PullStore) {
  const { clock } = kernel;
  const { messages } = core;
  const { places } = channels;

  async function placeOf(on: ReadTx, { messageId, origin }: RunRow): Promise<Place | undefined> {
    const row = messageId === null ? undefined : await messages.rows.byId(on, messageId);
    const from = row && (await places.fromMessage(on, row.id));
    const asked = from ?? (origin === null ? undefined : (JSON.parse(origin) as Conversation));
    const chat = asked && (await places.open(on, asked));
    if (chat) {
      const key = [chat.channelId, chat.conversationId, chat.threadId ?? ""].join("/");
      return { key, to: chat.channelId, chat, replyTo: from ? messageId : null };
    }
    if (row?.fromId !== "user") return undefined;
    return { key: `thread:${row.threadId ?? row.id}`, to: "user", replyTo: row.id };
  }

  return {
    /** Tells the place of a run once of each state. Texts of others are not in it. */
    async tell(
      tx: Tx,
      run: RunRow,
      { pull, state, text }: { pull: string; state: string; text: string },
    ): Promise<void> {
      const place = await placeOf(tx, run);
      if (!place || !(await store.noteReply(tx, { pull, place: place.key, state, createdAt: clock.now() }))) return;
      const { to, replyTo, chat } = place;
      const said = {
        to,
        body: text,
        replyTo,
        topic: "pulls",
        ...(chat ? { payload: { conversation: chat } } : { kind: "system" as const }),
      };
      await tx.attempt(() => messages.post(tx, SYSTEM, said)).catch(refused);
    },
  };
}

/** A chat that takes no posts now misses the news. Anything else is thrown on. */
function refused(error: unknown): void {
  if (!(error instanceof Problem) || error.status >= 500) throw error;
}

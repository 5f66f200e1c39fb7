import { randomBytes } from "node:crypto";
import type { Tx } from "../../kernel/db/database.ts";
import type { Kernel } from "../../kernel/kernel.ts";
import type { Conversation } from "../../protocol/posts.ts";
import type { Session } from "../../protocol/sessions.ts";
import type { Channels } from "../channels/channels.ts";
import { COMMAND_BUTTON } from "../channels/press.ts";
import { type ButtonRow, chatCommandStore as store } from "./store.ts";
import { detailText, labelOf, listText } from "./texts.ts";
import type { Seen } from "./view.ts";

/** Sessions with a button under a list. */
const MAX_BUTTONS = 20;

type Choice = { text: string; act: ButtonRow["act"]; sessionId: string | null };
const DISMISS: Choice = { text: "Dismiss", act: "dismiss", sessionId: null };

export type Posts = ReturnType<typeof createPosts>;

/** Answers to commands, some with buttons. Ids of buttons are random, and each is good for one act in one chat. */
export function createPosts({ clock }: Kernel, { chats }: Channels) {
  async function offer(tx: Tx, chat: Conversation, body: string, rows: Choice[][]): Promise<void> {
    const named = rows.map((row) =>
      row.map((choice) => ({ ...choice, id: `${COMMAND_BUTTON}${randomBytes(18).toString("base64url")}` })),
    );
    const buttons = named.map((row) => row.map(({ text, id }) => ({ text, id })));
    const messageId = await chats.say(tx, chat, { body, buttons });
    if (messageId === undefined) return;
    const of = { conversation: chat, messageId, createdAt: clock.now() };
    await store.addButtons(
      tx,
      named.flat().map(({ id, act, sessionId }) => ({ id, act, sessionId, ...of })),
    );
  }

  return {
    say: async (tx: Tx, chat: Conversation, body: string): Promise<void> => {
      await chats.say(tx, chat, { body });
    },

    async list(tx: Tx, chat: Conversation, { live, ended }: Seen): Promise<void> {
      const rows = live
        .slice(0, MAX_BUTTONS)
        .map((session): Choice[] => [{ text: labelOf(session), act: "detail", sessionId: session.id }]);
      const body = listText(live, ended, clock.now());
      if (rows.length === 0) await chats.say(tx, chat, { body });
      else await offer(tx, chat, body, [...rows, [DISMISS]]);
    },

    async detail(tx: Tx, chat: Conversation, session: Session): Promise<void> {
      const act = (text: string, what: ButtonRow["act"]): Choice => ({ text, act: what, sessionId: session.id });
      await offer(tx, chat, detailText(session, clock.now()), [[act("Peek", "peek"), act("Kill", "kill"), DISMISS]]);
    },

    /** Takes the buttons off a post. */
    async dismiss(tx: Tx, { conversation, messageId }: ButtonRow): Promise<void> {
      await store.dropButtons(tx, messageId);
      await chats.say(tx, conversation, { body: "Dismissed.", edits: messageId });
    },
  };
}

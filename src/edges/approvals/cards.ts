import { randomBytes } from "node:crypto";
import type { Areas } from "../../core/core.ts";
import type { Author } from "../../core/messages/draft.ts";
import type { ApprovalRow } from "../../features/approvals/row.ts";
import { mayTap } from "../../features/approvals/service.ts";
import { cardOf } from "../../features/approvals/subject.ts";
import type { ReadTx, Tx } from "../../kernel/db/database.ts";
import type { MessageId } from "../../protocol/ids.ts";
import type { Conversation } from "../../protocol/posts.ts";
import { Problem } from "../../protocol/problem.ts";
import { visible, visibleShortly } from "../../protocol/visible.ts";
import { toTime } from "../../protocol/wire.ts";
import type { ButtonStore } from "./store.ts";

const SYSTEM: Author = { id: "system", kind: "system", via: null };

export type Cards = ReturnType<typeof createCards>;

/** Approvals as posts in chats. */
export function createCards({ kernel, core }: Areas, store: ButtonStore) {
  const { clock } = kernel;
  const { messages, work } = core;

  /** Posts to a chat, where others' texts are spelled out; undefined when it cannot be posted to. */
  async function post(tx: Tx, chat: Conversation, said: Said) {
    const { expiresAt, edit } = said;
    const body = visibleShortly(said.body);
    const buttons = said.buttons?.map((row) => row.map(({ text, id }) => ({ text: labelOf(text), id })));
    const sending = () =>
      messages.post(tx, SYSTEM, {
        ...{ to: chat.channelId, body, causedBy: null, expiresAt: expiresAt === undefined ? null : toTime(expiresAt) },
        payload: {
          conversation: chat,
          ...(buttons && { buttons }),
          ...(edit && { edit: { ...edit, text: visibleShortly(edit.text) } }),
        },
      });
    try {
      return (await tx.attempt(sending))?.entry.id;
    } catch (error) {
      if (error instanceof Problem) return undefined;
      throw error;
    }
  }

  /** Whether a chat has the post, or may get it. */
  async function mayBeShown(on: ReadTx, messageId: MessageId): Promise<boolean> {
    const state = (await work.rows.byId(on, messageId))?.state;
    return state === "done" || state === "claimed";
  }

  return {
    /** Posts what exactly is asked for, with a button for each option that may be tapped. Answers whether it could. */
    async ask(tx: Tx, row: ApprovalRow, chat: Conversation): Promise<boolean> {
      const offered = row.options.filter(({ decision }) => decision !== "allow" || mayTap(row));
      const named = offered.map((option) => ({ option, id: `apr_${randomBytes(18).toString("base64url")}` }));
      const buttons = named.map(({ option, id }) => [{ text: option.label, id }]);
      const messageId = await post(tx, chat, { body: textOf(row), buttons, expiresAt: row.expiresAt });
      if (messageId === undefined) return false;
      const of = { approvalId: row.id, conversation: chat, messageId, createdAt: clock.now() };
      await store.add(
        tx,
        named.map(({ option, id }) => ({ ...of, id, option: option.id })),
      );
      return true;
    },

    say: (tx: Tx, chat: Conversation, body: string) => post(tx, chat, { body }),

    /** Puts the outcome in place of the buttons of each post, and tells it to chats that have none. */
    async conclude(tx: Tx, row: ApprovalRow, outcome: string): Promise<void> {
      const told = new Set<string>();
      const edited = new Set<MessageId>();
      for (const { messageId, conversation } of await store.of(tx, row.id)) {
        if (edited.has(messageId) || !(await mayBeShown(tx, messageId))) continue;
        edited.add(messageId);
        const edit = { messageId, text: `${outcome}\n\n${asked(row)}` };
        if ((await post(tx, conversation, { body: outcome, edit })) !== undefined)
          told.add(JSON.stringify(conversation));
      }
      for (const { conversation } of row.askedOf) {
        // A later push closes the earlier one.
        if (conversation === "push") continue;
        const chat = JSON.stringify(conversation);
        if (!told.has(chat)) await post(tx, conversation, { body: outcome });
        told.add(chat);
      }
    },

    /** Takes back posts that no adapter has taken yet. */
    async takeBack(tx: Tx, row: ApprovalRow): Promise<void> {
      for (const messageId of new Set((await store.of(tx, row.id)).map((button) => button.messageId))) {
        const of = await work.rows.byId(tx, messageId);
        if (of?.state === "open" || of?.state === "delayed")
          await work.leases.end(tx, of, { as: "overtaken", state: "cancelled" });
      }
    },
  };
}

interface Said {
  body: string;
  buttons?: { text: string; id: string }[][];
  expiresAt?: number;
  edit?: { messageId: MessageId; text: string };
}

/** Longest label of an option. */
const LABEL = 128;
const labelOf = (text: string): string => visible(text).slice(0, LABEL).toWellFormed();

/** The question, as a chat shows it. */
const asked = ({ agentId, title, subject }: ApprovalRow): string =>
  [`${agentId} asks: ${title}`, cardOf(subject)].join("\n\n");

function textOf(row: ApprovalRow): string {
  const { cut, oneTap, expiresAt, id } = row;
  return [
    asked(row),
    ...(cut ? [`(cut) Read it whole to allow it: signalbox approvals show ${id}`] : []),
    ...(!cut && !oneTap ? [`It is allowed in the console or the command line: signalbox approvals answer ${id}`] : []),
    `Until ${toTime(expiresAt).slice(0, 16).replace("T", " ")} UTC.`,
  ].join("\n\n");
}

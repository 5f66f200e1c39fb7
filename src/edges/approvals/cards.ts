import { randomBytes } from "node:crypto";
import type { Areas } from "../../core/core.ts";
import type { Author } from "../../core/messages/draft.ts";
import type { ApprovalRow } from "../../features/approvals/row.ts";
import { mayTap } from "../../features/approvals/service.ts";
import { cardOf } from "../../features/approvals/subject.ts";
import type { Tx } from "../../kernel/db/database.ts";
import type { Conversation } from "../../protocol/posts.ts";
import { Problem } from "../../protocol/problem.ts";
import { toTime } from "../../protocol/wire.ts";
import type { ButtonStore } from "./store.ts";

const SYSTEM: Author = { id: "system", kind: "system", via: null };

export type Cards = ReturnType<typeof createCards>;

/** Approvals as posts in chats. */
export function createCards({ kernel, core }: Areas, store: ButtonStore) {
  const { clock } = kernel;
  const { messages, work } = core;

  /** Posts to a chat; undefined when it cannot be posted to. */
  async function post(tx: Tx, chat: Conversation, said: { body: string; buttons?: object[][]; expiresAt?: number }) {
    const { body, buttons, expiresAt } = said;
    const sending = () =>
      messages.post(tx, SYSTEM, {
        ...{ to: chat.channelId, body, causedBy: null, expiresAt: expiresAt === undefined ? null : toTime(expiresAt) },
        payload: { conversation: chat, ...(buttons && { buttons }) },
      });
    try {
      return (await tx.attempt(sending))?.entry.id;
    } catch (error) {
      if (error instanceof Problem) return undefined;
      throw error;
    }
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

function textOf(row: ApprovalRow): string {
  const { agentId, title, subject, cut, oneTap, expiresAt, id } = row;
  return [
    `${agentId} asks: ${title}`,
    cardOf(subject),
    ...(cut ? [`(cut) Read it whole to allow it: signalbox approvals show ${id}`] : []),
    ...(!cut && !oneTap ? [`It is allowed in the console or the command line: signalbox approvals answer ${id}`] : []),
    `Until ${toTime(expiresAt).slice(0, 16).replace("T", " ")} UTC.`,
  ].join("\n\n");
}

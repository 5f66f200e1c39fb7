import type { Areas } from "../../core/core.ts";
import type { Approvals } from "../../features/approvals/approvals.ts";
import { usualOption } from "../../features/approvals/service.ts";
import type { ReadTx } from "../../kernel/db/database.ts";
import { APPROVAL_BUTTON } from "../channels/press.ts";
import type { ButtonStore } from "./store.ts";

/** Words that answer as a button does: each is typed as a reply to the post. */
const DECISIONS: Record<string, "allow" | "deny"> = { yes: "allow", no: "deny" };

/** Answers typed in chats, as the buttons that they stand for. */
export function createTyped({ core, approvals }: Areas & { approvals: Approvals }, store: ButtonStore) {
  const { rows: messages } = core.messages;

  /** Ids of a post's buttons, as they stand there. Only the relay makes those of approvals. */
  async function buttonsOf(on: ReadTx, postId: number): Promise<string[]> {
    const row = await messages.byId(on, postId);
    if (row?.fromId !== "system" || !row.payload?.includes(`"${APPROVAL_BUTTON}`)) return [];
    const { buttons = [] } = JSON.parse(row.payload) as { buttons?: { id?: string }[][] };
    return buttons.flat().flatMap(({ id }) => (id?.startsWith(APPROVAL_BUTTON) ? [id] : []));
  }

  return {
    /**
     * The button that a typed answer stands for: `yes`, `no`, or the number of an option. A post of no approval gives undefined; an
     * answer that is not offered gives the id of no button.
     */
    async buttonOf(on: ReadTx, postId: number, word: string): Promise<string | undefined> {
      const ids = await buttonsOf(on, postId);
      if (ids.length === 0) return undefined;
      const numbered = /^\d{1,2}$/.test(word) ? ids[Number(word) - 1] : undefined;
      if (numbered !== undefined) return numbered;
      const offered = (await Promise.all(ids.map((id) => store.byId(on, id)))).flatMap((button) => button ?? []);
      const row = await approvals.find(on, offered[0]?.approvalId ?? "");
      const decision = DECISIONS[word];
      const option = row && decision && usualOption(row, decision);
      return offered.find((button) => option && button.option === option.id)?.id ?? APPROVAL_BUTTON;
    },
  };
}

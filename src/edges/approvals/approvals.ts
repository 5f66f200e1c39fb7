import type { Areas } from "../../core/core.ts";
import type { Sweep } from "../../core/retention/sweeps.ts";
import type { Approvals } from "../../features/approvals/approvals.ts";
import type { Runs } from "../../features/runs/runs.ts";
import type { Tx } from "../../kernel/db/database.ts";
import type { Channels } from "../channels/channels.ts";
import type { Press } from "../channels/press.ts";
import type { Push } from "../push/push.ts";
import { createAsking } from "./asking.ts";
import { createCards } from "./cards.ts";
import { createLadder } from "./ladder.ts";
import { createButtonStore } from "./store.ts";
import { createTyped } from "./typed.ts";

export type ApprovalCards = ReturnType<typeof createApprovalCards>;

/** Approvals in chats: cards with buttons, and what a press does. */
export function createApprovalCards(
  areas: Areas & { approvals: Approvals; runs: Runs; channels: Channels; push: Push },
) {
  const { approvals, channels } = areas;
  const store = createButtonStore();
  const cards = createCards(areas, store);
  const typed = createTyped(areas, store);
  const ladder = createLadder(areas);
  const asking = createAsking(areas, { cards, ladder });

  /** A press answers where its button was posted, by a guest that approves or the account of a person who may decide. Any other answers nothing. */
  async function press(tx: Tx, { buttonId, place, senderId, approves, personId }: Press): Promise<void> {
    const button = await store.byId(tx, buttonId);
    const posted = button && (await channels.places.open(tx, button.conversation));
    if (!button || posted?.channelId !== place.channelId || posted.conversationId !== place.conversationId) return;
    const person = await ladder.decider(tx, { channelId: place.channelId, senderId });
    // A guest lets no stranger in.
    const isGuest = approves && (await approvals.find(tx, button.approvalId))?.kind !== "access";
    if (person || isGuest)
      await approvals.press(tx, button.approvalId, { option: button.option, person: person?.id ?? personId });
  }

  const old: Sweep = {
    name: "approval buttons",
    limit: 500,
    sweep: (tx, { before, limit }) => store.forget(tx, before, limit),
  };

  return {
    follow: asking.follow,
    show: cards.ask,
    /** Says something to a person in the first place of theirs that works. Answers whether it could. */
    async tell(tx: Tx, personId: string, body: string): Promise<boolean> {
      const person = await areas.identity.people.live(tx, personId);
      const at = person && (await ladder.reach(tx, person));
      if (at?.chat === "push") return areas.push.say(tx, personId, body);
      return at !== undefined && (await cards.say(tx, at.chat, body)) !== undefined;
    },
    press,
    typedButton: typed.buttonOf,
    sweeps: [old],
    dueHandlers: asking.dueHandlers,
  };
}

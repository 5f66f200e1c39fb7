import type { Areas } from "../../core/core.ts";
import type { Sweep } from "../../core/retention/sweeps.ts";
import type { Approvals } from "../../features/approvals/approvals.ts";
import type { Commands } from "../../features/commands/commands.ts";
import type { Delegations } from "../../features/delegations/delegations.ts";
import type { Holds } from "../../features/holds/holds.ts";
import type { Sessions } from "../../features/sessions/sessions.ts";
import type { Tx } from "../../kernel/db/database.ts";
import type { ApprovalCards } from "../approvals/approvals.ts";
import type { Channels } from "../channels/channels.ts";
import type { ChatOrder } from "../channels/press.ts";
import { createOrders } from "./orders.ts";
import { createPosts } from "./posts.ts";
import { createPresses } from "./presses.ts";
import { chatCommandStore as store } from "./store.ts";
import { createVerbs } from "./verbs.ts";
import { createView } from "./view.ts";

export type ChatCommands = ReturnType<typeof createChatCommands>;

type Ground = Areas & {
  approvals: Approvals;
  cards: ApprovalCards;
  channels: Channels;
  commands: Commands;
  delegations: Delegations;
  holds: Holds;
  sessions: Sessions;
};

/** Commands that guests write in chats, and buttons under their answers. */
export function createChatCommands(ground: Ground) {
  const { kernel, channels } = ground;
  const posts = createPosts(kernel, channels);
  const view = createView(ground);
  const orders = createOrders(ground, posts);
  const verbs = createVerbs(ground, { view, posts, orders });
  const presses = createPresses(ground, { view, posts, orders });

  const old: Sweep = {
    name: "chat commands",
    limit: 500,
    sweep: (tx, { before, limit }) => store.forget(tx, before, limit),
  };

  return {
    /** Carries out a command of a guest. */
    take: (tx: Tx, order: ChatOrder): Promise<void> =>
      order.line ? verbs.take(tx, order, order.line) : presses.take(tx, order),
    followDelegation: orders.followDelegation,
    sweeps: [old],
  };
}

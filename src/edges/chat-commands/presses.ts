import type { Areas } from "../../core/core.ts";
import type { Tx } from "../../kernel/db/database.ts";
import type { Session } from "../../protocol/sessions.ts";
import type { Channels } from "../channels/channels.ts";
import { conversationAt } from "../channels/place.ts";
import type { ChatOrder } from "../channels/press.ts";
import type { Orders } from "./orders.ts";
import type { Posts } from "./posts.ts";
import { type ButtonRow, chatCommandStore as store } from "./store.ts";
import { NOT_ALLOWED, NOT_FOUND } from "./texts.ts";
import { mayDecide, type View } from "./view.ts";

/** Presses of buttons under answers to commands. */
export function createPresses(
  { kernel, channels }: Areas & { channels: Channels },
  { view, posts, orders }: { view: View; posts: Posts; orders: Orders },
) {
  /** The button, when it was posted in this very chat. */
  async function found(tx: Tx, { buttonId, place }: ChatOrder): Promise<ButtonRow | undefined> {
    const button = buttonId === undefined ? undefined : await store.button(tx, buttonId);
    const posted = button && (await channels.places.open(tx, button.conversation));
    const isHere = posted?.channelId === place.channelId && posted.conversationId === place.conversationId;
    return isHere ? button : undefined;
  }

  async function act(tx: Tx, { place, standing }: ChatOrder, what: ButtonRow["act"], session: Session): Promise<void> {
    const chat = conversationAt(place);
    if (what === "detail") return posts.detail(tx, chat, session);
    if (what === "peek") return orders.peek(tx, place, standing, session);
    if (!mayDecide(standing)) return posts.say(tx, chat, NOT_ALLOWED);
    return orders.kill(tx, place, standing, session);
  }

  return {
    /** A forged button, and another chat's, does nothing. */
    async take(tx: Tx, order: ChatOrder): Promise<void> {
      const button = await found(tx, order);
      if (!button) return;
      if (button.act === "dismiss") return posts.dismiss(tx, button);
      const { live } = await view.seen(tx, order.place, order.standing, kernel.clock.now());
      const session = live.find(({ id }) => id === button.sessionId);
      if (!session) return posts.say(tx, conversationAt(order.place), NOT_FOUND);
      return act(tx, order, button.act, session);
    },
  };
}

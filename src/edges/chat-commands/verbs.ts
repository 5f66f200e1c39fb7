import type { Areas } from "../../core/core.ts";
import type { Approvals } from "../../features/approvals/approvals.ts";
import type { Tx } from "../../kernel/db/database.ts";
import type { Conversation } from "../../protocol/posts.ts";
import type { Session } from "../../protocol/sessions.ts";
import type { ApprovalCards } from "../approvals/approvals.ts";
import type { Channels } from "../channels/channels.ts";
import type { ChatLine } from "../channels/chat-line.ts";
import { conversationAt } from "../channels/place.ts";
import type { ChatOrder } from "../channels/press.ts";
import type { Orders } from "./orders.ts";
import type { Posts } from "./posts.ts";
import { NOT_ALLOWED, NOT_FOUND } from "./texts.ts";
import { mayDecide, named, type View } from "./view.ts";

/** Approvals that one command shows. */
const MAX_SHOWN = 5;
const MAX_MODEL = 128;

type Ground = Areas & { approvals: Approvals; cards: ApprovalCards; channels: Channels };

/** A command with the chat that it came from. */
interface Asked extends ChatOrder {
  chat: Conversation;
  rest: string;
}

/** Commands of guests, each answered in its chat. */
export function createVerbs(
  { kernel, identity, approvals, cards, channels }: Ground,
  { view, posts, orders }: { view: View; posts: Posts; orders: Orders },
) {
  const { clock } = kernel;
  const { chats } = channels;

  const seen = (tx: Tx, { place, standing }: Asked) => view.seen(tx, place, standing, clock.now());

  /** Does something with the session that was named; without one that fits, shows the list. */
  async function withSession(tx: Tx, asked: Asked, act: (session: Session) => Promise<void>): Promise<void> {
    const all = await seen(tx, asked);
    const session = named(all.live, asked.rest);
    if (session) return act(session);
    if (asked.rest !== "") await posts.say(tx, asked.chat, NOT_FOUND);
    return posts.list(tx, asked.chat, all);
  }

  async function stop(tx: Tx, asked: Asked): Promise<void> {
    const { place, standing, rest, chat } = asked;
    if (rest !== "") return withSession(tx, asked, (session) => orders.stop(tx, place, standing, session));
    const { live } = await seen(tx, asked);
    const busy: Session[] = [];
    for (const one of live)
      if (one.lane === "main" && one.state !== "idle" && (await view.isHere(tx, one, place))) busy.push(one);
    if (busy.length === 0) return posts.say(tx, chat, "Nothing works here now.");
    for (const session of busy) await orders.stop(tx, place, standing, session);
  }

  async function clear(tx: Tx, asked: Asked): Promise<void> {
    const { place, standing, chat } = asked;
    const { live } = await seen(tx, asked);
    const mains: Session[] = [];
    for (const one of live) if (one.lane === "main" && (await view.isHere(tx, one, place))) mains.push(one);
    if (mains.length === 0) return posts.say(tx, chat, "There is no session here. The next message begins one.");
    for (const session of mains) await orders.clear(tx, place, standing, session);
  }

  async function agents(tx: Tx, { place, chat }: Asked): Promise<void> {
    const { agents: bound, also } = await chats.bound(tx, place);
    const line = async (id: string, mark: string) => {
      const agent = await identity.directory.byId(tx, id);
      return `${mark} ${id}${agent && agent.name !== id ? `, ${agent.name}` : ""} (${agent?.status ?? "gone"})`;
    };
    const lines = [];
    for (const id of bound) lines.push(await line(id, "▶"));
    for (const id of also) lines.push(await line(id, "-"));
    const how = also.length > 0 ? ["", `For one message to another: @${also[0]} and the text.`] : [];
    await posts.say(tx, chat, [...(lines.length > 0 ? lines : ["No agent is bound here."]), ...how].join("\n"));
  }

  async function model(tx: Tx, { place, standing, chat, rest }: Asked): Promise<void> {
    if (rest === "") return posts.say(tx, chat, `Model: ${(await chats.model(tx, place)) ?? "default"}.`);
    if (!/^\S+$/.test(rest) || rest.length > MAX_MODEL)
      return posts.say(tx, chat, "Name one model, like /model opus, or /model default.");
    if (rest === "default") await chats.clearModel(tx, place);
    else await chats.setModel(tx, place, rest, standing.person?.id ?? null);
    return posts.say(tx, chat, `Model: ${rest}, from the next message on.`);
  }

  async function ask(tx: Tx, { place, chat }: Asked): Promise<void> {
    const { also } = await chats.bound(tx, place);
    const known =
      also.length > 0 ? `Agents here: ${also.join(", ")}.` : "The binding of this chat names no other agent.";
    await posts.say(tx, chat, `Use: /ask agent text. ${known}`);
  }

  /** Posts what the bound agents wait for, with its buttons. */
  async function approve(tx: Tx, { place, chat }: Asked): Promise<void> {
    const { agents: bound, also } = await chats.bound(tx, place);
    let shown = 0;
    for (const id of new Set([...bound, ...also]))
      for (const row of await approvals.waitingFor(tx, id, MAX_SHOWN - shown))
        if (shown < MAX_SHOWN && (await cards.show(tx, row, chat))) shown++;
    if (shown === 0) await posts.say(tx, chat, "Nothing waits for an approval.");
  }

  const decides =
    (act: (tx: Tx, asked: Asked) => Promise<void>) =>
    (tx: Tx, asked: Asked): Promise<void> =>
      mayDecide(asked.standing) ? act(tx, asked) : posts.say(tx, asked.chat, NOT_ALLOWED);

  const acts: Record<ChatLine["verb"], (tx: Tx, asked: Asked) => Promise<void>> = {
    sessions: async (tx, asked) => posts.list(tx, asked.chat, await seen(tx, asked)),
    peek: (tx, asked) => withSession(tx, asked, (session) => orders.peek(tx, asked.place, asked.standing, session)),
    kill: decides((tx, asked) =>
      withSession(tx, asked, (session) => orders.kill(tx, asked.place, asked.standing, session)),
    ),
    bg: (tx, { chat }) => posts.say(tx, chat, "Use: /bg and what to do in the background."),
    stop,
    clear: decides(clear),
    agents,
    model,
    ask,
    approve: decides(approve),
    hold: (tx, { place, standing, rest }) => orders.hold(tx, place, standing, rest),
  };

  return {
    take: (tx: Tx, order: ChatOrder, { verb, rest }: ChatLine): Promise<void> =>
      acts[verb](tx, { ...order, chat: conversationAt(order.place), rest }),
  };
}

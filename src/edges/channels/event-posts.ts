import type { Areas } from "../../core/core.ts";
import type { Author, Post } from "../../core/messages/draft.ts";
import type { LogEntry } from "../../core/messages/entry.ts";
import type { WorkRow } from "../../core/work/row.ts";
import type { ReadTx, Tx } from "../../kernel/db/database.ts";
import type { AgentId } from "../../protocol/ids.ts";
import { Problem } from "../../protocol/problem.ts";
import { createChatPosts } from "./chat-post.ts";
import type { Moves } from "./moves.ts";
import { conversationAt, type Place } from "./place.ts";
import type { Routing } from "./routing.ts";
import type { Stores } from "./stores.ts";
import type { Meaning } from "./turns.ts";

/** Messages made of an event. */
export interface EventReceipt {
  items: { entry: LogEntry; work: WorkRow | undefined }[];
  routed: number;
  replayed: boolean;
}

export type Said = Omit<Post, "to">;

/** Newest events of a channel that are searched for a message by a person. */
const MAX_SINCE = 50;

export type EventPosts = ReturnType<typeof createEventPosts>;

/** Messages of events: to whom each goes, and what it continues. */
export function createEventPosts({ core }: Areas, { traffic }: Stores, routing: Routing, moves: Moves) {
  const { messages } = core;
  const say = createChatPosts(core);

  /** The newest message under that id of the same conversation; its thread is continued. A stranger's is not. */
  async function repliedTo(on: ReadTx, channelId: AgentId, place: Place, externalId: string | null | undefined) {
    if (externalId == null) return undefined;
    const event = await traffic.event(on, channelId, externalId);
    if (event?.stranger) return undefined;
    const post = event ? undefined : await traffic.posted(on, channelId, externalId);
    const of = event ?? (post && { ...post, ...(await traffic.post(on, post.messageId)) });
    if (!of || of.conversationId === undefined) return undefined;
    if ((await moves.now(on, channelId, of.conversationId)) !== place.conversationId) return undefined;
    const id = "lastMessageId" in of ? of.lastMessageId : of.messageId;
    // Retention may have deleted it.
    return (await messages.rows.lineage(on, id))?.id;
  }

  /** Chain of a bot's message: it continues the message replied to, else the newest post there, unless a person has spoken since. */
  async function botAt(on: ReadTx, place: Place, replyTo: number | null | undefined): Promise<Author["bot"]> {
    const linkId = replyTo ?? traffic.newestPost(on, place);
    if (linkId === undefined) return { linkId: null };
    for (const id of traffic.cameAfter(on, place, linkId, MAX_SINCE))
      if ((await messages.rows.lineage(on, id))?.streak === 0) return { linkId: null };
    return { linkId };
  }

  /** Undefined when the chain of a bot's event is paused, or its agent is not started for it: the event is kept, and goes to no agent. */
  async function unlessRefused<T>(
    tx: Tx,
    author: Author,
    place: Place,
    post: () => Promise<T>,
  ): Promise<T | undefined> {
    try {
      return await tx.attempt(post);
    } catch (error) {
      if (!(error instanceof Problem)) throw error;
      if (author.bot && error.code === "loop-paused") return undefined;
      if (error.code !== "forbidden") throw error;
      if (!author.bot) await say(tx, conversationAt(place), { body: `Not delivered: ${error.message}` });
      return undefined;
    }
  }

  /** Every message of one event, in one write. Without a binding the event is kept for the operator. */
  async function send(tx: Tx, author: Author, place: Place, event: Said, turn?: Extract<Meaning, { kind: "turn" }>) {
    const items: EventReceipt["items"] = [];
    const destinations = turn?.to ? [turn.to] : await routing.destinations(tx, place);
    const said = { ...event, body: turn?.body ?? event.body, payload: { ...event.payload, ...turn?.payload } };
    for (const { binding, to, route } of destinations) {
      if (to === undefined) continue;
      const claimable = binding.mode === "claimable" && !turn?.to;
      const post = () => messages.post(tx, author, { ...said, to, kind: "channel.event", claimable }, { route });
      const sent = await unlessRefused(tx, author, place, post);
      if (sent) items.push(sent);
    }
    if (items.length > 0) return { items, routed: items.length };
    const kept = { route: destinations[0]?.route, settles: author.bot !== undefined };
    const sent = await messages.post(tx, author, { ...said, to: "user", kind: "channel.event" }, kept);
    if (!sent) throw new Error("user always exists");
    return { items: [sent], routed: 0 };
  }

  /** Every id the conversation ever had; empty without a conversation. */
  const namesOf = async (on: ReadTx, channelId: AgentId, conversationId: string | undefined) =>
    conversationId ? moves.names(on, channelId, await moves.now(on, channelId, conversationId)) : [];

  return { repliedTo, botAt, send, namesOf };
}

export const factsOf = (messageIds: number[], routed: number) => ({
  ...{ messageIds, lastMessageId: Math.max(...messageIds), routed, unbound: routed === 0, stranger: false },
});

import type { Areas } from "../../core/core.ts";
import type { Author, Post } from "../../core/messages/draft.ts";
import { toLogEntry } from "../../core/messages/entry.ts";
import { refuseReserved } from "../../core/messages/reserved.ts";
import { actingAs, type Caller, signedBy } from "../../identity/auth/caller.ts";
import type { ReadTx, Tx } from "../../kernel/db/database.ts";
import type { EventSummary, ParsedEvent } from "../../protocol/channels.ts";
import { Problem } from "../../protocol/problem.ts";
import { type List, toTime } from "../../protocol/wire.ts";
import { type Access, knowsSenders, type Standing } from "./access.ts";
import { type EventPosts, type EventReceipt, factsOf, type Said } from "./event-posts.ts";
import type { Moves } from "./moves.ts";
import { conversationAt, type Place, placeOf } from "./place.ts";
import { APPROVAL_BUTTON, type ChatOrder, type Press } from "./press.ts";
import type { ChannelRow } from "./store.ts";
import type { EventFilter, EventRow } from "./store-traffic.ts";
import type { Stores } from "./stores.ts";
import type { Strangers } from "./strangers.ts";
import type { Topics } from "./topics.ts";
import type { Turns } from "./turns.ts";

interface Parts {
  access: Access;
  eventPosts: EventPosts;
  turns: Turns;
  moves: Moves;
  topics: Topics;
  strangers: Strangers;
}

/** Words that may answer an approval. */
const TYPED = /^(yes|no|[1-9])$/;

/** Events from a platform: stored once, and sent to the targets of their conversations. */
export function createChannelEvents(
  { kernel, identity, core }: Areas,
  { traffic }: Stores,
  { access, eventPosts, turns, moves, topics, strangers }: Parts,
) {
  const { clock, hooks } = kernel;
  const { agents } = identity;
  const { messages } = core;
  const { rows: works } = core.work;
  const { repliedTo, botAt, send, namesOf } = eventPosts;
  /** A sender that its channel knows pressed a button of an approval. */
  const pressed = hooks.event<[press: Press]>("channels.pressed");
  /** The button of an approval that a word means, typed as a reply to a post. */
  const typed = hooks.question<[postId: number, word: string], string>("channels.typed");
  /** A guest wrote a command, or pressed a button under the answer to one. */
  const commanded = hooks.event<[order: ChatOrder]>("channels.commanded");
  /** An event came in and is stored. */
  const received = hooks.event<[channel: ChannelRow, isRouted: boolean]>("channels.received");

  /** `POST /v1/channels/{id}/events`. @throws Problem 403, 409 */
  async function receive(tx: Tx, caller: Caller, channel: ChannelRow, event: ParsedEvent): Promise<EventReceipt> {
    await agents.requireActor(tx, caller, actingAs(caller, channel.id));
    const known = await before(tx, channel, event.externalId);
    if (known) return known;
    if (event.movedTo != null) {
      const { conversationId: from, movedTo: to, externalId } = event;
      const replayed = await moves.move(tx, caller, { channelId: channel.id, externalId, from, to });
      if (!event.text && !event.attachments?.length) return { items: [], routed: 0, replayed };
    }
    if (channel.direction === "outbound")
      throw new Problem("conflict", `${channel.id} is outbound only: it takes no events.`);
    refuseReserved({ meta: event.meta });
    const place = await moves.placeNow(tx, placeOf(channel.id, event));
    const standing = await access.of(tx, channel, place, event.sender);
    const author: Author = { id: channel.id, kind: "channel", ...signedBy(caller, channel.id) };
    const said: Said = {
      body: event.text ?? event.button?.text ?? event.button?.id ?? "",
      payload: payloadOf(place, event),
      meta: event.meta ?? null,
    };
    if (!standing.isHeard) {
      const kept = await strangers.keep(tx, channel, place, { author, event, said });
      await received.raise(tx, channel, false);
      return kept;
    }
    author.person = standing.person?.id ?? author.person;
    return hear(tx, channel, place, { author, event, said, standing });
  }

  /** Takes an event of a sender that the channel hears. */
  async function hear(tx: Tx, channel: ChannelRow, place: Place, heard: Heard): Promise<EventReceipt> {
    const { author, event, standing } = heard;
    const replyTo = await repliedTo(tx, channel.id, place, event.replyToExternalId);
    const said = { ...heard.said, replyTo };
    const typedId = await typedButton(tx, channel, event, replyTo);
    const buttonId = event.button?.id ?? typedId;
    if (buttonId?.startsWith(APPROVAL_BUTTON)) {
      const { person } = standing;
      // Guests answer by buttons alone.
      const approves = standing.approves && typedId === undefined;
      const press = { buttonId, place, senderId: event.sender.id, approves };
      if (knowsSenders(channel) && !event.sender.isBot)
        await pressed.raise(tx, { ...press, personId: person?.id ?? null });
      return keepOwn(tx, author, place, { event, said: { ...said, to: "user" } });
    }
    const meaning = await turns.read(tx, place, event);
    if (meaning.kind === "order") {
      await commanded.raise(tx, { line: meaning.line, buttonId: meaning.buttonId, place, standing });
      return keepOwn(tx, author, place, { event, said: { ...said, to: "system" } });
    }
    const opening = meaning.to ? undefined : await topics.open(tx, place, event);
    if (opening && "making" in opening) {
      const kept = await keepOwn(tx, author, place, { event, said: { ...said, to: "system" } });
      await topics.wait(tx, opening.making, channel.id, event.externalId);
      return kept;
    }
    if (event.sender.isBot) author.bot = await botAt(tx, place, replyTo);
    const at = opening?.place ?? place;
    if (opening) said.payload = { ...said.payload, conversation: conversationAt(at) };
    const { items, routed } = await send(tx, author, at, said, meaning);
    const ids = items.map(({ entry }) => entry.id);
    await traffic.putEvent(tx, { ...at, externalId: event.externalId, ...factsOf(ids, routed), at: clock.now() });
    await received.raise(tx, channel, routed > 0);
    return { items, routed, replayed: false };
  }

  /** The approval's button that a word stands for: typed as a reply to its post, by a sender that the channel knows. */
  async function typedButton(on: ReadTx, channel: ChannelRow, event: ParsedEvent, replyTo: number | undefined) {
    const { text = "", button, attachments, sender } = event;
    const word = text?.trim().toLowerCase() ?? "";
    if (replyTo === undefined || button || attachments?.length || sender.isBot || !TYPED.test(word)) return undefined;
    return knowsSenders(channel) ? typed.first(on, replyTo, word) : undefined;
  }

  /** Keeps what is for the relay itself, and for no agent. */
  async function keepOwn(
    tx: Tx,
    author: Author,
    place: Place,
    { event, said }: { event: ParsedEvent; said: Post },
  ): Promise<EventReceipt> {
    const sent = await messages.post(tx, author, { ...said, kind: "channel.event" }, { settles: true });
    if (!sent) throw new Error("user and system always exist");
    const { externalId } = event;
    await traffic.putEvent(tx, { ...place, externalId, ...factsOf([sent.entry.id], 1), at: clock.now() });
    return { items: [sent], routed: 0, replayed: false };
  }

  /** Messages reported before, or posted by this channel itself. */
  async function before(on: ReadTx, channel: ChannelRow, externalId: string): Promise<EventReceipt | undefined> {
    const event = await traffic.event(on, channel.id, externalId);
    if (event) return again(on, event.messageIds, event.routed);
    const own = await traffic.posted(on, channel.id, externalId);
    return own ? again(on, [own.messageId], 0) : undefined;
  }

  async function again(on: ReadTx, ids: readonly number[], routed: number): Promise<EventReceipt> {
    const rows = await messages.rows.rows(on, ids);
    const work = await works.byIds(on, ids);
    return { items: rows.map((row) => ({ entry: toLogEntry(row), work: work.get(row.id) })), routed, replayed: true };
  }

  return {
    receive,
    commanded,
    pressed,
    typed,
    received,

    /** Events, newest first. `page` is the place of the last one seen. */
    async list(on: ReadTx, filter: EventFilter, page: number | undefined, limit: number): Promise<List<EventSummary>> {
      const names = await namesOf(on, filter.channelId, filter.conversationId);
      const { rows, reached } = await traffic.eventPage(on, { ...filter, names }, page, limit + 1);
      const shown = rows.slice(0, limit);
      const next = rows.length > limit ? (shown.at(-1)?.lastMessageId ?? null) : reached;
      return { items: shown.map(wireEvent), nextPage: next === null ? null : String(next) };
    },
  };
}

function payloadOf(place: Place, event: ParsedEvent): Record<string, unknown> {
  const { type, sender, externalId, attachments, button, replyToExternalId } = event;
  const { forwardedFrom, quoted } = event;
  return {
    type,
    conversation: conversationAt(place),
    externalId,
    sender,
    ...(forwardedFrom && { forwardedFrom }),
    ...(quoted && { quoted }),
    ...(button && { button }),
    ...(attachments?.length && { attachments }),
    ...(replyToExternalId != null && { replyToExternalId }),
  };
}

/** An event of a sender that its channel hears. */
interface Heard {
  author: Author;
  event: ParsedEvent;
  said: Said;
  standing: Standing;
}

const wireEvent = (row: EventRow): EventSummary => ({
  externalId: row.externalId,
  conversation: conversationAt(row),
  messageIds: row.messageIds,
  routed: row.routed,
  unbound: row.unbound,
  stranger: row.stranger,
  receivedAt: toTime(row.at),
});

import { z } from "zod";
import type { Areas } from "../../core/core.ts";
import type { Author, Post } from "../../core/messages/draft.ts";
import { type LogEntry, toLogEntry } from "../../core/messages/entry.ts";
import { refuseReserved } from "../../core/messages/reserved.ts";
import type { WorkRow } from "../../core/work/row.ts";
import { actingAs, type Caller, signedBy } from "../../identity/auth/caller.ts";
import type { ReadTx, Tx } from "../../kernel/db/database.ts";
import type { EventSummary, ParsedEvent } from "../../protocol/channels.ts";
import type { AgentId } from "../../protocol/ids.ts";
import { Problem } from "../../protocol/problem.ts";
import { type List, toTime } from "../../protocol/wire.ts";
import { type Access, knowsSenders, type Standing } from "./access.ts";
import type { Moves } from "./moves.ts";
import { conversationAt, type Place, placeOf } from "./place.ts";
import { APPROVAL_BUTTON, type ChatOrder, COMMAND_BUTTON, type Press } from "./press.ts";
import type { Routing } from "./routing.ts";
import type { ChannelRow } from "./store.ts";
import type { EventFilter, EventRow } from "./store-traffic.ts";
import type { Stores } from "./stores.ts";
import type { Strangers } from "./strangers.ts";
import type { Meaning, Turns } from "./turns.ts";

/** Messages made of an event. */
export interface EventReceipt {
  items: { entry: LogEntry; work: WorkRow | undefined }[];
  routed: number;
  replayed: boolean;
}

/** Events that one call replays. */
const MAX_REPLAYED = 200;
/** Newest events of a channel that are searched for a message by a person. */
const MAX_SINCE = 50;
/** Unbound events that one replay examines. */
const MAX_EXAMINED = 5000;

interface Parts {
  access: Access;
  routing: Routing;
  turns: Turns;
  moves: Moves;
  strangers: Strangers;
}

/** Words that may answer an approval. */
const TYPED = /^(yes|no|[1-9])$/;

/** Events from a platform: stored once, and sent to the targets of their conversations. */
export function createChannelEvents(
  { kernel, identity, core }: Areas,
  { store, traffic }: Stores,
  { access, routing, turns, moves, strangers }: Parts,
) {
  const { clock, hooks } = kernel;
  const { agents } = identity;
  const { messages } = core;
  const { rows: works } = core.work;
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
    if (event.sender.isBot) author.bot = await botAt(tx, place, replyTo);
    const { items, routed } = await send(tx, author, place, said, meaning);
    const ids = items.map(({ entry }) => entry.id);
    await traffic.putEvent(tx, { ...place, externalId: event.externalId, ...factsOf(ids, routed), at: clock.now() });
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

  /** Undefined when the chain of a bot's event is paused: the event is kept, and goes to no agent. */
  async function unlessPaused<T>(author: Author, post: Promise<T>): Promise<T | undefined> {
    return post.catch((error: unknown) => {
      if (author.bot && error instanceof Problem && error.code === "loop-paused") return undefined;
      throw error;
    });
  }

  /** Every message of one event, in one write. Without a binding the event is kept for the operator. */
  async function send(tx: Tx, author: Author, place: Place, event: Said, turn?: Extract<Meaning, { kind: "turn" }>) {
    const items: EventReceipt["items"] = [];
    const destinations = turn?.to ? [turn.to] : await routing.destinations(tx, place);
    const said = { ...event, body: turn?.body ?? event.body, payload: { ...event.payload, ...turn?.payload } };
    for (const { binding, to, route } of destinations) {
      if (to === undefined) continue;
      const claimable = binding.mode === "claimable" && !turn?.to;
      const post = messages.post(tx, author, { ...said, to, kind: "channel.event", claimable }, { route });
      const sent = await unlessPaused(author, post);
      if (sent) items.push(sent);
    }
    if (items.length > 0) return { items, routed: items.length };
    const kept = { route: destinations[0]?.route, settles: author.bot !== undefined };
    const sent = await messages.post(tx, author, { ...said, to: "user", kind: "channel.event" }, kept);
    if (!sent) throw new Error("user always exists");
    return { items: [sent], routed: 0 };
  }

  /** Sends kept events once more, by the current bindings and guests: first those of guests. Others stay. */
  async function replay(tx: Tx, place: Place) {
    const names = await namesOf(tx, place.channelId, place.conversationId);
    let replayed = 0;
    for (const why of ["unbound", "stranger"] as const) {
      const { count, isMore } = await replayKept(tx, { ...place, names, why }, MAX_REPLAYED - replayed);
      replayed += count;
      if (isMore) return { replayed, unbound: true };
    }
    return { replayed, unbound: false };
  }

  async function replayKept(tx: Tx, place: Parameters<typeof traffic.kept>[1], most: number) {
    let [count, examined, after] = [0, 0, 0];
    for (;;) {
      const some = await traffic.kept(tx, place, after, MAX_REPLAYED);
      for (const event of some) {
        if (count === most) return { count, isMore: true };
        count += Number(await replayOne(tx, event));
        after = event.lastMessageId;
      }
      examined += some.length;
      // Events without a target come first in each replay.
      if (some.length < MAX_REPLAYED || examined >= MAX_EXAMINED)
        return { count, isMore: some.length === MAX_REPLAYED && count > 0 };
    }
  }

  /** Every id the conversation ever had; empty without a conversation. */
  const namesOf = async (on: ReadTx, channelId: AgentId, conversationId: string | undefined) =>
    conversationId ? moves.names(on, channelId, await moves.now(on, channelId, conversationId)) : [];

  async function replayOne(tx: Tx, event: EventRow): Promise<boolean> {
    const channel = await store.byId(tx, event.channelId);
    const place = await moves.placeNow(tx, event);
    const isRouted = (await routing.destinations(tx, place)).some(({ to }) => to !== undefined);
    const row = channel && isRouted && (await messages.rows.byId(tx, event.lastMessageId));
    // Retention has deleted the message.
    if (!row) return false;
    const payload = parsed(row.payload);
    const { sender, replyToExternalId, button } = Recorded.parse(payload);
    // A press of the relay's own button is for no agent, whoever pressed it.
    if (button?.id.startsWith(APPROVAL_BUTTON) || button?.id.startsWith(COMMAND_BUTTON)) return false;
    const { isHeard, person } = await access.of(tx, channel, place, sender);
    if (!isHeard) return false;
    const author: Author = { id: event.channelId, kind: "channel", via: row.via, person: person?.id ?? null };
    const replyTo = row.replyTo ?? (await repliedTo(tx, event.channelId, place, replyToExternalId));
    if (sender.isBot) author.bot = await botAt(tx, place, replyTo);
    const { items, routed } = await send(tx, author, place, {
      body: row.body,
      payload: { ...payload, conversation: conversationAt(place) },
      meta: { ...parsed(row.meta), replayOf: row.id },
      replyTo,
    });
    const ids = [...event.messageIds, ...items.map(({ entry }) => entry.id)];
    await traffic.putEvent(tx, { ...event, ...factsOf(ids, routed) });
    return routed > 0;
  }

  return {
    receive,
    replay,
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

const factsOf = (messageIds: number[], routed: number) => ({
  ...{ messageIds, lastMessageId: Math.max(...messageIds), routed, unbound: routed === 0, stranger: false },
});

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

/** Members of an event's payload that a replay reads. */
const Recorded = z.object({
  sender: z.object({ id: z.string(), isBot: z.boolean().optional() }),
  replyToExternalId: z.string().optional(),
  button: z.object({ id: z.string() }).optional(),
});

type Said = Omit<Post, "to">;

/** An event of a sender that its channel hears. */
interface Heard {
  author: Author;
  event: ParsedEvent;
  said: Said;
  standing: Standing;
}

const parsed = (json: string | null): Record<string, unknown> => (json === null ? {} : JSON.parse(json));

const wireEvent = (row: EventRow): EventSummary => ({
  externalId: row.externalId,
  conversation: conversationAt(row),
  messageIds: row.messageIds,
  routed: row.routed,
  unbound: row.unbound,
  stranger: row.stranger,
  receivedAt: toTime(row.at),
});

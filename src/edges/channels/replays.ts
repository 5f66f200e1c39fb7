import { z } from "zod";
import type { Areas } from "../../core/core.ts";
import type { Author } from "../../core/messages/draft.ts";
import type { WorkRow } from "../../core/work/row.ts";
import type { Tx } from "../../kernel/db/database.ts";
import type { Access } from "./access.ts";
import { type EventPosts, factsOf } from "./event-posts.ts";
import type { Moves } from "./moves.ts";
import { conversationAt, type Place } from "./place.ts";
import { APPROVAL_BUTTON } from "./press.ts";
import type { Routing } from "./routing.ts";
import type { EventRow } from "./store-traffic.ts";
import type { Stores } from "./stores.ts";
import type { Topics } from "./topics.ts";
import type { Turns } from "./turns.ts";

/** Events that one call replays. */
const MAX_REPLAYED = 200;
/** Unbound events that one replay examines. */
const MAX_EXAMINED = 5000;

interface Parts {
  access: Access;
  eventPosts: EventPosts;
  moves: Moves;
  routing: Routing;
  topics: Topics;
  turns: Turns;
}

/** Events that went to no agent when they came, sent on. */
export function createReplays(
  { core }: Areas,
  { store, traffic }: Stores,
  { access, eventPosts, moves, routing, topics, turns }: Parts,
) {
  const { messages } = core;
  const { repliedTo, botAt, send, namesOf } = eventPosts;

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

  /** Goes on with an event whose topic has been made. Where none could be, it goes on where it stands. */
  function followTopic(tx: Tx, work: WorkRow): Promise<void> | undefined {
    return topics.mayEnd(work) ? goOn(tx, work) : undefined;
  }

  async function goOn(tx: Tx, work: WorkRow): Promise<void> {
    const made = await topics.ended(tx, work);
    if (made) await replayOne(tx, made.event, made.at);
  }

  async function replayOne(tx: Tx, event: EventRow, at: Place = event): Promise<boolean> {
    const channel = await store.byId(tx, event.channelId);
    const place = await moves.placeNow(tx, at);
    const isRouted = (await routing.destinations(tx, place)).some(({ to }) => to !== undefined);
    const row = channel && isRouted && (await messages.rows.byId(tx, event.lastMessageId));
    // Retention has deleted the message.
    if (!row) return false;
    const payload = parsed(row.payload);
    const { sender, replyToExternalId, button } = Recorded.parse(payload);
    // A press of the relay's own button is for no agent, whoever pressed it.
    if (button?.id.startsWith(APPROVAL_BUTTON)) return false;
    const { isHeard, person } = await access.of(tx, channel, place, sender);
    if (!isHeard) return false;
    const author: Author = { id: event.channelId, kind: "channel", via: row.via, person: person?.id ?? null };
    const meaning = await turns.read(tx, place, { button, sender, text: row.body });
    if (meaning.kind === "order") return false;
    const replyTo = row.replyTo ?? (await repliedTo(tx, event.channelId, place, replyToExternalId));
    if (sender.isBot) author.bot = await botAt(tx, place, replyTo);
    // No answer in a topic is a reply to a message outside of it.
    const moved = at === event ? {} : { externalId: undefined };
    const { items, routed } = await send(
      tx,
      author,
      place,
      {
        body: row.body,
        payload: { ...payload, ...moved, conversation: conversationAt(place) },
        meta: { ...parsed(row.meta), replayOf: row.id },
        replyTo,
      },
      meaning,
    );
    const ids = [...event.messageIds, ...items.map(({ entry }) => entry.id)];
    const { channelId, externalId } = event;
    const { conversationId, threadId } = place;
    await traffic.putEvent(tx, {
      ...{ channelId, externalId, conversationId, threadId, at: event.at },
      ...factsOf(ids, routed),
    });
    return routed > 0;
  }

  return { replay, followTopic };
}

/** Members of an event's payload that a replay reads. */
const Recorded = z.object({
  sender: z.object({ id: z.string(), isBot: z.boolean().optional() }),
  replyToExternalId: z.string().optional(),
  button: z.object({ id: z.string() }).optional(),
});

const parsed = (json: string | null): Record<string, unknown> => (json === null ? {} : JSON.parse(json));

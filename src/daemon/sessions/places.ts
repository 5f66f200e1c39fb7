import type { Entry } from "../../protocol/messages.ts";
import type { Place } from "../../protocol/places.ts";
import { Conversation } from "../../protocol/posts.ts";
import { nameOf } from "./names.ts";

/** Kinds that are news about something else, and belong to the dialogue of that. */
const NEWS: ReadonlySet<string> = new Set(["response", "announcement", "system", "pair"]);

export const isNews = ({ kind }: Pick<Entry, "kind">): boolean => NEWS.has(kind);

/** Whether a worker asks something about what it was asked to do. */
export const isQuestion = ({ kind, payload }: Pick<Entry, "kind" | "payload">): boolean =>
  kind === "request" && payload?.question === true;

/** Dialogue of a letter that came before; undefined for messages that were none. */
export type KeyOf = (messageId: number) => string | undefined;

/** Dialogue that a message belongs to, by its place: a chat, a schedule, a thread, or `user`. */
export function keyOf(entry: Entry, known: KeyOf): string {
  const schedule = scheduleOf(entry);
  if (schedule !== undefined) return `cron-${schedule}`;
  const chat = conversationOf(entry);
  if (chat) return `conv:${chat.channelId}/${chat.conversationId}${chat.threadId ? `/${chat.threadId}` : ""}`;
  const before = dialogueBefore(entry, known);
  if (before !== undefined) return before;
  if (entry.threadId !== entry.id) return `thread:${entry.threadId}`;
  if (entry.from === "user" || isNews(entry)) return "main";
  return `thread:${entry.id}`;
}

/** Dialogue of the message that this one answers, or came of. */
function dialogueBefore({ id, replyTo, threadId, rootId, causedBy, kind }: Entry, known: KeyOf): string | undefined {
  const links = isNews({ kind }) ? [replyTo, causedBy, rootId, threadId] : [replyTo, threadId];
  for (const link of links) {
    const key = link === null || link === id ? undefined : known(link);
    if (key !== undefined && !key.startsWith("cron-")) return key;
  }
  return undefined;
}

/** Letter that the answer to a piece of news goes to. */
export function answeredBy(entry: Entry, isLetter: (id: number) => boolean): number | undefined {
  return [entry.replyTo, entry.causedBy, entry.rootId, entry.threadId].find(
    (link): link is number => link !== null && link !== entry.id && isLetter(link),
  );
}

export function conversationOf({ kind, payload }: Pick<Entry, "kind" | "payload">): Conversation | undefined {
  return kind === "channel.event" ? Conversation.safeParse(payload?.conversation).data : undefined;
}

/** Run whose task a message is: its asker gets the result of that run. The relay alone writes this. */
export function runOfTask({ kind, payload }: Pick<Entry, "kind" | "payload">): string | undefined {
  const run = kind === "control" ? undefined : (payload?.run as { id?: unknown } | undefined);
  return typeof run?.id === "string" ? run.id : undefined;
}

function scheduleOf({ meta, body }: Entry): string | undefined {
  const schedule = meta?.schedule as { name?: unknown } | undefined;
  if (typeof schedule !== "object" || schedule === null) return undefined;
  return typeof schedule.name === "string" ? nameOf(schedule.name) : nameOf(body);
}

/** Place of a dialogue, for the relay; null where it is none of a person. */
export function placeOf(sessionKey: string): Place | null {
  if (sessionKey === "main") return "user";
  const thread = /^thread:(\d+)$/.exec(sessionKey);
  if (thread) return { threadId: Number(thread[1]) };
  const [, channelId, rest] = /^conv:([^/]+)\/(.+)$/.exec(sessionKey) ?? [];
  if (channelId === undefined || rest === undefined) return null;
  const cut = rest.indexOf("/");
  const conversationId = cut === -1 ? rest : rest.slice(0, cut);
  const conversation = { channelId, conversationId, ...(cut !== -1 && { threadId: rest.slice(cut + 1) }) };
  return { conversation } as Place;
}

/** Dialogue of a place that a command names. */
export function keyOfPlace(place: Place): string {
  if (place === "user") return "main";
  if ("threadId" in place) return `thread:${place.threadId}`;
  const { channelId, conversationId, threadId } = place.conversation;
  return `conv:${channelId}/${conversationId}${threadId ? `/${threadId}` : ""}`;
}

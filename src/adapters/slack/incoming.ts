import { z } from "zod";
import type { Incoming, IncomingFile } from "../contract.ts";
import { contentOf, filesWithin, forwardedFrom, Pieces } from "./content.ts";
import { nameOf, type SlackFile, SlackFiles } from "./files.ts";
import { unmarked } from "./pressed.ts";
import { externalIdOf } from "./text.ts";

/** Text or nothing. A field that breaks Slack's schema does not cost the message. */
const word = (otherwise: string | null = null) => z.string().nullish().catch(otherwise);

/** Used fields of Slack's events. */
const SlackMessage = z.looseObject({
  ts: z.string(),
  subtype: word(),
  hidden: z.boolean().nullish().catch(null),
  text: word("[a text that cannot be read]"),
  user: word(),
  username: word(),
  bot_id: word(),
  thread_ts: word(),
  blocks: Pieces,
  attachments: Pieces,
  files: SlackFiles,
  edited: z.looseObject({ ts: z.string() }).nullish().catch(null),
});
type SlackMessage = z.infer<typeof SlackMessage>;

const MessageEvent = SlackMessage.extend({
  type: z.enum(["message", "app_mention"]),
  channel: z.string(),
  message: SlackMessage.nullish(),
  previous_message: SlackMessage.partial().nullish().catch(null),
});

/** A conversation gets another id, for example when it is shared with another workspace. */
const ChannelMoved = z.looseObject({
  type: z.literal("channel_id_changed"),
  old_channel_id: z.string(),
  new_channel_id: z.string(),
  event_ts: z.string(),
});
const EventCallback = z.looseObject({ event: z.looseObject({ type: z.string() }) });

const BlockActions = z.looseObject({
  type: z.literal("block_actions"),
  user: z.looseObject({ id: z.string() }),
  channel: z.looseObject({ id: z.string() }),
  message: z.looseObject({ ts: z.string(), thread_ts: z.string().nullish() }).optional(),
  container: z.looseObject({ message_ts: z.string().nullish(), thread_ts: z.string().nullish() }).optional(),
  actions: z.array(
    z.looseObject({
      action_id: z.string(),
      action_ts: z.string(),
      value: z.string().nullish(),
      text: z.looseObject({ text: z.string() }).optional(),
    }),
  ),
});

const SlashCommand = z.looseObject({
  command: z.string(),
  text: z.string().default(""),
  user_id: z.string(),
  channel_id: z.string(),
  trigger_id: z.string(),
});

export interface SlackReader {
  userId: string;
  botId: string | undefined;
  nameOf(userId: string): Promise<string>;
  fetchFile(file: SlackFile, signal: AbortSignal): Promise<Blob>;
}

/** Events of an envelope: none for joins, our own posts and unknown kinds. */
export async function incomingOf(type: string, body: unknown, reader: SlackReader): Promise<Incoming[]> {
  if (type === "events_api") return messaged(body, reader);
  if (type === "interactive") return pressed(body, reader);
  if (type === "slash_commands") return commanded(body, reader);
  return [];
}

/** Subtypes about a conversation: members, settings, deletions. */
const QUIET = new Set([
  ...["channel_join", "channel_leave", "channel_topic", "channel_purpose", "channel_name", "channel_archive"],
  ...["channel_unarchive", "channel_posting_permissions", "channel_convert_to_private", "channel_convert_to_public"],
  ...["group_join", "group_leave", "group_topic", "group_purpose", "group_name", "group_archive", "group_unarchive"],
  ...["message_deleted", "message_replied", "tombstone", "pinned_item", "unpinned_item", "joiner_notification"],
  ...["bot_add", "bot_remove", "bot_enable", "bot_disable", "assistant_app_thread"],
]);
/** Subtypes whose messages without content are dropped. Messages of any other subtype show something to people. */
const PLAIN = new Set(["", "file_share", "thread_broadcast", "bot_message", "me_message"]);

async function messaged(body: unknown, reader: SlackReader): Promise<Incoming[]> {
  const callback = EventCallback.safeParse(body);
  if (!callback.success) return [];
  const { event: payload } = callback.data;
  if (payload.type === "channel_id_changed") return moved(payload);
  const parsed = MessageEvent.safeParse(payload);
  if (!parsed.success) return [];
  const event = parsed.data;
  if (event.subtype === "message_changed") return edited(event, reader);
  // A mention added by an edit is that edit.
  if (event.type === "app_mention" && event.edited)
    return asEdit(await messageEvents(event.channel, event, reader), event.edited.ts);
  return QUIET.has(event.subtype ?? "") || event.hidden ? [] : messageEvents(event.channel, event, reader);
}

function moved(payload: unknown): Incoming[] {
  const parsed = ChannelMoved.safeParse(payload);
  if (!parsed.success || parsed.data.old_channel_id === parsed.data.new_channel_id) return [];
  const { old_channel_id: from, new_channel_id: to, event_ts: at } = parsed.data;
  // A conversation may move back and forth.
  const externalId = `moved:${from}:${to}:${at}`;
  return [{ type: "moved", conversationId: from, movedTo: to, externalId, sender: { id: "slack", name: "Slack" } }];
}

/**
 * Events of a changed message: an edit, or none. Slack also "changes" a message after looking up a link, or for an answer. An edit by
 * an app may lack a time.
 */
async function edited(event: z.infer<typeof MessageEvent>, reader: SlackReader): Promise<Incoming[]> {
  const { message, previous_message: before } = event;
  if (!message || QUIET.has(message.subtype ?? "")) return [];
  if (contentOf(message, reader.userId) === contentOf(before ?? {}, reader.userId)) return [];
  return asEdit(await messageEvents(event.channel, message, reader), message.edited?.ts ?? event.ts);
}

const asEdit = (found: Incoming[], at: string): Incoming[] =>
  found.map(({ externalId, ...incoming }) => ({
    ...incoming,
    externalId: `${externalId}:edit:${at}`,
    replyToExternalId: externalId,
    files: undefined,
  }));

async function messageEvents(channel: string, message: SlackMessage, reader: SlackReader): Promise<Incoming[]> {
  const own = message.user === reader.userId || (reader.botId !== undefined && message.bot_id === reader.botId);
  // Forwarded content may repeat a file of the message.
  const each = new Map([...message.files, ...filesWithin(message)].map((file) => [file.id, file]));
  const files = [...each.values()].map((file) => fileOf(file, reader));
  const text = contentOf(message, reader.userId) || (files.length === 0 ? unshown(message) : "");
  if (own || (text === "" && files.length === 0)) return [];
  return [
    {
      type: "text",
      ...placeOf(channel, message.thread_ts, message.ts),
      ...((message.thread_ts ?? message.ts) === message.ts && { opens: message.ts }),
      externalId: externalIdOf(channel, message.ts),
      sender: await senderOf(message, reader),
      text,
      files,
      forwardedFrom: forwardedFrom(message),
    },
  ];
}

function unshown({ subtype, blocks, attachments }: SlackMessage): string {
  if (!PLAIN.has(subtype ?? "")) return `[a message that cannot be shown here: ${subtype?.replaceAll("_", " ")}]`;
  return blocks?.length || attachments?.length ? "[a message that cannot be shown here]" : "";
}

/** Place of a message. The root of a thread names itself as the thread. Ids of direct messages begin with D. */
const placeOf = (channel: string, threadTs: string | null | undefined, ts: string | null | undefined) => ({
  conversationId: channel,
  ...(channel.startsWith("D") && { private: true }),
  threadId: threadTs === ts ? undefined : (threadTs ?? undefined),
});

async function senderOf(message: SlackMessage, reader: SlackReader): Promise<Incoming["sender"]> {
  const { user, bot_id: botId, username, subtype } = message;
  const bot = (botId || subtype === "bot_message") && { isBot: true };
  if (user) return { id: user, name: await reader.nameOf(user), ...bot };
  const id = botId ?? "unknown";
  return { id, name: username || id, ...bot };
}

const fileOf = (file: SlackFile, reader: SlackReader): IncomingFile => ({
  name: nameOf(file),
  type: file.mimetype ?? "",
  fetch: (signal) => reader.fetchFile(file, signal),
});

async function pressed(body: unknown, reader: SlackReader): Promise<Incoming[]> {
  const parsed = BlockActions.safeParse(body);
  if (!parsed.success) return [];
  const { user, channel, message, container, actions } = parsed.data;
  const ts = message?.ts ?? container?.message_ts;
  const name = await reader.nameOf(user.id);
  return actions
    .filter(({ value }) => value != null)
    .map((action) => ({
      type: "button",
      ...placeOf(channel.id, message?.thread_ts ?? container?.thread_ts, ts),
      externalId: `action:${channel.id}:${ts ?? ""}:${action.action_ts}:${action.action_id}`,
      sender: { id: user.id, name },
      button: { id: action.value ?? "", text: action.text && unmarked(action.text.text) },
      replyToExternalId: ts == null ? undefined : externalIdOf(channel.id, ts),
    }));
}

async function commanded(body: unknown, reader: SlackReader): Promise<Incoming[]> {
  const parsed = SlashCommand.safeParse(body);
  if (!parsed.success) return [];
  const { command, text, user_id, channel_id, trigger_id } = parsed.data;
  const incoming: Incoming = {
    type: "command",
    ...placeOf(channel_id, undefined, undefined),
    externalId: `command:${trigger_id}`,
    sender: { id: user_id, name: await reader.nameOf(user_id) },
    text: `${command} ${text}`.trim(),
  };
  return [incoming];
}

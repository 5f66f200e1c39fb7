import { z } from "zod";
import type { Incoming, IncomingFile } from "./contract.ts";
import { nameOf, SlackFile } from "./slack-files.ts";
import { fromSlack } from "./slack-text.ts";

/** What Slack sends, as far as it matters here; it sends far more. */
const SlackMessage = z.looseObject({
  ts: z.string(),
  text: z.string().nullish(),
  user: z.string().optional(),
  username: z.string().nullish(),
  bot_id: z.string().optional(),
  thread_ts: z.string().optional(),
  files: z.array(SlackFile).optional(),
  edited: z.looseObject({ ts: z.string() }).optional(),
});
type SlackMessage = z.infer<typeof SlackMessage>;

const MessageEvent = SlackMessage.extend({
  type: z.enum(["message", "app_mention"]),
  subtype: z.string().optional(),
  channel: z.string(),
  message: SlackMessage.optional(),
  previous_message: z.looseObject({ text: z.string().nullish() }).optional(),
});
const EventCallback = z.looseObject({ event: z.looseObject({ type: z.string() }) });

const BlockActions = z.looseObject({
  type: z.literal("block_actions"),
  user: z.looseObject({ id: z.string() }),
  channel: z.looseObject({ id: z.string() }),
  message: z.looseObject({ ts: z.string(), thread_ts: z.string().optional() }).optional(),
  container: z.looseObject({ message_ts: z.string().optional(), thread_ts: z.string().optional() }).optional(),
  actions: z.array(
    z.looseObject({
      action_id: z.string(),
      action_ts: z.string(),
      value: z.string().optional(),
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

/** A message's `ts` is unique in its channel alone. */
export const externalIdOf = (channel: string, ts: string): string => `${channel}:${ts}`;

export interface SlackReader {
  userId: string;
  botId: string | undefined;
  nameOf(userId: string): Promise<string>;
  fetchFile(file: SlackFile, signal: AbortSignal): Promise<Blob>;
}

/** What an envelope means: nothing for what is nobody's message (joins, our own posts, what we do not know). */
export async function incomingOf(type: string, body: unknown, reader: SlackReader): Promise<Incoming[]> {
  if (type === "events_api") return messaged(body, reader);
  if (type === "interactive") return pressed(body, reader);
  if (type === "slash_commands") return commanded(body, reader);
  return [];
}

/** With these a message says something; any other subtype is about the channel. */
const SPOKEN = new Set([undefined, "file_share", "thread_broadcast", "bot_message", "me_message"]);

async function messaged(body: unknown, reader: SlackReader): Promise<Incoming[]> {
  const callback = EventCallback.safeParse(body);
  const parsed = callback.success ? MessageEvent.safeParse(callback.data.event) : undefined;
  if (!parsed?.success) return [];
  const event = parsed.data;
  if (event.subtype === "message_changed") return edited(event, reader);
  return SPOKEN.has(event.subtype) ? said(event.channel, event, reader) : [];
}

/** Slack also "changes" a message when it has looked up a link in it. */
async function edited(event: z.infer<typeof MessageEvent>, reader: SlackReader): Promise<Incoming[]> {
  const { message, previous_message: before } = event;
  if (!message?.edited || message.text === before?.text) return [];
  const at = message.edited.ts;
  const found = await said(event.channel, message, reader);
  return found.map(({ externalId, ...incoming }) => ({
    ...incoming,
    externalId: `${externalId}:edit:${at}`,
    replyToExternalId: externalId,
    files: undefined,
  }));
}

async function said(channel: string, message: SlackMessage, reader: SlackReader): Promise<Incoming[]> {
  const own = message.user === reader.userId || (reader.botId !== undefined && message.bot_id === reader.botId);
  const text = fromSlack(message.text ?? "", reader.userId);
  const files = (message.files ?? []).flatMap((file) => fileOf(file, reader));
  if (own || (text === "" && files.length === 0)) return [];
  return [
    {
      type: "text",
      ...placeOf(channel, message.thread_ts, message.ts),
      externalId: externalIdOf(channel, message.ts),
      sender: await senderOf(message, reader),
      text,
      files,
    },
  ];
}

/** The message that a thread hangs on names itself. */
const placeOf = (channel: string, threadTs: string | undefined, ts: string | undefined) => ({
  conversationId: channel,
  threadId: threadTs === ts ? undefined : threadTs,
});

async function senderOf({ user, bot_id, username }: SlackMessage, reader: SlackReader) {
  if (user !== undefined) return { id: user, name: await reader.nameOf(user) };
  const id = bot_id ?? "unknown";
  return { id, name: username || id };
}

function fileOf(file: SlackFile, reader: SlackReader): IncomingFile[] {
  return [{ name: nameOf(file), type: file.mimetype ?? "", fetch: (signal) => reader.fetchFile(file, signal) }];
}

async function pressed(body: unknown, reader: SlackReader): Promise<Incoming[]> {
  const parsed = BlockActions.safeParse(body);
  if (!parsed.success) return [];
  const { user, channel, message, container, actions } = parsed.data;
  const ts = message?.ts ?? container?.message_ts;
  const name = await reader.nameOf(user.id);
  return actions
    .filter(({ value }) => value !== undefined)
    .map((action) => ({
      type: "button",
      ...placeOf(channel.id, message?.thread_ts ?? container?.thread_ts, ts),
      externalId: `action:${channel.id}:${ts ?? ""}:${action.action_ts}:${action.action_id}`,
      sender: { id: user.id, name },
      button: { id: action.value ?? "", text: action.text?.text },
      replyToExternalId: ts === undefined ? undefined : externalIdOf(channel.id, ts),
    }));
}

async function commanded(body: unknown, reader: SlackReader): Promise<Incoming[]> {
  const parsed = SlashCommand.safeParse(body);
  if (!parsed.success) return [];
  const { command, text, user_id, channel_id, trigger_id } = parsed.data;
  const incoming: Incoming = {
    type: "command",
    conversationId: channel_id,
    externalId: `command:${trigger_id}`,
    sender: { id: user_id, name: await reader.nameOf(user_id) },
    text: `${command} ${text}`.trim(),
  };
  return [incoming];
}

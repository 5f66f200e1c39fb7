import type { CallbackQuery, Message, Update, User } from "grammy/types";
import type { Incoming, IncomingFile } from "./contract.ts";

/** What is asked of Telegram: it remembers the last list, whoever set it. */
export const ALLOWED_UPDATES = [
  "message",
  "edited_message",
  "channel_post",
  "edited_channel_post",
  "callback_query",
] as const;

/** A message's id is unique in its chat alone. */
export const externalIdOf = (chatId: number | string, messageId: number): string => `${chatId}:${messageId}`;

/** Fetches a file by the id that Telegram gave it. */
export type FetchFile = (fileId: string, signal: AbortSignal) => Promise<Blob>;

export interface TelegramReader {
  /** The bot's name, as commands name it: `/status@name`. */
  username: string;
  fetchFile: FetchFile;
}

/** What an update means; undefined for what is nobody's message (joins, pins, another bot's command). */
export function incomingOf(update: Update, reader: TelegramReader): Incoming | undefined {
  if (update.callback_query) return pressed(update.callback_query);
  const message = update.message ?? update.channel_post;
  if (message) return said(message, reader);
  const edited = update.edited_message ?? update.edited_channel_post;
  const incoming = edited && said(edited, reader);
  if (!edited || !incoming) return undefined;
  const { externalId } = incoming;
  return { ...incoming, externalId: `${externalId}:edit:${edited.edit_date ?? 0}`, replyToExternalId: externalId };
}

function said(message: Message, reader: TelegramReader): Incoming | undefined {
  const text = textOf(message);
  const files = filesOf(message, reader.fetchFile);
  if (text === undefined && files.length === 0) return undefined;
  const command = message.text === undefined ? undefined : commandOf(message, reader.username);
  if (command === null) return undefined;
  return {
    type: command === undefined ? "text" : "command",
    ...placeOf(message),
    externalId: externalIdOf(message.chat.id, message.message_id),
    sender: senderOf(message),
    text: command ?? text,
    files,
    replyToExternalId: repliedTo(message),
  };
}

/** What was written, with the addresses that are behind words; what is no text in a few words. */
function textOf(message: Message): string | undefined {
  const { contact, location, poll } = message;
  if (location) return `[location: ${location.latitude}, ${location.longitude}]`;
  if (contact)
    return `[contact: ${[contact.first_name, contact.last_name, contact.phone_number].filter(Boolean).join(" ")}]`;
  if (poll) return `[poll: ${poll.question} ${poll.options.map(({ text }) => text).join(" / ")}]`;
  let text = message.text ?? message.caption;
  const links = (message.entities ?? message.caption_entities ?? []).filter((entity) => entity.type === "text_link");
  // From the end, so that the places of those before stay right.
  for (const { offset, length, url } of links.sort((a, b) => b.offset - a.offset))
    text = text && `${text.slice(0, offset + length)} (${url})${text.slice(offset + length)}`;
  return text;
}

/** Only a topic is a thread: in other groups `message_thread_id` numbers chains of replies. */
function placeOf(message: Message) {
  const threadId = message.is_topic_message ? message.message_thread_id : undefined;
  return { conversationId: String(message.chat.id), threadId: threadId === undefined ? undefined : String(threadId) };
}

/** In a topic, whatever answers nothing answers the message that opened the topic. */
function repliedTo(message: Message): string | undefined {
  const parent = message.reply_to_message;
  if (!parent || parent.forum_topic_created) return undefined;
  return externalIdOf(parent.chat.id, parent.message_id);
}

function senderOf(message: Message): { id: string; name: string } {
  if (message.from && !message.sender_chat) return nameOf(message.from);
  const chat = message.sender_chat ?? message.chat;
  return { id: String(chat.id), name: chat.title ?? chat.username ?? String(chat.id) };
}

function nameOf(user: User): { id: string; name: string } {
  const name = [user.first_name, user.last_name].filter(Boolean).join(" ");
  return { id: String(user.id), name: name || user.username || String(user.id) };
}

/** The text of a command to us without our name; undefined when it is no command, null when it is another bot's. */
function commandOf(message: Message, username: string): string | null | undefined {
  const entity = message.entities?.find(({ type, offset }) => type === "bot_command" && offset === 0);
  if (!entity || message.text === undefined) return undefined;
  const [name = "", bot] = message.text.slice(0, entity.length).split("@");
  if (bot !== undefined && bot.toLowerCase() !== username.toLowerCase()) return null;
  return name + message.text.slice(entity.length);
}

function pressed(query: CallbackQuery): Incoming | undefined {
  const { message, data } = query;
  if (!message || data === undefined) return undefined;
  const keyboard = "reply_markup" in message ? (message.reply_markup?.inline_keyboard ?? []) : [];
  const button = keyboard.flat().find((key) => "callback_data" in key && key.callback_data === data);
  return {
    type: "button",
    // What Telegram no longer shows the bot has a chat and a number, but no topic.
    ...("reply_markup" in message || message.date !== 0
      ? placeOf(message as Message)
      : { conversationId: String(message.chat.id) }),
    externalId: `callback:${query.id}`,
    sender: nameOf(query.from),
    button: { id: data, text: button?.text },
    replyToExternalId: externalIdOf(message.chat.id, message.message_id),
  };
}

interface TelegramFile {
  file_id: string;
  file_unique_id: string;
  file_name?: string;
  mime_type?: string;
}

function filesOf(message: Message, fetchFile: FetchFile): IncomingFile[] {
  const photo = message.photo?.at(-1);
  const found: [TelegramFile | undefined, string, string][] = [
    [photo, "jpg", "image/jpeg"],
    // An animation comes as a document too.
    [message.animation ? undefined : message.document, "bin", ""],
    [message.animation, "mp4", "video/mp4"],
    [message.audio, "mp3", "audio/mpeg"],
    [message.voice, "ogg", "audio/ogg"],
    [message.video, "mp4", "video/mp4"],
    [message.video_note, "mp4", "video/mp4"],
    [message.sticker, "webp", "image/webp"],
  ];
  return found.flatMap(([file, ending, type]) =>
    file
      ? {
          name: file.file_name ?? `${file.file_unique_id}.${ending}`,
          type: file.mime_type ?? type,
          fetch: (signal) => fetchFile(file.file_id, signal),
        }
      : [],
  );
}

import type { CallbackQuery, Message, Update, User } from "grammy/types";
import { type Incoming, moveOf } from "../contract.ts";
import { quotedOf, textOf } from "./content.ts";
import { type FetchFile, filesOf } from "./files.ts";
import { chatName, originName, signed, userName } from "./names.ts";

/** Kinds of update to ask for. Telegram remembers the last list of any client, so it is always sent. */
export const ALLOWED_UPDATES = [
  "message",
  "edited_message",
  "channel_post",
  "edited_channel_post",
  "callback_query",
] as const;

/** External id of a message: its own id is unique only within its chat. */
export const externalIdOf = (chatId: number | string, messageId: number): string => `${chatId}:${messageId}`;

export interface TelegramReader {
  /** The bot's name in commands: `/status@name`. */
  username: string;
  /** The bot's own id, when it is known. */
  id?: number | undefined;
  fetchFile: FetchFile;
}

/** Event of an update; undefined for joins, pins and commands to another bot. */
export function incomingOf(update: Update, reader: TelegramReader): Incoming | undefined {
  if (update.callback_query) return pressed(update.callback_query);
  const message = update.message ?? update.channel_post;
  if (message) return moved(message) ?? messageEvent(message, reader);
  const edited = update.edited_message ?? update.edited_channel_post;
  // A live location changes every few seconds, and no other location can be edited.
  const incoming = edited && !edited.location ? messageEvent(edited, reader) : undefined;
  if (!edited || !incoming) return undefined;
  return { ...incoming, ...editOf(edited, incoming.externalId) };
}

/** Event of an edit, as an answer to the edited message. */
const editOf = ({ edit_date: at = 0 }: Message, externalId: string) => ({
  externalId: `${externalId}:edit:${at}`,
  replyToExternalId: externalId,
});

/** Readable rest of a message that breaks the Bot API's schema: id, chat and sender. */
export function unreadable({ message, channel_post, ...update }: Update): Incoming | undefined {
  const edited = update.edited_message ?? update.edited_channel_post;
  const { chat, message_id: id, from } = message ?? channel_post ?? edited ?? {};
  if (typeof chat?.id !== "number" || typeof id !== "number") return undefined;
  const externalId = externalIdOf(chat.id, id);
  return {
    ...{ type: "text", conversationId: String(chat.id) },
    ...(edited ? editOf(edited, externalId) : { externalId }),
    sender: { id: String(from?.id ?? chat.id), name: String(from?.first_name ?? chat.id) },
    text: "[a message that cannot be read]",
  };
}

/** Event of a group that becomes a supergroup and gets another id. Both chats report it, as one event. */
function moved(message: Message): Incoming | undefined {
  const { chat, migrate_to_chat_id: to = chat.id, migrate_from_chat_id: from = chat.id } = message;
  if (from === to) return undefined;
  return moveOf({ from: String(from), to: String(to) }, senderOf(message));
}

function messageEvent(message: Message, reader: TelegramReader): Incoming | undefined {
  const files = filesOf(message, reader.fetchFile);
  const text = textOf(message, files.length > 0);
  if (text === undefined && files.length === 0) return undefined;
  const called = commandOf(message, reader.username);
  if (called === null) return undefined;
  return {
    type: called === undefined ? "text" : "command",
    ...placeOf(message),
    externalId: idOf(message),
    sender: senderOf(message),
    text: called ? text?.replace(called, called.replace(/@.*/s, "")) : text,
    files,
    forwardedFrom: message.forward_origin && originName(message.forward_origin),
    quoted: quotedOf(message, reader.id),
    replyToExternalId: repliedTo(message),
  };
}

/** External id of a message. A message for one person alone has no id of its own, and reuses those of others. */
function idOf({ chat, message_id, ephemeral_message_id: ephemeral, date }: Message): string {
  return ephemeral === undefined ? externalIdOf(chat.id, message_id) : `${chat.id}:ephemeral:${ephemeral}:${date}`;
}

/** Place of a message. Only topics are threads: in other groups `message_thread_id` numbers chains of replies. */
function placeOf(message: Message) {
  const threadId = message.is_topic_message ? message.message_thread_id : undefined;
  return {
    conversationId: String(message.chat.id),
    threadId: threadId === undefined ? undefined : String(threadId),
    ...(message.chat.type === "private" && { private: true }),
    ...(message.chat.is_forum && threadId === undefined && { inForum: true }),
  };
}

/** Id of the message that a message answers. In a topic, one that answers nothing names the message that opened the topic. */
function repliedTo(message: Message): string | undefined {
  const parent = message.reply_to_message;
  if (!parent || parent.forum_topic_created) return undefined;
  return externalIdOf(parent.chat.id, parent.message_id);
}

/** Sender of a message. For people who write as a chat (anonymous admins, linked channels) Telegram puts a made-up bot into `from`. */
function senderOf(message: Message): Incoming["sender"] {
  const { from, sender_chat, chat, author_signature: signature } = message;
  if (from && !sender_chat) return personOf(from);
  const as = sender_chat ?? chat;
  return { id: String(as.id), name: signed(chatName(as), signature) };
}

function personOf(user: User): Incoming["sender"] {
  return { id: String(user.id), name: userName(user), ...(user.is_bot && { isBot: true }) };
}

/** Command to us, as in `/status@name`; undefined for no command, null for another bot's. */
function commandOf(message: Message, username: string): string | null | undefined {
  const entity = message.entities?.find(({ type, offset }) => type === "bot_command" && offset === 0);
  if (!entity || message.text === undefined) return undefined;
  const called = message.text.slice(0, entity.length);
  const [, bot] = called.split("@");
  return bot === undefined || bot.toLowerCase() === username.toLowerCase() ? called : null;
}

function pressed(query: CallbackQuery): Incoming | undefined {
  const { message, data } = query;
  if (!message || data === undefined) return undefined;
  return {
    type: "button",
    // A message that the bot can no longer see has a chat and an id, but no topic.
    ...("reply_markup" in message || message.date !== 0
      ? placeOf(message as Message)
      : { conversationId: String(message.chat.id) }),
    externalId: `callback:${query.id}`,
    sender: personOf(query.from),
    button: { id: data, text: labelOf(query) },
    replyToExternalId: externalIdOf(message.chat.id, message.message_id),
  };
}

/** Mark before the label of a pressed button. */
const MARK = "✓ ";

/** Label of the button before it was marked. */
export function labelOf({ message, data }: CallbackQuery): string | undefined {
  const button = message?.reply_markup?.inline_keyboard
    .flat()
    .find((key) => "callback_data" in key && key.callback_data === data);
  return button?.text.replace(MARK, "");
}

/** Keyboard with the pressed button marked; undefined when nothing changes. */
export function markedKeyboard({ message, data }: CallbackQuery) {
  const rows = message?.reply_markup?.inline_keyboard ?? [];
  let isChanged = false;
  const marked = rows.map((row) =>
    row.map((key) => {
      const isIt = "callback_data" in key && key.callback_data === data && !key.text.startsWith(MARK);
      isChanged ||= isIt;
      return isIt ? { ...key, text: MARK + key.text } : key;
    }),
  );
  return isChanged ? { inline_keyboard: marked } : undefined;
}

import type { Message } from "grammy/types";
import { chatName, originName, userName } from "./names.ts";
import { type Content, FILES, QUIET, TOLD, wordsOf } from "./words.ts";

/**
 * Visible content of a message besides its files; undefined when there is none.
 * @param hasFiles whether it has files: a message with files needs no words
 */
export function textOf(message: Message, hasFiles: boolean): string | undefined {
  const lines = [...wordsOf(message), ...buttonsOf(message)];
  if (message.via_bot)
    lines.push(`[via ${message.via_bot.username ? `@${message.via_bot.username}` : userName(message.via_bot)}]`);
  const unknown = unknownIn(message);
  if (lines.length > 0 || (hasFiles && unknown.length > 0))
    return [...lines, ...unknown.map((name) => `[${name}, which cannot be shown here]`)].join("\n");
  if (hasFiles || QUIET.some((key) => message[key] !== undefined)) return undefined;
  return `[a message that cannot be shown here${unknown.length > 0 ? `: ${unknown.join(", ")}` : ""}]`;
}

/** Names of unknown content: fields that hold objects. A number or a word is metadata of the message. */
function unknownIn(message: Message): string[] {
  const isKnown = (key: string) => SURROUNDINGS.has(key) || KNOWN.has(key);
  return Object.entries(message).flatMap(([key, value]) =>
    typeof value === "object" && value !== null && !isKnown(key) ? [key.replaceAll("_", " ")] : [],
  );
}

/** The quoted message, as far as Telegram includes it; undefined for a reply to us. */
export function quotedOf(message: Message, ownId: number | undefined): string | undefined {
  const { quote, external_reply: external, reply_to_story: story, reply_to_message: parent } = message;
  if (external) return `${originName(external.origin)}: ${quote?.text ?? sketchOf(external as Content)}`;
  if (quote) return quote.text;
  if (story) return `[story of ${chatName(story.chat)}]`;
  if (!parent || parent.forum_topic_created) return undefined;
  const task = parent.checklist?.tasks.find(({ id }) => id === message.reply_to_checklist_task_id);
  const option = parent.poll?.options.find(({ persistent_id: id }) => id === message.reply_to_poll_option_id);
  const part = task ?? (message.reply_to_poll_option_id === undefined ? undefined : option);
  if (part) return part.text;
  return ownId !== undefined && parent.from?.id === ownId ? undefined : sketchOf(parent) || undefined;
}

/** As `wordsOf`, with placeholders for files. */
function sketchOf(content: Content): string {
  const files = FILES.filter((key) => content[key] !== undefined && !(key === "document" && content.animation));
  return [...files.map((key) => `[${key.replaceAll("_", " ")}]`), ...wordsOf(content)].join("\n");
}

/** Buttons of another bot; our own do not come in. */
function buttonsOf({ reply_markup }: Message): string[] {
  const keys = reply_markup?.inline_keyboard?.flat() ?? [];
  return keys.map((key) => `[button: ${key.text}${"url" in key ? ` (${key.url})` : ""}]`);
}

const KNOWN: ReadonlySet<string> = new Set([...FILES, ...QUIET, ...TOLD]);

/** Fields that carry no content. */
const SURROUNDINGS: ReadonlySet<string> = new Set([
  ...["message_id", "message_thread_id", "from", "sender_chat", "date", "chat", "is_topic_message", "edit_date"],
  ...["sender_tag", "sender_boost_count", "forward_origin", "is_automatic_forward", "reply_to_message", "via_bot"],
  ...["external_reply", "quote", "reply_to_story", "has_protected_content", "author_signature", "effect_id"],
  ...["media_group_id", "entities", "caption_entities", "link_preview_options", "paid_star_count", "is_from_offline"],
  ...["sender_business_bot", "guest_bot_caller_user", "guest_bot_caller_chat"],
  ...["ephemeral_message_id", "receiver_user", "reply_markup", "direct_messages_topic", "has_media_spoiler"],
]);

import type { Message, MessageEntity, PaidMedia } from "grammy/types";
import { chatName, nameOr, userName } from "./names.ts";
import { richTextOf } from "./rich.ts";

/** A message, or the part of it that a reply shows. */
export type Content = Partial<Message>;

/** Service messages about members and settings of a chat. */
export const QUIET = [
  ...["new_chat_members", "left_chat_member", "community_chat_joined", "chat_owner_left"],
  ...["chat_owner_changed", "new_chat_title", "new_chat_photo", "delete_chat_photo", "chat_background_set"],
  ...["pinned_message", "group_chat_created", "supergroup_chat_created", "channel_chat_created"],
  ...["migrate_to_chat_id", "migrate_from_chat_id", "community_chat_added", "community_chat_removed"],
  ...["message_auto_delete_timer_changed", "forum_topic_created", "forum_topic_edited"],
  ...["forum_topic_closed", "forum_topic_reopened", "general_forum_topic_hidden"],
  ...["general_forum_topic_unhidden", "boost_added", "write_access_allowed", "connected_website"],
  ...["managed_bot_created", "paid_message_price_changed", "direct_message_price_changed"],
  ...["giveaway_created", "video_chat_participants_invited"],
] as const;

/** Content that `filesOf` takes. */
export const FILES = ["animation", "audio", "document", "live_photo", "photo", "video", "video_note", "voice"] as const;

/** Metadata of a message, not its content. */
type About = keyof Message.MediaMessage | "text" | "entities";

/** Everything that a message may hold besides text and files. The compiler reports a field that Telegram adds. */
type InWords = Exclude<keyof Message, About | (typeof QUIET)[number] | (typeof FILES)[number]>;

type Wordings = { [K in InWords]: (it: NonNullable<Message[K]>, of: Content) => string };

function locationWords({ latitude, longitude, live_period: seconds }: NonNullable<Message["location"]>): string {
  if (seconds === undefined) return `[location: ${latitude}, ${longitude}]`;
  // Value of a location without an end.
  const howLong = seconds >= 0x7fffffff ? "until it is stopped" : `for ${Math.ceil(seconds / 60)} min`;
  return `[live location, shared ${howLong}: ${latitude}, ${longitude} at first]`;
}

function pollWords({ question, options, description, explanation }: NonNullable<Message["poll"]>): string {
  const more = [description, explanation].filter(Boolean).map((text) => `\n${text}`);
  return `[poll: ${question} ${options.map(({ text }) => text).join(" / ")}]${more.join("")}`;
}

const giftWords = ({ gift, text }: NonNullable<Message["gift"]>): string =>
  `[gift ${gift.sticker.emoji ?? ""} worth ${gift.star_count} stars${text ? `: ${text}` : ""}]`;

const paidWords = (media: PaidMedia): string =>
  media.type === "preview" ? "one that is shown when it is paid" : media.type.replaceAll("_", " ");

/** Amount of money; Telegram counts in the smallest unit of the currency. */
const priceWords = ({ total_amount, currency }: { total_amount: number; currency: string }): string =>
  currency === "XTR" ? `${total_amount} stars` : `${total_amount} of the smallest unit of ${currency}`;

/** Placeholders for content that is neither text nor file. */
const WORDINGS: Wordings = {
  rich_message: richTextOf,
  sticker: ({ emoji, set_name }) => `[${["sticker", emoji, set_name && `of ${set_name}`].filter(Boolean).join(" ")}]`,
  story: ({ chat }) => `[story of ${chatName(chat)}, which Telegram does not show to bots]`,
  paid_media: ({ star_count, paid_media }) =>
    `[paid media for ${star_count} stars: ${paid_media.map(paidWords).join(", ")}]`,
  contact: ({ first_name, last_name, phone_number }) =>
    `[contact: ${[first_name, last_name, phone_number].filter(Boolean).join(" ")}]`,
  dice: ({ emoji, value }) => `[${emoji} ${value}]`,
  game: ({ title, description, text }) => `[game: ${[title, description, text].filter(Boolean).join(". ")}]`,
  poll: pollWords,
  venue: ({ title, address, location }) =>
    `[venue: ${title}, ${address} (${location.latitude}, ${location.longitude})]`,
  // Telegram repeats a venue as a location.
  location: (it, { venue }) => (venue ? "" : locationWords(it)),
  checklist: ({ title, tasks }) =>
    [`[checklist: ${title}]`, ...tasks.map((task) => `[${task.completion_date ? "x" : " "}] ${task.text}`)].join("\n"),
  checklist_tasks_done: (it) => {
    const { marked_as_done_task_ids: done = [], marked_as_not_done_task_ids: undone = [] } = it;
    const textOf = (id: number) =>
      it.checklist_message?.checklist?.tasks.find((task) => task.id === id)?.text ?? `task ${id}`;
    return [...done.map((id) => `[done: ${textOf(id)}]`), ...undone.map((id) => `[not done: ${textOf(id)}]`)].join(
      "\n",
    );
  },
  checklist_tasks_added: ({ tasks }) => tasks.map(({ text }) => `[added to the checklist: ${text}]`).join("\n"),
  poll_option_added: ({ option_text }) => `[added to the poll: ${option_text}]`,
  poll_option_deleted: ({ option_text }) => `[taken out of the poll: ${option_text}]`,
  suggested_post_info: ({ state }) => `[suggested post: ${state}]`,
  suggested_post_approved: () => "[a suggested post was approved]",
  suggested_post_approval_failed: () => "[a suggested post could not be approved]",
  suggested_post_declined: ({ comment }) => `[a suggested post was declined${comment ? `: ${comment}` : ""}]`,
  suggested_post_paid: () => "[a suggested post was paid]",
  suggested_post_refunded: () => "[the payment for a suggested post was refunded]",
  invoice: ({ title, description, ...price }) => `[invoice: ${title}. ${description}. ${priceWords(price)}]`,
  successful_payment: (price) => `[payment: ${priceWords(price)}]`,
  refunded_payment: (price) => `[refund: ${priceWords(price)}]`,
  users_shared: ({ users }) =>
    `[shared people: ${users.map(({ user_id, ...user }) => nameOr(user, String(user_id))).join(", ")}]`,
  chat_shared: ({ title, username, chat_id }) => `[shared chat: ${title ?? username ?? chat_id}]`,
  passport_data: () => "[Telegram Passport data, which is not passed on]",
  proximity_alert_triggered: ({ traveler, watcher, distance }) =>
    `[${userName(traveler)} is within ${distance} m of ${userName(watcher)}]`,
  giveaway: ({ winner_count, prize_description }) =>
    `[giveaway: ${winner_count} winners${prize_description ? `, ${prize_description}` : ""}]`,
  giveaway_winners: ({ winners }) => `[winners of the giveaway: ${winners.map(userName).join(", ")}]`,
  giveaway_completed: ({ winner_count }) => `[the giveaway is over: ${winner_count} winners]`,
  gift: giftWords,
  gift_upgrade_sent: giftWords,
  unique_gift: ({ gift, text }) => `[gift: ${gift.base_name} #${gift.number}${text ? `: ${text}` : ""}]`,
  video_chat_scheduled: ({ start_date }) => `[video chat scheduled for ${new Date(start_date * 1000).toISOString()}]`,
  video_chat_started: () => "[video chat started]",
  video_chat_ended: ({ duration }) => `[video chat ended after ${duration} s]`,
  web_app_data: ({ button_text, data }) => `[${button_text}: ${data}]`,
};

/** Fields of a message that become words. */
export const TOLD = Object.keys(WORDINGS);

/** Text of a message with the addresses of links, and placeholders for content that is neither text nor file. */
export function wordsOf(content: Content): string[] {
  const text = content.text ?? content.caption;
  const own = text === undefined ? "" : withLinks(text, content.entities ?? content.caption_entities ?? []);
  const texts = Object.entries(WORDINGS).map(([key, wording]) => {
    const value = content[key as keyof Wordings];
    if (value === undefined) return "";
    try {
      return (wording as (it: unknown, of: Content) => string)(value, content);
    } catch {
      // The update breaks the Bot API's schema: mention its arrival at least.
      return `[${key.replaceAll("_", " ")}, which cannot be read]`;
    }
  });
  return [...texts, own].filter((words) => words !== "");
}

/** Puts the address of each link after its words. */
function withLinks(text: string, entities: readonly MessageEntity[]): string {
  const links = entities.filter((entity) => entity.type === "text_link");
  // From the end, so that earlier offsets stay right.
  return links
    .toSorted((a, b) => b.offset - a.offset)
    .reduce(
      (so, { offset, length, url }) => `${so.slice(0, offset + length)} (${url})${so.slice(offset + length)}`,
      text,
    );
}

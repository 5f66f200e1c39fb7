import type { Chat, MessageOrigin, User } from "grammy/types";

/** Original author of a forwarded message; authors may hide all but a name. */
export function originName(origin: MessageOrigin): string {
  if (origin.type === "user") return userName(origin.sender_user);
  if (origin.type === "hidden_user") return origin.sender_user_name;
  return signed(chatName(origin.type === "chat" ? origin.sender_chat : origin.chat), origin.author_signature);
}

export const signed = (name: string, signature: string | undefined): string =>
  signature ? `${name} (${signature})` : name;

type Named = { first_name?: string; last_name?: string; username?: string };
export const nameOr = ({ first_name, last_name, username }: Named, otherwise: string): string =>
  [first_name, last_name].filter(Boolean).join(" ") || username || otherwise;

export const userName = (user: User): string => nameOr(user, String(user.id));
export const chatName = (chat: Chat): string => chat.title ?? nameOr(chat, String(chat.id));

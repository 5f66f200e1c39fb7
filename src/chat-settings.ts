import type { ChatSettings } from "./adapters/chats.ts";

/** Chat accounts whose channels the server runs itself, by their settings. */
export function chatsOf(
  telegram: { token: string | undefined; apiUrl: string | undefined },
  slack: { appToken: string | undefined; botToken: string | undefined; apiUrl: string | undefined },
): ChatSettings[] {
  const chats: ChatSettings[] = [];
  if (telegram.token !== undefined)
    chats.push({ provider: "telegram", token: telegram.token, apiUrl: telegram.apiUrl });
  const { appToken, botToken, apiUrl } = slack;
  if (appToken !== undefined && botToken !== undefined) chats.push({ provider: "slack", appToken, botToken, apiUrl });
  return chats;
}

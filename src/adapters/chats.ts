import { systemTiming } from "../client/timing.ts";
import type { Platform } from "./contract.ts";

/** The platforms that there are adapters for, and what each needs to sign in. */
export type ChatSettings =
  | { provider: "telegram"; token: string; apiUrl?: string | undefined }
  | { provider: "slack"; appToken: string; botToken: string; apiUrl?: string | undefined };

export const PROVIDERS = ["telegram", "slack"] as const satisfies ChatSettings["provider"][];

/** A platform's library is loaded only by who uses it. */
export async function createPlatform(settings: ChatSettings): Promise<Platform> {
  if (settings.provider === "telegram") {
    const { createTelegram } = await import("./telegram/telegram.ts");
    return createTelegram({ ...settings, timing: systemTiming });
  }
  const { createSlack } = await import("./slack/slack.ts");
  return createSlack({ ...settings, timing: systemTiming });
}

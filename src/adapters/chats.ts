import { systemTiming } from "../client/timing.ts";
import type { Platform } from "./contract.ts";

/** Platforms with an adapter, and the settings that each needs to sign in. */
export type ChatSettings =
  | { provider: "telegram"; token: string; apiUrl?: string | undefined }
  | { provider: "slack"; appToken: string; botToken: string; apiUrl?: string | undefined };

export const PROVIDERS = ["telegram", "slack"] as const satisfies ChatSettings["provider"][];

/** Loads a platform's library on first use. */
export async function createPlatform(settings: ChatSettings): Promise<Platform> {
  if (settings.provider === "telegram") {
    const { createTelegram } = await import("./telegram/telegram.ts");
    return createTelegram({ ...settings, timing: systemTiming });
  }
  const { createSlack } = await import("./slack/slack.ts");
  return createSlack({ ...settings, timing: systemTiming });
}

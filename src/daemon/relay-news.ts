import type { Log } from "./services.ts";

export type RelayNews = ReturnType<typeof createRelayNews>;

/** Says once in the log that the relay is away, with the reason, and once that it is back. */
export function createRelayNews(log: Log) {
  let isAway = false;
  return {
    away(cause: unknown): void {
      if (isAway) return;
      isAway = true;
      const reason = cause instanceof Error ? `: ${cause.message.replace(/\.$/, "")}` : "";
      log(`The relay is away${reason}. The daemon tries again until it is back.`);
    },
    back(): void {
      if (isAway) log("The relay is back.");
      isAway = false;
    },
  };
}

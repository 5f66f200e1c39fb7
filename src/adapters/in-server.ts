import { type AdapterOptions, runAdapter } from "./adapter.ts";
import { type ChatSettings, createPlatform } from "./chats.ts";
import type { AdapterEvent } from "./events.ts";

/** The used part of a logger. */
export interface AdapterLog {
  debug(facts: object, text: string): void;
  info(facts: object, text: string): void;
  warn(facts: object, text: string): void;
  error(facts: object, text: string): void;
}

export interface ServerAdapters {
  /** Resolves when all adapters have finished their posts. */
  stop(): Promise<void>;
}

/** Adapters that the server itself runs. One that cannot go on ends alone and logs the reason. */
export function startAdapters(
  chats: readonly ChatSettings[],
  relay: AdapterOptions["relay"],
  log: AdapterLog,
): ServerAdapters {
  const stopping = new AbortController();
  const running = chats.map(async (settings) => {
    const { provider } = settings;
    try {
      const platform = await createPlatform(settings);
      const onEvent = (event: AdapterEvent) => logEvent(event, log);
      await runAdapter({ platform, relay, signal: stopping.signal, onEvent });
    } catch (error) {
      const { name, message, code } = { code: undefined, ...described(error) };
      log.error({ provider, error: { name, message, code } }, `the ${provider} adapter has ended: ${message}`);
    }
  });
  return {
    async stop() {
      stopping.abort();
      await Promise.all(running);
    },
  };
}

/** Loggable fields of an event. An error of a library may hold the request, and the request the token. */
function described(error: unknown): { name: string; message: string; code?: string } {
  if (!(error instanceof Error)) return { name: "Error", message: "unknown" };
  const { name, message } = error;
  return "code" in error ? { name, message, code: String(error.code) } : { name, message };
}

const LEVELS = {
  standby: "info",
  serving: "info",
  ready: "info",
  "not-ready": "warn",
  note: "warn",
  received: "debug",
  dropped: "warn",
  posted: "debug",
  "not-posted": "warn",
  "reading-failed": "warn",
  superseded: "warn",
  stopped: "info",
} as const satisfies Record<AdapterEvent["type"], keyof AdapterLog>;

function logEvent(event: AdapterEvent, log: AdapterLog): void {
  const { type, channelId, ...rest } = event;
  const facts = "cause" in rest ? { ...rest, cause: described(rest.cause).message } : rest;
  log[LEVELS[type]]({ channel: channelId, event: type, ...facts }, sentenceOf(event));
}

/** Event as a sentence. */
export function sentenceOf(event: AdapterEvent): string {
  const { channelId: channel } = event;
  switch (event.type) {
    case "standby":
      return `${channel}: another process is this channel's adapter; waiting for it to end`;
    case "serving":
      return `${channel}: this process is its adapter now`;
    case "ready":
      return `${channel}: events reach us`;
    case "not-ready":
      return `${channel}: nothing comes in: ${event.reason}`;
    case "note":
      return `${channel}: ${event.text}`;
    case "received":
      return `${channel}: ${event.externalId} came in, ${event.routed === 0 ? "and nothing is bound to it" : `for ${event.routed}`}`;
    case "dropped":
      return `${channel}: the relay refused ${event.externalId}: ${described(event.cause).message}`;
    case "posted":
      return `${channel}: message ${event.messageId} is posted (${event.externalIds.length} parts)`;
    case "not-posted":
      return `${channel}: message ${event.messageId} is not posted, ${event.failure} (${event.code}): ${event.reason}`;
    case "reading-failed":
      return `${channel}: reading failed (${event.code}): ${event.reason}; again in ${Math.ceil(event.inMs / 1000)} s`;
    case "superseded":
      return `${channel}: a newer adapter has taken over`;
    case "stopped":
      return `${channel}: stopped`;
  }
}

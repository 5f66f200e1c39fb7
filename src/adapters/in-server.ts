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

type Sentences = { [T in AdapterEvent["type"]]: (event: Extract<AdapterEvent, { type: T }>) => string };

const SENTENCES: Sentences = {
  standby: () => "another process is this channel's adapter; waiting for it to end",
  serving: () => "this process is its adapter now",
  ready: () => "events reach us",
  "not-ready": ({ reason }) => `nothing comes in: ${reason}`,
  note: ({ text }) => text,
  received: ({ externalId, routed }) =>
    `${externalId} came in, ${routed === 0 ? "and nothing is bound to it" : `for ${routed}`}`,
  dropped: ({ externalId, cause }) => `the relay refused ${externalId}: ${described(cause).message}`,
  posted: ({ messageId, externalIds }) => `message ${messageId} is posted (${externalIds.length} parts)`,
  "not-posted": ({ messageId, failure, code, reason }) =>
    `message ${messageId} is not posted, ${failure} (${code}): ${reason}`,
  "reading-failed": ({ code, reason, inMs }) =>
    `reading failed (${code}): ${reason}; again in ${Math.ceil(inMs / 1000)} s`,
  superseded: () => "a newer adapter has taken over",
  stopped: () => "stopped",
};

/** Event as a sentence. */
export const sentenceOf = (event: AdapterEvent): string =>
  `${event.channelId}: ${(SENTENCES[event.type] as (event: AdapterEvent) => string)(event)}`;

import type { Failure } from "./contract.ts";

/** Events of a running adapter, for logs. */
export type AdapterEvent =
  /** Another process is this channel's adapter; this one waits for its end. */
  | { type: "standby"; channelId: string }
  | { type: "serving"; channelId: string; instanceId: string }
  | { type: "ready"; channelId: string }
  | { type: "not-ready"; channelId: string; reason: string }
  | { type: "note"; channelId: string; text: string }
  | { type: "received"; channelId: string; externalId: string; messageIds: number[]; routed: number }
  /** The relay will never accept the event, so it is dropped. */
  | { type: "dropped"; channelId: string; externalId: string; cause: unknown }
  | { type: "posted"; channelId: string; messageId: number; externalIds: string[] }
  | { type: "not-posted"; channelId: string; messageId: number; failure: Failure; code: string; reason: string }
  /** Reading stopped for a reason that may pass, and starts again in `inMs`. */
  | { type: "reading-failed"; channelId: string; code: string; reason: string; inMs: number }
  | { type: "superseded"; channelId: string }
  | { type: "stopped"; channelId: string };

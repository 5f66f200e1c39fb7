import { SocketModeClient } from "@slack/socket-mode";
import { z } from "zod";
import { linkedAbort } from "../../client/abort.ts";
import { type Inbox, PlatformFault } from "../contract.ts";
import { slackFault } from "./faults.ts";
import { SILENT } from "./silence.ts";

interface Envelope {
  type: string;
  body: unknown;
  ack(): Promise<void>;
}

export interface SlackSocketOptions {
  appToken: string;
  apiUrl: string;
  /** Reports the end of an open connection. */
  ended(): void;
  /** Handles one envelope. The socket acknowledges it after that. */
  take(envelope: Envelope): Promise<void>;
}

/** Least duration of a working connection. */
const BRIEF_MS = 5_000;
const CLOSE_MS = 2_000;

/**
 * Reads in socket mode until `signal` fires. Slack announces a renewal of the connection every few hours; that is no fault. The
 * library's own reconnection is off: it gives up for good on some errors, and rejects where no caller can catch it.
 */
export async function readSocket(options: SlackSocketOptions, inbox: Inbox, signal: AbortSignal): Promise<void> {
  for (;;) {
    const started = performance.now();
    await oneConnection(options, inbox, signal);
    signal.throwIfAborted();
    if (performance.now() - started < BRIEF_MS)
      throw new PlatformFault("transient", "disconnected", "Slack closed the connection at once");
  }
}

async function oneConnection(options: SlackSocketOptions, inbox: Inbox, signal: AbortSignal): Promise<void> {
  const { appToken, apiUrl } = options;
  const life = linkedAbort(signal);
  const socket = new SocketModeClient({
    appToken,
    autoReconnectEnabled: false,
    logger: SILENT,
    clientOptions: { slackApiUrl: apiUrl, retryConfig: { retries: 0 }, timeout: 15_000, rejectRateLimitedCalls: true },
  });
  const gone = new Promise<void>((resolve) => socket.on("disconnected", () => resolve()));
  const ended = new Promise<never>((_, reject) => {
    life.signal.addEventListener("abort", () => reject(life.signal.reason), { once: true });
  });
  ended.catch(() => undefined);
  let last = Promise.resolve();
  socket.on("slack_event", (envelope: Envelope) => {
    // One after the other, to store them in the order of arrival.
    last = last.then(() => take(options, envelope, life.signal)).catch((error) => life.abort(error));
  });
  socket.on("ws_message", (text: unknown) => {
    const { type, num_connections: count = 1 } = Hello.catch({}).parse(jsonOf(text));
    if (type === "hello" && count > 1)
      inbox.note(`${count - 1} more connections of this app take part of what comes in: is another relay using it?`);
  });
  try {
    await Promise.race([socket.start().catch(refused), ended]);
    inbox.listening();
    await Promise.race([gone, ended]);
  } finally {
    options.ended();
    // A connection that is being opened still opens, and would take events without an acknowledgement.
    socket.on("connected", () => void socket.disconnect().catch(() => undefined));
    // Bounded: a peer that is gone never answers the closing handshake.
    await Promise.race([socket.disconnect().catch(() => undefined), Bun.sleep(CLOSE_MS)]);
    await last;
    life.dispose();
  }
}

const Hello = z.object({ type: z.string().optional(), num_connections: z.number().optional() });

function jsonOf(text: unknown): unknown {
  try {
    return JSON.parse(String(text));
  } catch {
    return undefined;
  }
}

async function take({ take }: SlackSocketOptions, envelope: Envelope, signal: AbortSignal): Promise<void> {
  if (signal.aborted) return;
  await take(envelope);
  // Slack repeats an event without acknowledgement, and the relay knows it then.
  await envelope.ack().catch(() => undefined);
}

function refused(error: unknown): never {
  if (error === undefined) throw new PlatformFault("transient", "disconnected", "Slack closed the connection");
  throw slackFault(error);
}

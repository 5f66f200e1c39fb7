import { RelayProblem } from "../client/errors.ts";
import { headOf } from "../client/text.ts";
import { type ChannelEvent, QUOTED_BYTES } from "../protocol/channels.ts";
import { BODY_BYTES } from "../protocol/limits.ts";
import type { Message } from "../protocol/messages.ts";
import { faultOf, type Inbox, type Incoming, type IncomingFile } from "./contract.ts";
import { untilAnswered } from "./patience.ts";
import type { Session } from "./session.ts";

type Attachment = NonNullable<ChannelEvent["attachments"]>[number];

const MAX_FILES = 32;
const FILE_TRIES = 3;
const FILE_WAIT_MS = 2_000;
/** Statuses that refuse a single event; any other refusal ends the adapter. */
const REFUSALS = new Set([400, 409, 413, 422]);

/** Reports events to the relay. A report resolves when the event is stored, or will never be. */
export function createReports({ client, channelId, timing, onEvent }: Session, signal: AbortSignal): Inbox["deliver"] {
  async function deliver(incoming: Incoming): Promise<void> {
    const { externalId } = incoming;
    try {
      const carried = await carryFiles(incoming.files ?? []);
      const event = eventOf(incoming, carried.attachments, carried.notes);
      const stored = await report(event);
      const more = moreOf(event, stored[0]);
      if (more) await report(more);
    } catch (cause) {
      if (!isRefusal(cause)) throw cause;
      onEvent({ type: "dropped", channelId, externalId, cause });
    }
  }

  async function report(event: ChannelEvent): Promise<Message[]> {
    const { messages, routed } = await untilAnswered(timing, signal, () =>
      client.channels.report(channelId, event, { signal }),
    );
    const messageIds = messages.map(({ id }) => id);
    onEvent({ type: "received", channelId, externalId: event.externalId, messageIds, routed });
    return messages;
  }

  async function carryFiles(files: IncomingFile[]) {
    const attachments: Attachment[] = [];
    const notes = files.slice(MAX_FILES).map(({ name }) => `[${name}: too many files]`);
    for (const file of files.slice(0, MAX_FILES)) {
      const carried = await carryFile(file);
      if (typeof carried === "string") notes.push(`[${file.name}: ${carried}]`);
      else attachments.push(carried);
    }
    return { attachments, notes };
  }

  /** Fetches a file. When that fails, the text goes on with the reason in the file's place. */
  async function carryFile(file: IncomingFile): Promise<Attachment | string> {
    const bytes = await fetchFile(file);
    if (typeof bytes === "string") return bytes;
    const name = lineOf(bytes instanceof File ? bytes.name : file.name, 200) || "file";
    const upload = { name, type: file.type || bytes.type.split(";")[0] || "application/octet-stream" };
    try {
      const stored = await untilAnswered(timing, signal, () => client.files.put(bytes, upload, { signal }));
      return { name: stored.name, type: stored.type, size: stored.size, fileId: stored.id };
    } catch (error) {
      if (error instanceof RelayProblem && [413, 415, 422].includes(error.status)) return error.message;
      throw error;
    }
  }

  async function fetchFile(file: IncomingFile): Promise<Blob | string> {
    for (let n = 1; ; n++) {
      try {
        return await file.fetch(signal);
      } catch (error) {
        signal.throwIfAborted();
        const { failure, message, retryAfterSeconds = 0 } = faultOf(error);
        if (failure === "permanent" || n === FILE_TRIES) return message;
        await timing.sleep(Math.max(FILE_WAIT_MS, retryAfterSeconds * 1000), signal);
      }
    }
  }

  return deliver;
}

/** Tells whether the relay refuses this event alone. A newer adapter is no fault of the event. */
const isRefusal = (error: unknown): boolean =>
  error instanceof RelayProblem && REFUSALS.has(error.status) && error.code !== "superseded";

function eventOf(incoming: Incoming, attachments: Attachment[], notes: string[]): ChannelEvent {
  const { files: _, sender, text, button, forwardedFrom, quoted, ...rest } = incoming;
  const lines = [text, ...notes].filter((line) => line !== undefined && line !== "").join("\n");
  return {
    ...rest,
    sender: {
      id: lineOf(sender.id, 256),
      name: lineOf(sender.name, 256) || sender.id,
      ...(sender.isBot && { isBot: true }),
    },
    text: lines === "" ? undefined : headOf(lines.toWellFormed(), BODY_BYTES),
    forwardedFrom: forwardedFrom && lineOf(forwardedFrom, 256),
    quoted: quoted && headOf(quoted.toWellFormed(), QUOTED_BYTES),
    button: button && { id: button.id, text: button.text === undefined ? undefined : lineOf(button.text, 256) },
    attachments: attachments.length > 0 ? attachments : undefined,
  };
}

/**
 * Event for the part of a message that was missing when the message was stored, as an answer to the first event: Slack reports a
 * mention without its files, and some files download only at the second try.
 */
function moreOf(event: ChannelEvent, stored: Message | undefined): ChannelEvent | undefined {
  const before = stored?.payload;
  if (!stored || before?.externalId !== event.externalId) return undefined;
  const { externalId, replyToExternalId } = event;
  // Telegram's times of edits have a resolution of a second.
  const isEdit = externalId.startsWith(`${replyToExternalId}:edit:`);
  if (isEdit && event.text && event.text !== stored.body)
    return { ...event, externalId: `${externalId}:${Bun.hash(event.text).toString(36)}` };
  const attachments = before.attachments === undefined ? event.attachments : undefined;
  const isLonger = event.text !== undefined && event.text !== stored.body && event.text?.startsWith(stored.body);
  const text = isLonger ? event.text?.slice(stored.body.length).trim() : undefined;
  if (!attachments && !text) return undefined;
  return { ...event, attachments, text, externalId: `${externalId}:more`, replyToExternalId: externalId };
}

/** Name without controls: platforms let people put anything into one. */
const lineOf = (text: string, bytes: number): string =>
  headOf(text.toWellFormed().replace(/\p{Cc}+/gu, " "), bytes).trim();

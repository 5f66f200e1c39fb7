import type { WebClient } from "@slack/web-api";
import { z } from "zod";
import { RelayProblem } from "../../client/client.ts";
import type { Button, OutgoingFile, Post } from "../contract.ts";
import { PlatformFault } from "../contract.ts";
import { cutText } from "../cut.ts";
import type { Edits } from "../edits.ts";
import { withinTime } from "../patience.ts";
import { asSlackFault, slackFault } from "./faults.ts";
import { externalIdOf, toSlack } from "./text.ts";

/** Metadata of a post, by which it is found again. */
const EVENT_TYPE = "signalbox_post";

/** Messages of the conversation to search for a post. */
const PAGES = 5;
const PAGE = 200;
const UPLOAD_SECONDS = 120;
/** Slack knows the message of a file some time after the upload. */
const SHARE_TRIES = 5;
const SHARE_WAIT_MS = 500;

/** Posts to Slack, and finds earlier posts. */
export function createSlackPosts(web: WebClient, edits: Edits, sleep: (ms: number) => Promise<void>) {
  async function postText({ place, key }: Post, text: string, buttons: Button[][] | undefined): Promise<string> {
    const sent = await web.chat.postMessage({
      channel: place.conversationId,
      thread_ts: place.threadId,
      text: toSlack(text),
      blocks: buttons?.length ? blocksOf(text, buttons) : undefined,
      unfurl_links: false,
      unfurl_media: false,
      metadata: { event_type: EVENT_TYPE, event_payload: { key } },
    });
    if (!sent.ts) throw new PlatformFault("ambiguous", "platform-error", "Slack did not name the posted message");
    return externalIdOf(place.conversationId, sent.ts);
  }

  async function postFile({ place, keepMark }: Post, file: OutgoingFile): Promise<string> {
    const bytes = await file.fetch();
    // Nothing of an upload is visible before it is completed.
    const start = await web.files.getUploadURLExternal({ filename: file.name, length: bytes.size }).catch(notPosted);
    const { upload_url: url, file_id: id } = start;
    if (!url || !id) throw new PlatformFault("transient", "platform-error", "Slack gave no place to upload to");
    const answer = await withinTime(UPLOAD_SECONDS, undefined, (signal) =>
      fetch(url, { method: "POST", body: bytes, redirect: "error", signal }),
    ).catch(notPosted);
    if (!answer.ok)
      throw new PlatformFault("transient", "platform-error", `The upload was answered HTTP ${answer.status}`);
    await keepMark(id);
    const where = { channel_id: place.conversationId, thread_ts: place.threadId };
    await web.files.completeUploadExternal({ files: [{ id, title: file.name }], ...where } as CompleteUpload);
    return (await shareOf(id, place.conversationId)) ?? externalIdOf(place.conversationId, id);
  }

  /** Message that shows the file; undefined when unknown, as the file is posted either way. */
  async function shareOf(fileId: string, channel: string): Promise<string | undefined> {
    for (let n = 0; n < SHARE_TRIES; n++) {
      const info = await web.files.info({ file: fileId }).catch(() => undefined);
      const { public: open, private: closed } = Shares.catch({}).parse(info?.file?.shares ?? {});
      const ts = (open?.[channel] ?? closed?.[channel])?.[0]?.ts;
      if (ts) return externalIdOf(channel, ts);
      await sleep(SHARE_WAIT_MS);
    }
    return undefined;
  }

  return {
    /** Changes a text. Without buttons its blocks are those of the text alone. */
    async edit(
      externalId: string,
      { text, buttons }: { text: string; buttons?: Button[][] | undefined },
    ): Promise<void> {
      const [channel = "", ts = ""] = externalId.split(":");
      const shown = { text: toSlack(text), blocks: blocksOf(text, buttons ?? []) };
      try {
        await edits.change(externalId, () => web.chat.update({ channel, ts, ...shown }));
      } catch (error) {
        throw slackFault(error);
      }
    },

    async post(given: Post): Promise<string> {
      const { part } = given;
      try {
        if ("topic" in part) throw new PlatformFault("permanent", "no-topics", "Slack has threads in place of topics");
        return "text" in part ? await postText(given, part.text, part.buttons) : await postFile(given, part.file);
      } catch (error) {
        if (error instanceof RelayProblem) throw error;
        throw slackFault(error);
      }
    },

    /** Finds a text by its key, and a file by its id: other posts may show a file of the same name. */
    async find({ place, part, key, since, mark }: Post): Promise<string | null> {
      // Nothing of a file is visible before its id is noted.
      if ("file" in part && mark === undefined) return null;
      const { conversationId: channel, threadId: ts } = place;
      // Slack's clock may differ from ours.
      const oldest = String(since / 1000 - 60);
      let cursor: string | undefined;
      for (let page = 0; page < PAGES; page++) {
        const about = { channel, oldest, limit: PAGE, cursor, include_all_metadata: true };
        const answer = await (ts
          ? web.conversations.replies({ ...about, ts })
          : web.conversations.history(about)
        ).catch(asSlackFault);
        const messages = z.array(Found).parse(answer.messages ?? []);
        const isIt = (found: Found) =>
          "text" in part
            ? found.metadata?.event_payload?.key === key
            : (found.files ?? []).some(({ id }) => id === mark);
        const found = messages.find(isIt);
        if (found) return externalIdOf(channel, found.ts);
        cursor = answer.response_metadata?.next_cursor || undefined;
        if (!cursor) return null;
      }
      throw new PlatformFault("ambiguous", "not-found", "Too many messages have followed to search through");
    },
  };
}

type CompleteUpload = Parameters<WebClient["files"]["completeUploadExternal"]>[0];

const Share = z.record(z.string(), z.array(z.looseObject({ ts: z.string() }))).optional();
const Shares = z.looseObject({ public: Share, private: Share });
const Found = z.looseObject({
  ts: z.string(),
  files: z.array(z.looseObject({ id: z.string().nullish() })).optional(),
  metadata: z.looseObject({ event_payload: z.looseObject({ key: z.string().optional() }).optional() }).optional(),
});
type Found = z.infer<typeof Found>;

/** Turns a failure before anything is visible into a fault of a step that can be repeated. @throws PlatformFault */
function notPosted(error: unknown): never {
  const { failure, code, message, retryAfterSeconds } = slackFault(error);
  throw new PlatformFault(failure === "ambiguous" ? "transient" : failure, code, message, retryAfterSeconds);
}

const VALUE_LENGTH = 2000;
const LABEL_LENGTH = 75;
const ROW = 25;

/** Length of a section; an escaped character counts as up to five. */
const SECTION = 3_000;

function blocksOf(text: string, rows: Button[][]) {
  const actions = rows.flatMap((row) => slices(row, ROW));
  const pieces = toSlack(text).length <= SECTION ? [text] : cutText(text, SECTION / 5);
  return [
    ...pieces.map((piece) => ({ type: "section", text: { type: "mrkdwn", text: toSlack(piece) } })),
    ...actions.map((row, n) => ({ type: "actions", elements: row.map((button, m) => elementOf(button, `${n}.${m}`)) })),
  ];
}

function elementOf({ text, id, url }: Button, place: string) {
  const label = { type: "plain_text", text: text.slice(0, LABEL_LENGTH), emoji: true };
  if (url !== undefined) return { type: "button", action_id: `url.${place}`, text: label, url };
  const value = id ?? text;
  if (value.length <= VALUE_LENGTH) return { type: "button", action_id: `press.${place}`, text: label, value };
  throw new PlatformFault("permanent", "button-too-long", `Slack takes button ids of up to ${VALUE_LENGTH} characters`);
}

const slices = <T>(list: T[], size: number): T[][] =>
  Array.from({ length: Math.ceil(list.length / size) }, (_, n) => list.slice(n * size, (n + 1) * size));

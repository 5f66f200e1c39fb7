import type { CallbackQuery, Update } from "grammy/types";
import { Api, InputFile } from "grammy/web";
import type { Timing } from "../../client/timing.ts";
import {
  type Button,
  type Inbox,
  type Incoming,
  type Place,
  type Platform,
  PlatformFault,
  type Post,
} from "../contract.ts";
import { cutText } from "../cut.ts";
import { createEdits } from "../edits.ts";
import { withinTime } from "../patience.ts";
import { telegramFault } from "./faults.ts";
import {
  ALLOWED_UPDATES,
  externalIdOf,
  incomingOf,
  labelOf,
  markedKeyboard,
  type TelegramReader,
  unreadable,
} from "./incoming.ts";

export interface TelegramOptions {
  token: string;
  /** Another Bot API server than Telegram's own. */
  apiUrl?: string | undefined;
  timing: Timing;
  /** Seconds for which Telegram may hold a request for updates; 25. */
  pollSeconds?: number | undefined;
}

/** grammY's type of a signal, which comes from a polyfill. */
type GrammySignal = NonNullable<Parameters<Api["getMe"]>[0]>;

const API_URL = "https://api.telegram.org";
/** Length in UTF-16 units, as Telegram counts. */
const TEXT_LIMIT = 4096;
const CALLBACK_BYTES = 64;
/** Time beyond the requested wait after which the connection counts as dead. */
const GRACE_SECONDS = 15;
const FILE_SECONDS = 120;

/** Telegram bot by long polling, one message a part. Telegram cannot look up what a bot has posted. */
export function createTelegram(options: TelegramOptions): Platform {
  const { token, timing, pollSeconds = 25 } = options;
  const root = (options.apiUrl ?? API_URL).replace(/\/+$/, "");
  const api = new Api(token, { apiRoot: root, baseFetchConfig: { redirect: "error" } });
  const edits = createEdits();
  const reader: TelegramReader = { username: "", fetchFile };
  /** Time of the last answered poll, its number of updates, whether they are being handled, and the last probe's finding. */
  const polls = { answeredAt: timing.now(), updates: 0, busy: false, seenByProbe: 0, waiting: false };

  /** One call, with a time limit that also holds on a silent connection. */
  async function call<T>(seconds: number, signal: AbortSignal | undefined, run: (signal: GrammySignal) => Promise<T>) {
    try {
      return await withinTime(seconds + GRACE_SECONDS, signal, (within) => run(within as GrammySignal));
    } catch (error) {
      if (signal?.aborted) throw signal.reason;
      const fault = telegramFault(error);
      // An error may quote the address, which holds the token.
      fault.message = fault.message.replaceAll(token, "<token>");
      throw fault;
    }
  }

  async function fetchFile(fileId: string, signal: AbortSignal): Promise<Blob> {
    const { file_path: path } = await call(0, signal, (within) => api.getFile(fileId, within));
    if (!path) throw new PlatformFault("permanent", "no-file", "Telegram does not give this file out");
    // The address holds the token, so no other address is asked, and no redirect is followed.
    const files = new URL(`${root}/file/bot${token}/`);
    const url = URL.parse(files.href + path);
    if (!url?.href.startsWith(files.href)) throw new PlatformFault("permanent", "elsewhere", "is not kept at Telegram");
    return call(FILE_SECONDS, signal, async (within) => {
      const answer = await fetch(url, { signal: within as AbortSignal, redirect: "manual" });
      if (answer.ok) return answer.blob();
      const failure = answer.status >= 500 || answer.status === 429 ? "transient" : "permanent";
      throw new PlatformFault(failure, "no-file", `Telegram answered HTTP ${answer.status} for a file`);
    });
  }

  /** Deletes a webhook, which would exclude polling. */
  async function freeFromWebhook(inbox: Inbox, signal: AbortSignal): Promise<void> {
    const { url } = await call(0, signal, (within) => api.getWebhookInfo(within));
    if (!url) return;
    inbox.note("A webhook was set for this bot; it is removed, or nothing would come in");
    await call(0, signal, (within) => api.deleteWebhook({}, within));
  }

  async function read(inbox: Inbox, signal: AbortSignal): Promise<void> {
    polls.answeredAt = timing.now();
    await freeFromWebhook(inbox, signal);
    let offset: number | undefined;
    // The first request does not wait: updates that arrived meanwhile, or a conflict, are known at once.
    for (let timeout = 0; ; timeout = pollSeconds) {
      const question = { offset, timeout, limit: 100, allowed_updates: ALLOWED_UPDATES };
      const updates = await call(timeout, signal, (within) => api.getUpdates(question, within));
      polls.answeredAt = timing.now();
      polls.updates += updates.length;
      inbox.listening();
      polls.busy = true;
      try {
        for (const update of updates) {
          await take(update, inbox);
          // The next request sends this offset, which tells Telegram to forget the update.
          offset = update.update_id + 1;
        }
      } finally {
        polls.busy = false;
        polls.answeredAt = timing.now();
      }
    }
  }

  async function take(update: Update, inbox: Inbox): Promise<void> {
    const incoming = readOne(update, inbox);
    if (incoming) await inbox.deliver(incoming);
    if (update.callback_query) void showPressed(update.callback_query);
  }

  /** Handles one update. An unreadable one must not block those behind it. */
  function readOne(update: Update, inbox: Inbox): Incoming | undefined {
    try {
      return incomingOf(update, reader);
    } catch (error) {
      inbox.note(`Update ${update.update_id} cannot be read: ${String(error)}`);
      return unreadable(update);
    }
  }

  /** Stops the button's hourglass, shows the pressed label and marks the button. A failure is ignored. */
  async function showPressed(query: CallbackQuery): Promise<void> {
    const ignored = () => undefined;
    const text = labelOf(query)?.slice(0, 200);
    await call(0, undefined, (within) => api.answerCallbackQuery(query.id, { text }, within)).catch(ignored);
    const keyboard = markedKeyboard(query);
    const { chat, message_id: id } = query.message ?? {};
    if (!keyboard || !chat || id === undefined) return;
    const shown = { reply_markup: keyboard };
    await edits.mark(externalIdOf(String(chat.id), id), () =>
      call(0, undefined, (within) => api.editMessageReplyMarkup(chat.id, id, shown, within)),
    );
  }

  async function edit(externalId: string, { text, buttons }: { text: string; buttons?: Button[][] | undefined }) {
    const [chat = "", id] = externalId.split(":");
    const more = { reply_markup: keyboardOf(buttons), link_preview_options: { is_disabled: true } };
    await edits
      .change(externalId, () =>
        call(GRACE_SECONDS, undefined, (within) => api.editMessageText(chat, Number(id), text, more, within)),
      )
      .catch(unlessSame);
  }

  async function post(given: Post): Promise<string> {
    const { place, part } = given;
    const chat = place.conversationId;
    const where = { ...topicOf(place), ...replyOf(given) };
    if ("text" in part) {
      const more = { ...where, reply_markup: keyboardOf(part.buttons), link_preview_options: { is_disabled: true } };
      const sent = await call(GRACE_SECONDS, undefined, (within) => api.sendMessage(chat, part.text, more, within));
      return externalIdOf(chat, sent.message_id);
    }
    if ("topic" in part) {
      const made = await call(GRACE_SECONDS, undefined, (within) => api.createForumTopic(chat, part.topic, {}, within));
      return String(made.message_thread_id);
    }
    const { file } = part;
    const bytes = new InputFile(new Uint8Array(await (await file.fetch()).arrayBuffer()), plainName(file.name));
    const asDocument = () => call(FILE_SECONDS, undefined, (within) => api.sendDocument(chat, bytes, where, within));
    const asPhoto = () => call(FILE_SECONDS, undefined, (within) => api.sendPhoto(chat, bytes, where, within));
    const sent = isPhoto(file) ? await asPhoto().catch(ifNoPhoto(asDocument)) : await asDocument();
    return externalIdOf(chat, sent.message_id);
  }

  return {
    provider: "telegram",

    async identify(signal) {
      const me = await call(0, signal, (within) => api.getMe(within));
      reader.username = me.username;
      reader.id = me.id;
      return { accountId: me.username.toLowerCase(), name: me.first_name };
    },

    read,
    post,
    edit,
    cut: (text) => cutText(text, TEXT_LIMIT),

    async probe(signal) {
      const { url, pending_update_count: waiting } = await call(0, signal, (within) => api.getWebhookInfo(within));
      if (url) return "a webhook takes the updates away";
      // Updates that wait there wait for us.
      if (polls.busy) return null;
      const silentMs = timing.now() - polls.answeredAt;
      if (silentMs > (pollSeconds + 2 * GRACE_SECONDS) * 1000)
        return `no question for updates was answered for ${Math.round(silentMs / 1000)} s`;
      const stuck = polls.waiting && waiting > 0 && polls.updates === polls.seenByProbe;
      polls.waiting = waiting > 0;
      polls.seenByProbe = polls.updates;
      return stuck ? `${waiting} updates wait at Telegram and none comes` : null;
    },
  };
}

/** Telegram refuses an edit that changes nothing: an earlier try has made it. */
function unlessSame(error: unknown): void {
  if (!(error instanceof PlatformFault && error.message.includes("message is not modified"))) throw error;
}

/** Topic as a parameter; the general topic has no id. */
const topicOf = ({ threadId }: Place) => (threadId === undefined ? {} : { message_thread_id: Number(threadId) });

/** Reply parameters. A reply to a message of another chat, or to a deleted one, is posted without the link. */
function replyOf({ place, replyToExternalId }: Post) {
  const [chat, id] = replyToExternalId?.split(":") ?? [];
  if (chat !== place.conversationId || !/^\d+$/.test(id ?? "")) return {};
  return { reply_parameters: { message_id: Number(id), allow_sending_without_reply: true } };
}

function keyboardOf(rows: Button[][] | undefined) {
  if (!rows?.length) return undefined;
  return { inline_keyboard: rows.map((row) => row.map(keyOf)) };
}

function keyOf({ text, id, url }: Button) {
  if (url !== undefined) return { text, url };
  const data = id ?? text;
  if (Buffer.byteLength(data) <= CALLBACK_BYTES) return { text, callback_data: data };
  throw new PlatformFault("permanent", "button-too-long", `Telegram takes button ids of up to ${CALLBACK_BYTES} bytes`);
}

/** Posts a photo that Telegram refuses (too large, too narrow) in another way: as a document. */
function ifNoPhoto<T>(otherwise: () => Promise<T>) {
  return (error: unknown) => {
    const refused = error instanceof PlatformFault && (error.code === "refused" || error.code === "too-large");
    if (refused) return otherwise();
    throw error;
  };
}

const PHOTOS = new Set(["image/jpeg", "image/png", "image/webp"]);
const isPhoto = ({ type }: { type: string }) => PHOTOS.has(type);

/** Name without characters that break a header: grammY writes it into one as it is. */
const plainName = (name: string): string => name.replace(/[^\p{L}\p{N}._-]+/gu, "_").slice(-128) || "file";

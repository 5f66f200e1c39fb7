import { createTelegram } from "../../src/adapters/telegram/telegram.ts";
import {
  brokenAnswer,
  createDesk,
  type FakeChat,
  type FakeProcess,
  type Fault,
  type Posted,
  type Saying,
} from "./chat.ts";

interface Question {
  offset: number;
  answer(updates: object[]): void;
  refuse(response: Response): void;
}

const TOKEN = "4711:fake-telegram-token";
const BOT = { id: 4711, is_bot: true, first_name: "Fake Bot", username: "fake_bot" };
const PERSON = { id: 99, is_bot: false, first_name: "Ada", last_name: "L" };

const refusal = (status: number, description: string, parameters?: object) =>
  Response.json({ ok: false, error_code: status, description, parameters }, { status });
const done = (result: unknown) => Response.json({ ok: true, result });

export interface FakeTelegram extends FakeChat {
  setWebhook(url: string): void;
  /** A group becomes a supergroup: posts to the old id are refused. With `isTold` both chats say so. */
  migrate(from: string, to: string, isTold: boolean): void;
  /** An update as Telegram sends it. */
  update(fields: object): void;
  /** Texts shown to people who pressed a button. */
  readonly toasts: string[];
  /** Topics that the bot has made, each as `chat: name`. */
  readonly topics: string[];
  /** Keeps a file; the answer is its id. */
  keepFile(file: NonNullable<Saying["file"]>): string;
  /** A false file path for `getFile` to answer. */
  misplaceFile(fileId: string, path: string): void;
  /** The file's own address sends on to this one. */
  redirectFile(fileId: string, to: string): void;
}

type Markup = { inline_keyboard?: { text: string; callback_data?: string; url?: string }[][] };

const keysOf = (markup: Markup | undefined): Posted["buttons"] =>
  (markup?.inline_keyboard ?? []).map((row) =>
    row.map(({ text, callback_data: id, url }) => ({ text, ...(id && { id }), ...(url && { url }) })),
  );

/** A Bot API with one bot: updates are kept until a later offset confirms them, and only one may ask at a time. */
export function createFakeTelegram(): FakeTelegram {
  const updates: { update_id: number }[] = [];
  const files = new Map<string, { name: string; type: string; bytes: Uint8Array }>();
  const misplaced = new Map<string, string>();
  const redirects = new Map<string, string>();
  const migrated = new Map<string, string>();
  const toasts: string[] = [];
  const topics: string[] = [];
  const posted: Posted[] = [];
  const faults: Fault[] = [];
  const readers = { now: 0, most: 0 };
  const messages = new Map<string, object>();
  const desk = createDesk();
  let asking: Question | undefined;
  let deaf = false;
  let revoked = false;
  let cutNext = false;
  let webhook = "";
  let count = 100;

  function enqueue(update: object): void {
    updates.push({ update_id: ++count, ...update });
    flush();
  }

  function flush(): void {
    if (!asking || deaf) return;
    const { offset, answer } = asking;
    const due = updates.filter(({ update_id }) => update_id >= offset);
    if (due.length > 0) answer(due.slice(0, 100));
  }

  function getUpdates(body: Record<string, string>, signal: AbortSignal): Promise<Response> | Response {
    if (webhook) return refusal(409, "Conflict: can't use getUpdates method while webhook is active");
    if (cutNext) {
      cutNext = false;
      return brokenAnswer();
    }
    const offset = Number(body.offset ?? 0);
    while (updates[0] && updates[0].update_id < offset) updates.shift();
    asking?.refuse(
      refusal(409, "Conflict: terminated by other getUpdates request; make sure that only one bot instance is running"),
    );
    readers.now++;
    readers.most = Math.max(readers.most, readers.now);
    return new Promise<Response>((resolve) => {
      const end = (response: Response) => {
        clearTimeout(timer);
        if (asking === question) asking = undefined;
        readers.now--;
        resolve(response);
      };
      let over = false;
      const once = (response: Response) => {
        if (over) return;
        over = true;
        end(response);
      };
      const question: Question = { offset, answer: (list) => once(done(list)), refuse: once };
      const timer = setTimeout(() => once(done([])), Number(body.timeout ?? 0) * 1000);
      signal.addEventListener("abort", () => once(done([])), { once: true });
      asking = question;
      flush();
    });
  }

  function post(body: Record<string, string>, upload?: File): Promise<Response> | Response {
    const fault = faults.shift();
    if (fault === "cut") return brokenAnswer();
    if (fault === "limited") return refusal(429, "Too Many Requests: retry after 1", { retry_after: 1 });
    if (fault === "refused") return refusal(403, "Forbidden: bot was blocked by the user");
    const to = migrated.get(body.chat_id ?? "");
    if (to)
      return refusal(400, "Bad Request: group chat was upgraded to a supergroup chat", {
        migrate_to_chat_id: Number(to),
      });
    if ((body.text ?? "").length > 4096) return refusal(400, "Bad Request: message is too long");
    if (body.text !== undefined && body.text.trim() === "") return refusal(400, "Bad Request: message text is empty");
    return keep(body, upload).then((result) => {
      if (fault === "done-cut") return brokenAnswer();
      return fault === "done-500" ? refusal(500, "Internal Server Error") : done(result);
    });
  }

  function remark(body: Record<string, string>): Response {
    const id = `${body.chat_id}:${body.message_id}`;
    const message = messages.get(id);
    if (!message) return refusal(400, "Bad Request: message to edit not found");
    const markup = JSON.parse(body.reply_markup ?? "{}");
    const shown = posted.find(({ externalId }) => externalId === id);
    if (body.text !== undefined && shown?.text === body.text)
      return refusal(400, "Bad Request: message is not modified");
    messages.set(id, { ...message, reply_markup: markup, ...(body.text !== undefined && { text: body.text }) });
    if (shown) shown.buttons = keysOf(markup);
    if (shown && body.text !== undefined) shown.text = body.text;
    return done(true);
  }

  async function keep(body: Record<string, string>, upload?: File): Promise<object> {
    const id = ++count;
    const reply = body.reply_parameters ? JSON.parse(body.reply_parameters).message_id : undefined;
    const markup = body.reply_markup ? JSON.parse(body.reply_markup) : undefined;
    posted.push({
      externalId: `${body.chat_id}:${id}`,
      conversation: String(body.chat_id),
      thread: body.message_thread_id,
      text: body.text,
      replyTo: reply === undefined ? undefined : `${body.chat_id}:${reply}`,
      file: upload && { name: upload.name, bytes: new Uint8Array(await upload.arrayBuffer()) },
      buttons: keysOf(markup),
    });
    const message = messageOf(
      { conversation: String(body.chat_id), thread: body.message_thread_id, text: body.text },
      id,
    );
    const sent = { ...message, from: BOT, ...(markup && { reply_markup: markup }) };
    messages.set(`${body.chat_id}:${id}`, sent);
    return sent;
  }

  function messageOf({ conversation, thread, text, file, replyTo }: Saying, id: number): object {
    const isDirect = !conversation.startsWith("-");
    const command = text?.match(/^\/\w+(@\w+)?/)?.[0];
    return {
      message_id: id,
      date: 1_700_000_000,
      chat: {
        id: Number(conversation),
        type: isDirect ? "private" : "supergroup",
        title: isDirect ? undefined : "A group",
      },
      from: PERSON,
      ...(thread && { message_thread_id: Number(thread), is_topic_message: true }),
      ...(file ? { caption: text } : { text }),
      ...(command && { entities: [{ type: "bot_command", offset: 0, length: command.length }] }),
      ...(replyTo && { reply_to_message: messages.get(replyTo) }),
      ...(file && withFile(file)),
    };
  }

  function withFile(file: NonNullable<Saying["file"]>): object {
    const fileId = keepFile(file);
    const about = { file_id: fileId, file_unique_id: `u-${fileId}`, file_size: file.bytes.length };
    if (file.type === "image/jpeg") return { photo: [{ ...about, file_id: "small" }, about] };
    return { document: { ...about, file_name: file.name, mime_type: file.type } };
  }

  function keepFile(file: NonNullable<Saying["file"]>): string {
    const fileId = `file-${++count}`;
    files.set(fileId, file);
    return fileId;
  }

  async function bodyOf(request: Request): Promise<{ fields: Record<string, string>; upload?: File }> {
    if (!request.headers.get("content-type")?.startsWith("multipart/")) {
      const given = (await request.json().catch(() => ({}))) as Record<string, unknown>;
      const entries = Object.entries(given).map(([key, value]) => [
        key,
        typeof value === "object" ? JSON.stringify(value) : String(value),
      ]);
      return { fields: Object.fromEntries(entries) };
    }
    const form = await request.formData();
    const fields: Record<string, string> = {};
    let upload: File | undefined;
    for (const [key, value] of form) {
      if (typeof value === "string") fields[key] = value;
      else upload = value as File;
    }
    return { fields, ...(upload && { upload }) };
  }

  /** Nobody sees a question. */
  async function method(name: string, request: Request, process: FakeProcess | undefined): Promise<Response> {
    const seen = name.startsWith("send");
    await process?.step(seen ? `${name} asked` : "");
    const response = await answer(name, request);
    await process?.step(seen ? `${name} done` : "");
    return response;
  }

  async function answer(name: string, request: Request): Promise<Response> {
    if (revoked) return refusal(401, "Unauthorized");
    const { fields, upload } = await bodyOf(request);
    if (name === "getMe") return done(BOT);
    if (name === "getUpdates") return getUpdates(fields, request.signal);
    if (name === "getWebhookInfo")
      return done({ url: webhook, has_custom_certificate: false, pending_update_count: updates.length });
    if (name === "deleteWebhook") {
      webhook = "";
      return done(true);
    }
    if (name === "answerCallbackQuery") {
      toasts.push(fields.text ?? "");
      return done(true);
    }
    if (name === "createForumTopic") {
      topics.push(`${fields.chat_id}: ${fields.name}`);
      return done({ message_thread_id: 7000 + topics.length, name: fields.name, icon_color: 0 });
    }
    if (name === "editMessageReplyMarkup" || name === "editMessageText") return remark(fields);
    if (name === "sendMessage" || name === "sendDocument" || name === "sendPhoto") return post(fields, upload);
    if (name === "getFile")
      return done({
        file_id: fields.file_id,
        file_path: misplaced.get(fields.file_id ?? "") ?? `documents/${fields.file_id}`,
      });
    return refusal(404, "Not Found");
  }

  const server = Bun.serve({
    port: 0,
    hostname: "127.0.0.1",
    idleTimeout: 0,
    async fetch(request) {
      const { process, rest } = desk.who(new URL(request.url).pathname);
      const [, kind, secret, path = ""] = /^\/(bot|file\/bot)([^/]+)\/(.*)$/.exec(rest) ?? [];
      if (secret !== TOKEN) return refusal(401, "Unauthorized");
      if (kind === "bot") return method(path, request, process);
      const fileId = path.replace("documents/", "");
      const to = redirects.get(fileId);
      if (to) return new Response(null, { status: 302, headers: { location: to } });
      const file = files.get(fileId);
      return file ? new Response(new Uint8Array(file.bytes).buffer) : refusal(404, "Not Found");
    },
  });
  const url = `http://127.0.0.1:${server.port}`;

  return {
    name: "telegram",
    platform: (timing, process) =>
      createTelegram({ token: TOKEN, apiUrl: url + (process ? desk.enter(process) : ""), timing, pollSeconds: 1 }),
    environment: { SIGNALBOX_TELEGRAM_TOKEN: TOKEN, SIGNALBOX_TELEGRAM_API_URL: url },
    canTell: false,
    limit: 4096,
    posted,
    readers,
    say(saying) {
      const id = ++count;
      const message = messageOf(saying, id);
      messages.set(`${saying.conversation}:${id}`, message);
      enqueue({ message });
      return `${saying.conversation}:${id}`;
    },
    press(externalId, data) {
      enqueue({
        callback_query: {
          id: `q${++count}`,
          from: PERSON,
          message: messages.get(externalId),
          chat_instance: "1",
          data,
        },
      });
    },
    migrate(from, to, isTold) {
      migrated.set(from, to);
      if (!isTold) return;
      const told = (chat: string, more: object) => ({ ...messageOf({ conversation: chat }, ++count), ...more });
      enqueue({ message: told(from, { migrate_to_chat_id: Number(to) }) });
      enqueue({ message: told(to, { migrate_from_chat_id: Number(from) }) });
    },
    update: enqueue,
    toasts,
    topics,
    keepFile,
    misplaceFile: (fileId, path) => void misplaced.set(fileId, path),
    redirectFile: (fileId, to) => void redirects.set(fileId, to),
    // Updates without a confirmation are told again to any caller: only the answer given has to be forgotten.
    repeat() {
      const copies = updates.splice(0);
      for (const copy of copies) enqueue(copy);
    },
    waiting: () => updates.length,
    fail: (...how) => void faults.push(...how),
    deafen() {
      deaf = true;
    },
    hear() {
      deaf = false;
      flush();
    },
    cut() {
      // Between two questions it is the next one that is cut.
      if (asking) asking.refuse(brokenAnswer());
      else cutNext = true;
    },
    revoke() {
      revoked = true;
      asking?.refuse(refusal(401, "Unauthorized"));
    },
    setWebhook(to) {
      webhook = to;
      asking?.refuse(refusal(409, "Conflict: terminated by setWebhook request"));
    },
    close: () => server.stop(true),
  };
}

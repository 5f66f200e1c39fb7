import type { ServerWebSocket } from "bun";
import { createSlack } from "../../src/adapters/slack/slack.ts";
import {
  brokenAnswer,
  createDesk,
  type FakeChat,
  type FakeProcess,
  type Fault,
  type Posted,
  type Saying,
} from "./chat.ts";

const APP_TOKEN = "xapp-1-fake-app-token";
const BOT_TOKEN = "xoxb-fake-bot-token";
const BOT = {
  user_id: "UBOT",
  bot_id: "BBOT",
  user: "fakebot",
  team: "Fake",
  team_id: "T1",
  url: "https://fake.slack.com/",
};

interface Kept {
  ts: string;
  thread_ts: string | undefined;
  channel: string;
  user: string;
  bot_id?: string;
  text: string;
  metadata?: unknown;
  blocks?: unknown;
  files?: { id: string; name: string }[];
}

const no = (error: string, status = 200, headers?: Record<string, string>) =>
  Response.json({ ok: false, error }, { status, headers });
const yes = (more: object = {}) => Response.json({ ok: true, ...more });

export interface FakeSlack extends FakeChat {
  /** An event as Slack sends it, in the conversation of its `channel`. */
  event(fields: Record<string, unknown>): void;
  /** Keeps a file; the answer is what an event says of it. */
  keepFile(file: NonNullable<Saying["file"]>): { id: string; name: string; url_private_download: string };
  /** The file's own address sends on to this one. */
  redirectFile(id: string, to: string): void;
}

/** A workspace with one app: the Web API over HTTP, socket mode over a WebSocket, files over plain HTTP. */
export function createFakeSlack(): FakeSlack {
  const sockets = new Set<ServerWebSocket<unknown>>();
  const unacked = new Map<string, object>();
  const kept: Kept[] = [];
  const posted: Posted[] = [];
  const uploads = new Map<string, { name: string; type?: string; bytes: Uint8Array; ts?: string; channel?: string }>();
  const redirects = new Map<string, string>();
  const faults: Fault[] = [];
  const readers = { now: 0, most: 0 };
  const desk = createDesk();
  const state = { deaf: false, revoked: false };
  let count = 0;

  const nextTs = () => `${Math.floor(Date.now() / 1000)}.${String(++count).padStart(6, "0")}`;

  function enqueue(type: string, payload: object): void {
    const envelope = { envelope_id: `env-${++count}`, type, payload, accepts_response_payload: false };
    unacked.set(envelope.envelope_id, envelope);
    deliver(envelope);
  }

  /** Slack gives each envelope to one of the connections. */
  function deliver(envelope: object): void {
    const [socket] = sockets;
    if (!state.deaf) socket?.send(JSON.stringify(envelope));
  }

  function connected(socket: ServerWebSocket<unknown>): void {
    sockets.add(socket);
    readers.now = sockets.size;
    readers.most = Math.max(readers.most, readers.now);
    socket.send(JSON.stringify({ type: "hello", num_connections: sockets.size, connection_info: { app_id: "A1" } }));
    // Events without an acknowledgement are sent again, with the number of the attempt.
    for (const envelope of unacked.values()) deliver({ ...envelope, retry_attempt: 1, retry_reason: "timeout" });
  }

  function eventOf({ conversation, thread, text = "", file }: Saying, ts: string): object {
    // As people's texts come: three characters are written out.
    const written = text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;");
    const about = file && fileOf(file);
    const event = {
      type: "message",
      channel: conversation,
      user: "UADA",
      text: written,
      ts,
      ...(thread && { thread_ts: thread }),
      ...(about && { subtype: "file_share", files: [about] }),
      event_ts: ts,
      channel_type: "channel",
    };
    return { type: "event_callback", team_id: "T1", api_app_id: "A1", event_id: `Ev${++count}`, event_time: 1, event };
  }

  function fileOf({ name, type, bytes }: NonNullable<Saying["file"]>) {
    const id = `F${++count}`;
    uploads.set(id, { name, type, bytes });
    return { id, name, mimetype: type, size: bytes.length, url_private_download: `${url}/files/${id}` };
  }

  function keep(
    message: Omit<Kept, "ts" | "user" | "bot_id">,
    file?: Posted["file"],
    buttons: Posted["buttons"] = [],
  ): Kept {
    const made: Kept = { ...message, ts: nextTs(), user: BOT.user_id, bot_id: BOT.bot_id };
    kept.push(made);
    posted.push({
      externalId: `${made.channel}:${made.ts}`,
      conversation: made.channel,
      thread: made.thread_ts,
      text: file ? undefined : made.text.replaceAll("&lt;", "<").replaceAll("&gt;", ">").replaceAll("&amp;", "&"),
      replyTo: undefined,
      file,
      buttons,
    });
    // The app hears itself, as it does of everybody in the channel.
    enqueue("events_api", {
      type: "event_callback",
      event_id: `Ev${++count}`,
      event: { type: "message", subtype: file ? "file_share" : undefined, ...made, event_ts: made.ts },
    });
    return made;
  }

  /** Runs a post under the next fault. */
  function faulty(run: () => Response): Response {
    const fault = faults.shift();
    if (fault === "cut") return brokenAnswer();
    if (fault === "limited") return no("ratelimited", 429, { "retry-after": "1" });
    if (fault === "refused") return no("is_archived");
    const response = run();
    if (fault === "done-500") return new Response("oops", { status: 500 });
    return fault === "done-cut" ? brokenAnswer() : response;
  }

  const methods: Record<string, (body: Record<string, string>) => Response> = {
    "auth.test": () => yes(BOT),
    "users.info": ({ user }) =>
      yes({ user: { id: user, name: "ada", real_name: "Ada L", profile: { display_name: "Ada" } } }),
    "chat.postMessage": (body) =>
      faulty(() => {
        const { channel = "", thread_ts, text = "", metadata, blocks } = body;
        if (text.length > 40_000) return no("msg_too_long");
        const made = keep(
          { channel, thread_ts, text, metadata: parse(metadata), blocks: parse(blocks) },
          undefined,
          buttonsOf(parse(blocks)),
        );
        return yes({ channel, ts: made.ts, message: made });
      }),
    "chat.update": ({ channel = "", ts = "", text = "", blocks }) => {
      const message = kept.find((one) => one.channel === channel && one.ts === ts);
      const shown = posted.find(({ externalId }) => externalId === `${channel}:${ts}`);
      if (!message || !shown) return no("message_not_found");
      const previous = { ...message };
      Object.assign(message, { text, blocks: parse(blocks), edited: { user: BOT.user_id, ts: nextTs() } });
      shown.buttons = buttonsOf(message.blocks);
      shown.text = text;
      const changed = { subtype: "message_changed", hidden: true, message, previous_message: previous };
      enqueue("events_api", { type: "event_callback", event: { type: "message", ...changed, channel, ts: nextTs() } });
      return yes({ channel, ts, text });
    },
    "conversations.history": ({ channel, oldest }) =>
      yes({
        messages: kept.filter((one) => one.channel === channel && !one.thread_ts && one.ts > (oldest ?? "")).reverse(),
      }),
    "conversations.replies": ({ channel, ts, oldest }) =>
      yes({
        messages: kept.filter((one) => one.channel === channel && one.thread_ts === ts && one.ts > (oldest ?? "")),
      }),
    "files.getUploadURLExternal": ({ filename = "" }) => {
      const id = `F${++count}`;
      uploads.set(id, { name: filename, bytes: new Uint8Array() });
      return yes({ upload_url: `${url}/upload/${id}`, file_id: id });
    },
    "files.completeUploadExternal": (body) =>
      faulty(() => {
        const { channel_id: channel = "", thread_ts } = body;
        for (const { id } of parse(body.files) as { id: string }[]) {
          const file = uploads.get(id);
          if (!file) return no("file_not_found");
          const about = { channel, thread_ts, text: "", files: [{ id, name: file.name }] };
          Object.assign(file, { channel, ts: keep(about, { name: file.name, bytes: file.bytes }).ts });
        }
        return yes({ files: [] });
      }),
    "files.info": ({ file = "" }) => {
      const found = uploads.get(file);
      if (!found) return no("file_not_found");
      const shares = found.ts ? { public: { [found.channel ?? ""]: [{ ts: found.ts }] } } : {};
      const about = { name: found.name, mimetype: found.type, size: found.bytes.length };
      return yes({ file: { id: file, ...about, url_private_download: `${url}/files/${file}`, shares } });
    },
  };

  const SEEN = new Set(["chat.postMessage", "files.completeUploadExternal"]);

  async function web(name: string, request: Request, process: FakeProcess | undefined): Promise<Response> {
    await process?.step(SEEN.has(name) ? `${name} asked` : "");
    const response = await answer(name, request);
    await process?.step(SEEN.has(name) ? `${name} done` : "");
    return response;
  }

  async function answer(name: string, request: Request): Promise<Response> {
    const token = request.headers.get("authorization")?.replace("Bearer ", "");
    if (state.revoked) return no("token_revoked");
    if (name === "apps.connections.open" && state.deaf) return no("internal_error");
    if (name === "apps.connections.open")
      return token === APP_TOKEN ? yes({ url: `ws://127.0.0.1:${server.port}/link` }) : no("invalid_auth");
    if (token !== BOT_TOKEN) return no("invalid_auth");
    return methods[name]?.(Object.fromEntries(new URLSearchParams(await request.text()))) ?? no("unknown_method");
  }

  async function file(request: Request, path: string): Promise<Response> {
    const id = path.split("/").at(-1) ?? "";
    const to = redirects.get(id);
    if (to) return new Response(null, { status: 302, headers: { location: to } });
    const found = uploads.get(id);
    if (!found) return new Response("no", { status: 404 });
    if (path.startsWith("/upload/")) {
      found.bytes = new Uint8Array(await request.arrayBuffer());
      return new Response("OK");
    }
    if (request.headers.get("authorization") !== `Bearer ${BOT_TOKEN}`)
      return new Response("<html>log in</html>", { headers: { "content-type": "text/html" } });
    return new Response(new Uint8Array(found.bytes).buffer, {
      headers: { "content-type": "application/octet-stream" },
    });
  }

  const server = Bun.serve({
    port: 0,
    hostname: "127.0.0.1",
    idleTimeout: 0,
    async fetch(request, own) {
      const { process, rest: pathname } = desk.who(new URL(request.url).pathname);
      if (pathname === "/link")
        return own.upgrade(request, { data: undefined }) ? undefined : new Response("no", { status: 400 });
      if (pathname.startsWith("/api/")) return web(pathname.slice("/api/".length), request, process);
      return file(request, pathname);
    },
    websocket: {
      open: connected,
      message(_, text) {
        const { envelope_id: id } = JSON.parse(String(text));
        unacked.delete(id);
      },
      close(socket) {
        sockets.delete(socket);
        readers.now = sockets.size;
      },
    },
  });
  const url = `http://127.0.0.1:${server.port}`;

  return {
    name: "slack",
    platform(timing, process) {
      const apiUrl = `${url}${process ? desk.enter(process) : ""}/api/`;
      return createSlack({ appToken: APP_TOKEN, botToken: BOT_TOKEN, apiUrl, timing });
    },
    environment: {
      SIGNALBOX_SLACK_APP_TOKEN: APP_TOKEN,
      SIGNALBOX_SLACK_BOT_TOKEN: BOT_TOKEN,
      SIGNALBOX_SLACK_API_URL: `${url}/api/`,
    },
    canTell: true,
    limit: 2900,
    posted,
    readers,
    say(saying) {
      const ts = nextTs();
      if (saying.text?.startsWith("/")) {
        const [command, ...words] = saying.text.split(" ");
        const id = `trigger-${++count}`;
        enqueue("slash_commands", {
          command,
          text: words.join(" "),
          user_id: "UADA",
          channel_id: saying.conversation,
          trigger_id: id,
        });
        return `command:${id}`;
      }
      enqueue("events_api", eventOf(saying, ts));
      return `${saying.conversation}:${ts}`;
    },
    press(externalId, value) {
      const [channel = "", ts] = externalId.split(":");
      const message = kept.find((one) => one.channel === channel && one.ts === ts);
      enqueue("interactive", {
        type: "block_actions",
        user: { id: "UADA" },
        channel: { id: channel },
        container: { type: "message", message_ts: ts, thread_ts: message?.thread_ts },
        message,
        actions: [
          {
            type: "button",
            ...pressedIn(message?.blocks, value),
            action_ts: nextTs(),
          },
        ],
      });
    },
    event(event) {
      enqueue("events_api", { type: "event_callback", team_id: "T1", event_id: `Ev${++count}`, event });
    },
    keepFile: fileOf,
    redirectFile: (id, to) => void redirects.set(id, to),
    repeat() {
      for (const envelope of unacked.values()) deliver({ ...envelope, retry_attempt: 1, retry_reason: "timeout" });
    },
    waiting: () => unacked.size,
    fail: (...how) => void faults.push(...how),
    deafen() {
      state.deaf = true;
      this.cut();
    },
    hear() {
      state.deaf = false;
    },
    cut() {
      for (const socket of sockets) socket.terminate();
    },
    revoke() {
      state.revoked = true;
      this.cut();
    },
    close: () => server.stop(true),
  };
}

function parse(json: string | undefined): unknown {
  return json === undefined ? undefined : JSON.parse(json);
}

interface Block {
  type: string;
  elements?: { text: { text: string }; value?: string; url?: string }[];
}

/** The pressed element, as Slack sends it back: with the ids of its block and its own. */
function pressedIn(blocks: unknown, value: string) {
  for (const block of (blocks ?? []) as (Block & { block_id?: string })[])
    for (const element of block.elements ?? [])
      if (element.value === value) return { ...element, block_id: block.block_id };
  return { action_id: "press.0.0", value, text: { type: "plain_text", text: "Yes" } };
}

const buttonsOf = (blocks: unknown): Posted["buttons"] =>
  ((blocks ?? []) as Block[])
    .filter(({ type }) => type === "actions")
    .map(({ elements = [] }) =>
      elements.map(({ text, value: id, url }) => ({ text: text.text, ...(id && { id }), ...(url && { url }) })),
    );

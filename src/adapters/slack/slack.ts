import { WebClient } from "@slack/web-api";
import type { Timing } from "../../client/timing.ts";
import type { Inbox, Platform } from "../contract.ts";
import { cutText } from "../cut.ts";
import { createEdits } from "../edits.ts";
import { asSlackFault } from "./faults.ts";
import { createSlackFiles } from "./files.ts";
import { incomingOf, type SlackReader } from "./incoming.ts";
import { createSlackPosts } from "./posts.ts";
import { showPressed } from "./pressed.ts";
import { SILENT } from "./silence.ts";
import { readSocket } from "./socket.ts";

export interface SlackOptions {
  /** `xapp-...`, with the scope connections:write. */
  appToken: string;
  /** `xoxb-...`. */
  botToken: string;
  /** Address of the Web API, if not Slack's own. */
  apiUrl?: string | undefined;
  timing: Timing;
}

const API_URL = "https://slack.com/api/";
/** Length of a part. A block takes 3,000 characters, and `&` counts as five. */
const TEXT_LIMIT = 2_900;
const CALL_MS = 30_000;
/** Time limit for reconnecting. */
const PATIENCE_MS = 45_000;
const NAMES_KEPT = 1_000;

/** Slack app in socket mode. A post carries its key as metadata, by which it can be found. */
export function createSlack(options: SlackOptions): Platform {
  const { appToken, botToken, timing, apiUrl = API_URL } = options;
  const web = new WebClient(botToken, {
    slackApiUrl: apiUrl,
    logger: SILENT,
    retryConfig: { retries: 0 },
    rejectRateLimitedCalls: true,
    timeout: CALL_MS,
  });
  const names = new Map<string, string>();
  const self = { userId: "", botId: undefined as string | undefined };
  const edits = createEdits();
  const posts = createSlackPosts(web, edits, timing.sleep);
  /** Start of the time without a connection; null while connected. */
  let silentSince: number | null = timing.now();

  const reader: SlackReader = {
    get userId() {
      return self.userId;
    },
    get botId() {
      return self.botId;
    },
    nameOf,
    fetchFile: createSlackFiles(web, botToken, apiUrl),
  };

  /** Name of a user; the id when Slack does not give it. */
  async function nameOf(userId: string): Promise<string> {
    const known = names.get(userId);
    if (known !== undefined) return known;
    const answer = await web.users.info({ user: userId }).catch(() => undefined);
    if (!answer?.user) return userId;
    const { profile, real_name, name } = answer.user;
    const found = profile?.display_name || real_name || name || userId;
    if (names.size >= NAMES_KEPT) names.clear();
    names.set(userId, found);
    return found;
  }

  return {
    provider: "slack",

    async identify(signal) {
      signal.throwIfAborted();
      const who = await web.auth.test().catch(asSlackFault);
      self.userId = who.user_id ?? "";
      self.botId = who.bot_id;
      const team = /^https?:\/\/([a-z0-9-]+)\./i.exec(who.url ?? "")?.[1] ?? who.team_id ?? "slack";
      const accountId = `${team}.${who.user ?? who.user_id}`.toLowerCase().replace(/[^a-z0-9._-]+/g, "-");
      return { accountId, name: [who.user, who.team].filter(Boolean).join(" in ") };
    },

    async read(inbox, signal) {
      const watched: Inbox = {
        ...inbox,
        listening() {
          silentSince = null;
          inbox.listening();
        },
      };
      const take = async ({ type, body }: { type: string; body: unknown }) => {
        // An unreadable event must not block those behind it.
        const read = await incomingOf(type, body, reader).catch((error) => {
          inbox.note(`An event of type ${type} cannot be read and is left out: ${String(error)}`);
          return [];
        });
        for (const incoming of read) await inbox.deliver(incoming);
        if (type === "interactive") void showPressed(web, edits, body);
      };
      const ended = () => {
        silentSince ??= timing.now();
      };
      await readSocket({ appToken, apiUrl, take, ended }, watched, signal);
    },

    cut: (text) => cutText(text, TEXT_LIMIT),
    post: posts.post,
    edit: posts.edit,
    find: posts.find,

    async probe(signal) {
      signal.throwIfAborted();
      await web.auth.test().catch(asSlackFault);
      const silentMs = silentSince === null ? 0 : timing.now() - silentSince;
      return silentMs > PATIENCE_MS ? `the socket has not stood for ${Math.round(silentMs / 1000)} s` : null;
    },
  };
}

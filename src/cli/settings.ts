import { readFileSync } from "node:fs";
import { homedir } from "node:os";
import { join } from "node:path";
import { z } from "zod";
import { EXIT, Stop } from "./exit.ts";
import { readKeys } from "./keys.ts";

/** The options that every command takes. */
export interface Flags {
  url?: string;
  token?: string;
  data?: string;
  as?: string;
  instance?: string;
  keys?: string;
  json?: boolean;
}

/** Where the relay is and who is asking, and how that came to be known. */
export interface Settings {
  url: string;
  token?: string;
  from: { url: string; token: string };
  dataDir: string;
  agentId?: string;
  instanceId?: string;
}

export const DEFAULT_URL = "http://127.0.0.1:4747";

/** The only place of this program that reads the environment. An empty variable counts as not there. */
const given = (name: string): string | undefined => process.env[name] || undefined;

/** Whether colours are welcome, as far as the environment says (no-color.org). */
export const coloursAllowed = (): boolean => !given("NO_COLOR") && given("TERM") !== "dumb";

/** Whether `run` has started this: then it brings the messages in, and hooks would show the same again. */
export const isStartedByRun = (): boolean => given("SIGNALBOX_RUN") !== undefined;

/** What a command run for a piece of work finds in its environment, beside what this program has itself. */
export const childEnvironment = (added: Record<string, string>): Record<string, string | undefined> => ({
  ...process.env,
  ...added,
});

/** The secrets of chat accounts, which no flag may hold: other users can see a command line. */
export const chatEnvironment = () => ({
  telegramToken: given("SIGNALBOX_TELEGRAM_TOKEN"),
  telegramApiUrl: given("SIGNALBOX_TELEGRAM_API_URL"),
  slackAppToken: given("SIGNALBOX_SLACK_APP_TOKEN"),
  slackBotToken: given("SIGNALBOX_SLACK_BOT_TOKEN"),
  slackApiUrl: given("SIGNALBOX_SLACK_API_URL"),
});

/** Hands flags to the server program, which reads its environment. */
export function setServerEnvironment({ host, port, data, token }: Flags & { host?: string; port?: number }): void {
  const wanted = { SIGNALBOX_HOST: host, SIGNALBOX_PORT: port, SIGNALBOX_DATA_DIR: data, SIGNALBOX_TOKEN: token };
  for (const [name, value] of Object.entries(wanted)) if (value !== undefined) process.env[name] = String(value);
}

/** The folders of the person at this machine, and those of the harnesses when they were moved. */
export function personalFolders() {
  const home = given("HOME") ?? homedir();
  return {
    claude: given("CLAUDE_CONFIG_DIR") ?? join(home, ".claude"),
    /** Claude Code keeps the servers of a user beside its folder, unless that was moved. */
    claudeState: join(given("CLAUDE_CONFIG_DIR") ?? home, ".claude.json"),
    codex: given("CODEX_HOME") ?? join(home, ".codex"),
    signalbox: join(given("XDG_CONFIG_HOME") ?? join(home, ".config"), "signalbox"),
  };
}

/** Flags, else a file of keys, else the environment, else what the server on this machine left in its data folder, else the usual address. */
export function resolveSettings(flags: Flags): Settings {
  const dataDir = flags.data ?? given("SIGNALBOX_DATA_DIR") ?? "./data";
  const server = runningServer(dataDir);
  const keys = flags.keys === undefined ? undefined : readKeys(flags.keys);
  const [url, urlFrom] =
    first(
      [flags.url, "--url"],
      [keys?.url, flags.keys ?? ""],
      [given("SIGNALBOX_URL"), "SIGNALBOX_URL"],
      [server?.url, join(dataDir, "server.json")],
    ) ?? ([DEFAULT_URL, "the usual address"] as const);
  if (!isWebAddress(url)) throw new Stop(EXIT.usage, `${urlFrom} says ${url}, which is not an http address`);
  const [token, tokenFrom] =
    first([flags.token, "--token"], [keys?.token, flags.keys ?? ""], [given("SIGNALBOX_TOKEN"), "SIGNALBOX_TOKEN"]) ??
    operatorToken(url, server?.url ?? DEFAULT_URL, dataDir);
  const from = { url: urlFrom, token: tokenFrom };
  const agentId = flags.as ?? keys?.agentId ?? given("SIGNALBOX_AGENT");
  return { url, token, from, dataDir, agentId, instanceId: flags.instance ?? given("SIGNALBOX_INSTANCE") };
}

function first(...places: [value: string | undefined, from: string][]): readonly [string, string] | undefined {
  for (const [value, from] of places) if (value !== undefined) return [value, from];
  return undefined;
}

/** The operator's token goes to the server that made it, and to nobody else at another address. */
function operatorToken(url: string, serverUrl: string, dataDir: string): readonly [string | undefined, string] {
  const file = join(dataDir, "operator.token");
  if (!sameServer(url, serverUrl)) return [undefined, `none given, and ${file} is not for ${url}`];
  const kept = readText(file);
  return kept ? [kept.trim(), file] : [undefined, `none given, and ${file} cannot be read`];
}

const LOOPBACK = /^(localhost|127(\.\d+){3}|\[::1\])$/;

function sameServer(one: string, other: string): boolean {
  const [a, b] = [new URL(one), new URL(other)];
  return a.port === b.port && (a.hostname === b.hostname || (LOOPBACK.test(a.hostname) && LOOPBACK.test(b.hostname)));
}

const ServerFile = z.object({ url: z.string().refine(isWebAddress), pid: z.int().positive() });

/** Where the server of this data folder listens, if it runs. What a killed one left behind does not count. */
export function runningServer(dataDir: string): { url: string; pid: number } | undefined {
  const file = ServerFile.safeParse(parseJson(readText(join(dataDir, "server.json"))));
  if (!file.success || !isAlive(file.data.pid)) return undefined;
  const url = new URL(file.data.url);
  if (url.hostname === "0.0.0.0" || url.hostname === "[::]") url.hostname = "127.0.0.1";
  return { url: url.origin, pid: file.data.pid };
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === "EPERM";
  }
}

function isWebAddress(url: string): boolean {
  return URL.canParse(url) && /^https?:$/.test(new URL(url).protocol);
}

/** A file's text; undefined when it is not there or not ours to read. */
function readText(file: string): string | undefined {
  try {
    return readFileSync(file, "utf8");
  } catch {
    return undefined;
  }
}

function parseJson(text: string | undefined): unknown {
  try {
    return JSON.parse(text ?? "");
  } catch {
    return undefined;
  }
}

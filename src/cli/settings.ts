import { readKeys } from "../harness/keys.ts";
import { type Choice, chooseRelay, environmentAddress } from "./choice.ts";
import { sameServer } from "./data-folder.ts";

/** Options of every command. */
export interface Flags {
  url?: string;
  token?: string;
  data?: string;
  as?: string;
  instance?: string;
  keys?: string;
  json?: boolean;
}

/** The relay, the caller's token, and the agent that the caller acts for. */
export interface Settings extends Choice {
  agentId?: string;
  instanceId?: string;
  /** Token of the run that this process works for. */
  run?: string;
}

/** Reads the environment; an empty variable counts as unset. Commands read it through this file alone. */
const given = (name: string): string | undefined => process.env[name] || undefined;

/** Whether the environment allows colours (no-color.org). */
export const coloursAllowed = (): boolean => !given("NO_COLOR") && given("TERM") !== "dumb";

/** Whether `run` or a daemon started this process. They bring the messages in, so hooks would repeat them. */
export const isFedByUs = (): boolean =>
  given("SIGNALBOX_RUN") !== undefined || given("SIGNALBOX_SESSION") !== undefined;

/** Keeps calls to loopback away from proxies, which would see the tokens of relays on this machine. */
export function bypassProxies(): void {
  for (const name of ["NO_PROXY", "no_proxy"])
    process.env[name] = [given(name), "localhost,127.0.0.1,::1,[::1]"].filter(Boolean).join(",");
}

/**
 * Variables that lead a child process to the relay at `url`. The token in our environment is for the address that the environment
 * names, so a child of another relay does not get it.
 */
export function childEnvironment(url: string): Record<string, string | undefined> {
  const own = environmentAddress({ url: given("SIGNALBOX_URL"), port: given("SIGNALBOX_PORT") });
  return { SIGNALBOX_URL: url, ...(!sameServer(url, own.url) && { SIGNALBOX_TOKEN: undefined }) };
}

/** Environment of a scratch relay, without settings of a real one such as its chat accounts. */
export const scratchEnvironment = (): Record<string, string | undefined> =>
  Object.fromEntries(Object.entries(process.env).filter(([name]) => !name.startsWith("SIGNALBOX_")));

/** Secrets of chat accounts. No flag takes them, because other users can see a command line. */
export const chatEnvironment = () => ({
  telegramToken: given("SIGNALBOX_TELEGRAM_TOKEN"),
  telegramApiUrl: given("SIGNALBOX_TELEGRAM_API_URL"),
  slackAppToken: given("SIGNALBOX_SLACK_APP_TOKEN"),
  slackBotToken: given("SIGNALBOX_SLACK_BOT_TOKEN"),
  slackApiUrl: given("SIGNALBOX_SLACK_API_URL"),
});

/** Password of encrypted messages. No flag takes it, either. */
export const givenPassword = (): string | undefined => given("SIGNALBOX_PASSWORD");

/** Data folder for commands that work on it directly. */
export const dataFolderOf = ({ data }: Flags): string => data ?? given("SIGNALBOX_DATA_DIR") ?? "./data";

/** Flags, else a file of keys, else the environment, else the server that a data folder names; see choice.ts. */
export function resolveSettings(flags: Flags): Settings {
  const keys = flags.keys === undefined ? undefined : readKeys(flags.keys);
  const environment = {
    url: given("SIGNALBOX_URL"),
    token: given("SIGNALBOX_TOKEN"),
    port: given("SIGNALBOX_PORT"),
    dataDir: given("SIGNALBOX_DATA_DIR"),
  };
  const agentId = flags.as ?? keys?.agentId ?? given("SIGNALBOX_AGENT");
  const instanceId = flags.instance ?? given("SIGNALBOX_INSTANCE");
  return { ...chooseRelay({ flags, keys, environment }), agentId, instanceId, run: given("SIGNALBOX_RUN_TOKEN") };
}

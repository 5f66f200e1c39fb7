import { distance } from "fastest-levenshtein";
import type { z } from "zod";
import type { ChatSettings } from "./adapters/chats.ts";
import { chatsOf } from "./chat-settings.ts";
import type { TelemetryOptions } from "./ops/telemetry/options.ts";
import { speakPlainly } from "./protocol/wording.ts";
import { SETTINGS, type SettingName } from "./settings.ts";

export interface Config {
  host: string;
  port: number;
  dataDir: string;
  token: string | undefined;
  publicUrl: string | undefined;
  durability: "full" | "normal";
  logLevel: string;
  retentionDays: number;
  agentTtlSeconds: number;
  rateLimit: number;
  loopLimit: number;
  loopWindowSeconds: number;
  threadRate: number;
  delegationsPerAgent: number;
  delegationsPerRoot: number;
  /** Deepest run that may be spawned. */
  spawnDepth: number;
  runsPerParent: number;
  /** Hours after its end for which every event of a run is kept. */
  runEventHours: number;
  /** Collector of OpenTelemetry. */
  telemetry?: TelemetryOptions;
  /** Contact of this relay for push services. */
  pushSubject?: string | undefined;
  /** Addresses beyond public ones that requests may go to. */
  egressPrivate: readonly string[];
  fileMaxBytes: number;
  fileTypes: readonly string[];
  fileUnusedHours: number;
  messagesPerDay: number;
  filesPerDay: number;
  diskReserveBytes: number;
  /** The chat accounts whose channels the server runs itself. */
  chats?: readonly ChatSettings[];
  /** Names under which, and origins from which, `/mcp` may be reached. */
  allowedHosts: readonly string[];
}

/** Names that clients read, and those that they set for the commands they run. */
const CLIENT_NAMES = new Set(
  ["URL", "AGENT", "INSTANCE", "SESSION", "RUN", "UNREAD"]
    .concat([
      "MESSAGE_ID",
      "THREAD_ID",
      "FROM",
      "ATTEMPT",
      "LEASE_TOKEN",
      "PASSWORD",
      "RUN_ID",
      "RUN_TOKEN",
      "CLIENTS",
      "TEST_CLAUDE",
      "TEST_CODEX",
    ])
    .map((name) => `SIGNALBOX_${name}`),
);

/** The configuration cannot be used; the message lists every fault. */
export class ConfigFault extends Error {
  override readonly name = "ConfigFault";

  constructor(faults: readonly string[]) {
    super(`The configuration is not acceptable:\n  ${faults.join("\n  ")}`);
  }
}

/** Sources of values besides the environment. */
export interface Sources {
  /** Values of a file: the environment comes before them. */
  file?: Record<string, string>;
  /** Values of flags: they come before the environment. */
  flags?: Partial<Record<SettingName, string>>;
  /** The flag that each value was given with. */
  from?: Partial<Record<SettingName, string>>;
  /** Faults that were found on the way. */
  faults?: readonly string[];
}

/** Whether a setting was given anywhere, so that its default is not used. */
export const isGiven = (name: SettingName, env: Record<string, string | undefined>, sources: Sources): boolean =>
  valueGiven(name, env, sources) !== undefined;

const valueGiven = (name: SettingName, env: Record<string, string | undefined>, { file, flags }: Sources) =>
  flags?.[name] || env[name] || file?.[name] || undefined;

/** @throws ConfigFault that lists every unknown name and bad value */
export function readConfig(env: Record<string, string | undefined>, sources: Sources = {}): Config {
  speakPlainly();
  const { file = {}, from = {} } = sources;
  const faults = [...(sources.faults ?? [])];
  const unknown = (name: string) => !(name in SETTINGS) && !CLIENT_NAMES.has(name);
  for (const name of Object.keys(env))
    if (name.startsWith("SIGNALBOX_") && unknown(name)) faults.push(`${name} is not a setting${nearest(name)}`);
  for (const name of Object.keys(file))
    if (unknown(name)) faults.push(`${name} in the file is not a setting${nearest(name)}`);
  const value = <K extends SettingName>(name: K): z.output<(typeof SETTINGS)[K]["schema"]> => {
    const parsed = SETTINGS[name].schema.safeParse(valueGiven(name, env, sources));
    if (!parsed.success)
      faults.push(`${from[name] ?? name}: ${parsed.error.issues[0]?.message ?? "is not acceptable"}`);
    return parsed.data as z.output<(typeof SETTINGS)[K]["schema"]>;
  };
  const config: Config = {
    host: value("SIGNALBOX_HOST"),
    port: value("SIGNALBOX_PORT"),
    dataDir: value("SIGNALBOX_DATA_DIR"),
    token: value("SIGNALBOX_TOKEN"),
    publicUrl: value("SIGNALBOX_PUBLIC_URL"),
    durability: value("SIGNALBOX_DURABILITY"),
    logLevel: value("SIGNALBOX_LOG_LEVEL"),
    retentionDays: value("SIGNALBOX_RETENTION_DAYS"),
    agentTtlSeconds: value("SIGNALBOX_AGENT_TTL_SECONDS"),
    rateLimit: value("SIGNALBOX_RATE_LIMIT"),
    loopLimit: value("SIGNALBOX_LOOP_LIMIT"),
    loopWindowSeconds: value("SIGNALBOX_LOOP_WINDOW_SECONDS"),
    threadRate: value("SIGNALBOX_THREAD_RATE"),
    delegationsPerAgent: value("SIGNALBOX_DELEGATIONS_PER_AGENT"),
    delegationsPerRoot: value("SIGNALBOX_DELEGATIONS_PER_ROOT"),
    spawnDepth: value("SIGNALBOX_SPAWN_DEPTH"),
    runsPerParent: value("SIGNALBOX_RUNS_PER_PARENT"),
    runEventHours: value("SIGNALBOX_RUN_EVENT_HOURS"),
    egressPrivate: value("SIGNALBOX_EGRESS_PRIVATE"),
    fileMaxBytes: value("SIGNALBOX_FILE_MAX_BYTES"),
    fileTypes: value("SIGNALBOX_FILE_TYPES"),
    fileUnusedHours: value("SIGNALBOX_FILE_UNUSED_HOURS"),
    messagesPerDay: value("SIGNALBOX_MESSAGES_PER_DAY"),
    filesPerDay: value("SIGNALBOX_FILES_PER_DAY"),
    diskReserveBytes: value("SIGNALBOX_DISK_RESERVE_BYTES"),
    pushSubject: value("SIGNALBOX_PUSH_SUBJECT"),
    telemetry: {
      endpoint: value("SIGNALBOX_OTLP_ENDPOINT"),
      headers: value("SIGNALBOX_OTLP_HEADERS") ?? {},
      hasContent: value("SIGNALBOX_OTLP_CONTENT") === "full",
    },
    chats: [],
    allowedHosts: value("SIGNALBOX_ALLOWED_HOSTS"),
  };
  const telegram = { token: value("SIGNALBOX_TELEGRAM_TOKEN"), apiUrl: value("SIGNALBOX_TELEGRAM_API_URL") };
  const [appToken, botToken] = [value("SIGNALBOX_SLACK_APP_TOKEN"), value("SIGNALBOX_SLACK_BOT_TOKEN")];
  const slackApiUrl = value("SIGNALBOX_SLACK_API_URL");
  if ((appToken === undefined) !== (botToken === undefined))
    faults.push("SIGNALBOX_SLACK_APP_TOKEN and SIGNALBOX_SLACK_BOT_TOKEN belong together");
  config.chats = chatsOf(telegram, { appToken, botToken, apiUrl: slackApiUrl });
  if (faults.length) throw new ConfigFault(faults);
  return config;
}

function nearest(name: string): string {
  const [best] = Object.keys(SETTINGS)
    .map((known) => [distance(name, known), known] as const)
    .sort((a, b) => a[0] - b[0]);
  return best && best[0] <= 3 ? `: ${best[1]}?` : "";
}

/** The process's own environment: the one place that reads it. */
export const environment = (): Record<string, string | undefined> => process.env;

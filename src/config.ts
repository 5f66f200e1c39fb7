import { distance } from "fastest-levenshtein";
import { z } from "zod";
import type { ChatSettings } from "./adapters/chats.ts";
import { chatsOf } from "./chat-settings.ts";
import { parseAllowed } from "./kernel/egress/addresses.ts";
import type { TelemetryOptions } from "./ops/telemetry/options.ts";
import { speakPlainly } from "./protocol/wording.ts";
import { HeaderList, WebUrl, whole } from "./setting-shapes.ts";

/** Every setting: its environment variable, its check, its default and what it is for. The README's table is made of this. */
export const SETTINGS = {
  SIGNALBOX_HOST: {
    schema: z.string().min(1).default("127.0.0.1"),
    about: "Address to listen on. Anything but loopback needs TLS in front of it.",
  },
  SIGNALBOX_PORT: {
    schema: whole(0, 65_535, 4747),
    about: "Port to listen on; 0 takes a free one.",
  },
  SIGNALBOX_DATA_DIR: {
    schema: z.string().min(1).default("./data"),
    about: "Folder of `signalbox.db` and `operator.token`.",
  },
  SIGNALBOX_TOKEN: {
    schema: z.string().min(20, "has to be at least 20 characters").optional(),
    about: "The operator token. Made and kept in the data folder when not given.",
  },
  SIGNALBOX_PUBLIC_URL: {
    schema: WebUrl.optional(),
    about: "How the relay is reached from outside, for A2A cards and the OpenAPI document.",
  },
  SIGNALBOX_DURABILITY: {
    schema: z.enum(["full", "normal"]).default("full"),
    about: "`full`: an accepted write survives power loss. `normal`: it survives the death of the process.",
  },
  SIGNALBOX_LOG_LEVEL: {
    schema: z.enum(["trace", "debug", "info", "warn", "error", "fatal", "silent"]).default("info"),
    about: "Least level that is logged.",
  },
  SIGNALBOX_RETENTION_DAYS: {
    schema: whole(1, 36_500, 30),
    about: "Messages older than this are deleted; open, held and dead work stays.",
  },
  SIGNALBOX_AGENT_TTL_SECONDS: {
    schema: whole(5, 86_400, 90),
    about: "An agent that was not heard of for this long is offline.",
  },
  SIGNALBOX_RATE_LIMIT: {
    schema: whole(0, 10_000_000, 6000),
    about: "Requests a minute and token; 0 turns it off.",
  },
  SIGNALBOX_DELEGATIONS_PER_AGENT: {
    schema: whole(1, 10_000, 200),
    about: "Delegations that one agent may have open; more are refused.",
  },
  SIGNALBOX_DELEGATIONS_PER_ROOT: {
    schema: whole(1, 1000, 100),
    about: "Delegations that may be open in one tree: the first one and all that came of it.",
  },
  SIGNALBOX_SPAWN_DEPTH: {
    schema: whole(0, 5, 2),
    about: "Depth down to which runs may spawn runs: delegations and spawned runs above one count.",
  },
  SIGNALBOX_RUNS_PER_PARENT: {
    schema: whole(1, 100, 5),
    about: "Live runs that one run may have spawned; more are refused.",
  },
  SIGNALBOX_RUN_EVENT_HOURS: {
    schema: whole(1, 876_000, 24),
    about: "Every event of a run is kept for so long after its end; then neighbouring pieces of text are joined.",
  },
  SIGNALBOX_EGRESS_PRIVATE: {
    schema: z
      .string()
      .default("")
      .transform((list) => list.split(/[\s,]+/).filter(Boolean))
      .superRefine((list, ctx) => {
        try {
          parseAllowed(list);
        } catch (error) {
          ctx.addIssue({ code: "custom", message: (error as Error).message });
        }
      }),
    about:
      "Hosts, addresses and ranges (`10.0.0.0/8`) beyond the public ones that webhooks and the like may be sent to, with " +
      "commas between; `*` for all.",
  },
  SIGNALBOX_FILE_MAX_BYTES: {
    schema: whole(1, 64 * 1024 * 1024, 25 * 1024 * 1024),
    about: "Largest attachment.",
  },
  SIGNALBOX_FILE_TYPES: {
    schema: z
      .string()
      .default("*")
      .transform((list) =>
        list
          .toLowerCase()
          .split(/[\s,]+/)
          .filter(Boolean),
      )
      .refine(
        (list) => list.every((type) => /^(\*|\*\/\*|[\w.+-]+\/(\*|[\w.+-]+))$/.test(type)),
        "has to be types like image/*,application/pdf, or *",
      ),
    about: "Types of attachments that are taken, with commas between: `image/*,application/pdf`; `*` for all.",
  },
  SIGNALBOX_FILE_UNUSED_HOURS: {
    schema: whole(1, 876_000, 24),
    about: "An attachment that no message carries is deleted after so long.",
  },
  SIGNALBOX_MESSAGES_PER_DAY: {
    schema: z.coerce.number().int().min(0).max(1_000_000_000).default(1_000_000),
    about: "Messages that one agent may send in a day (UTC); 0 for any number. Channels and people are not counted.",
  },
  SIGNALBOX_FILES_PER_DAY: {
    schema: z.coerce.number().int().min(0).max(1_000_000_000).default(10_000),
    about: "Attachments that one agent may upload in a day (UTC); 0 for any number.",
  },
  SIGNALBOX_DISK_RESERVE_BYTES: {
    schema: whole(0, Number.MAX_SAFE_INTEGER, 256 * 1024 * 1024),
    about:
      "With less than this free on the disk, attachments and messages of more than 16 KiB are refused; 0 never refuses them.",
  },
  SIGNALBOX_TELEGRAM_TOKEN: {
    schema: z
      .string()
      .regex(/^\d+:[\w-]+$/, "has to be a bot's token from @BotFather, like 123456:ABC-DEF")
      .optional(),
    about: "A Telegram bot's token: the server runs that bot's channel itself.",
  },
  SIGNALBOX_TELEGRAM_API_URL: {
    schema: WebUrl.optional(),
    about: "Another Bot API server than Telegram's own.",
  },
  SIGNALBOX_SLACK_APP_TOKEN: {
    schema: z.string().startsWith("xapp-", "has to begin with xapp-").optional(),
    about: "A Slack app's token for socket mode, with `connections:write`; the server runs that app's channel itself.",
  },
  SIGNALBOX_SLACK_BOT_TOKEN: {
    schema: z.string().startsWith("xoxb-", "has to begin with xoxb-").optional(),
    about: "The same app's bot token.",
  },
  SIGNALBOX_SLACK_API_URL: {
    schema: WebUrl.optional(),
    about: "Where Slack's Web API is, when not at Slack.",
  },
  SIGNALBOX_ALLOWED_HOSTS: {
    schema: z
      .string()
      .default("")
      .transform((list) => list.split(/[\s,]+/).filter(Boolean)),
    about:
      "Host names, or whole origins (`https://app.example`), beyond loopback and the public URL by which clients and pages " +
      "may reach `/mcp` and open WebSockets, with commas between; `*` for all.",
  },
  SIGNALBOX_LOOP_LIMIT: {
    schema: whole(0, 1_000_000, 100),
    about:
      "Turns by agents in a row, with no person in between; then the chain is paused (docs/loops.md). 0 turns it off.",
  },
  SIGNALBOX_LOOP_WINDOW_SECONDS: {
    schema: whole(1, 86_400, 1800),
    about:
      "Time for which mail counts as the cause of its reader's messages, unless they name one; a chain idle for longer begins anew.",
  },
  SIGNALBOX_OTLP_ENDPOINT: {
    schema: WebUrl.optional(),
    about: "Collector of OpenTelemetry (`http://collector:4318`) that gets spans of runs by OTLP/HTTP; may be private.",
  },
  SIGNALBOX_OTLP_HEADERS: {
    schema: HeaderList,
    about: "Headers for the collector, as `name=value` with commas between.",
  },
  SIGNALBOX_OTLP_CONTENT: {
    schema: z.enum(["none", "full"]).default("none"),
    about: "`full`: spans also carry tasks, results, arguments and outputs of tools.",
  },
  SIGNALBOX_THREAD_RATE: {
    schema: whole(0, 1_000_000, 120),
    about: "Replies within a minute that one agent may make in one thread; 0 turns it off.",
  },
} as const satisfies Record<string, { schema: z.ZodType; about: string }>;

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

export type SettingName = keyof typeof SETTINGS;

/** Settings that no flag takes and no log shows. */
export const SECRETS: ReadonlySet<SettingName> = new Set([
  "SIGNALBOX_TOKEN",
  "SIGNALBOX_TELEGRAM_TOKEN",
  "SIGNALBOX_SLACK_APP_TOKEN",
  "SIGNALBOX_SLACK_BOT_TOKEN",
  "SIGNALBOX_OTLP_HEADERS",
]);

/** Names that clients read, and those that they set for the commands they run. */
const CLIENT_NAMES = new Set(
  ["URL", "AGENT", "INSTANCE", "SESSION", "RUN", "UNREAD"]
    .concat([
      "MESSAGE_ID",
      "THREAD_ID",
      "FROM",
      "ATTEMPT",
      "LEASE_TOKEN",
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

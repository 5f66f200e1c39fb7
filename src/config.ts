import { z } from "zod";
import type { ChatSettings } from "./adapters/chats.ts";
import { parseAllowed } from "./egress/addresses.ts";

/** Every setting: its environment variable, its check, its default and what it is for. The README's table is made of this. */
export const SETTINGS = {
  SIGNALBOX_HOST: {
    schema: z.string().min(1).default("127.0.0.1"),
    about: "Address to listen on. Anything but loopback needs TLS in front of it.",
  },
  SIGNALBOX_PORT: {
    schema: z.coerce.number().int().min(0).max(65_535).default(4747),
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
    schema: z.url({ protocol: /^https?$/ }).optional(),
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
    schema: z.coerce.number().int().min(1).max(36_500).default(30),
    about: "Messages older than this are deleted; open, held and dead work stays.",
  },
  SIGNALBOX_AGENT_TTL_SECONDS: {
    schema: z.coerce.number().int().min(5).max(86_400).default(90),
    about: "An agent that was not heard of for this long is offline.",
  },
  SIGNALBOX_RATE_LIMIT: {
    schema: z.coerce.number().int().min(0).max(10_000_000).default(6000),
    about: "Requests a minute and token; 0 turns it off.",
  },
  SIGNALBOX_DELEGATIONS_PER_AGENT: {
    schema: z.coerce.number().int().min(1).max(10_000).default(200),
    about: "Delegations that one agent may have open; more are refused.",
  },
  SIGNALBOX_DELEGATIONS_PER_ROOT: {
    schema: z.coerce.number().int().min(1).max(1000).default(100),
    about: "Delegations that may be open in one tree: the first one and all that came of it.",
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
    schema: z.coerce
      .number()
      .int()
      .min(1)
      .max(64 * 1024 * 1024)
      .default(25 * 1024 * 1024),
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
        "names what is no type",
      ),
    about: "Types of attachments that are taken, with commas between: `image/*,application/pdf`; `*` for all.",
  },
  SIGNALBOX_FILE_UNUSED_HOURS: {
    schema: z.coerce.number().int().min(1).max(876_000).default(24),
    about: "An attachment that no message carries is deleted after so long.",
  },
  SIGNALBOX_TELEGRAM_TOKEN: {
    schema: z
      .string()
      .regex(/^\d+:[\w-]+$/, "is not a bot's token")
      .optional(),
    about: "A Telegram bot's token: the server runs that bot's channel itself.",
  },
  SIGNALBOX_TELEGRAM_API_URL: {
    schema: z.url({ protocol: /^https?$/ }).optional(),
    about: "Another Bot API server than Telegram's own.",
  },
  SIGNALBOX_SLACK_APP_TOKEN: {
    schema: z.string().startsWith("xapp-").optional(),
    about: "A Slack app's token for socket mode, with `connections:write`; the server runs that app's channel itself.",
  },
  SIGNALBOX_SLACK_BOT_TOKEN: {
    schema: z.string().startsWith("xoxb-").optional(),
    about: "The same app's bot token.",
  },
  SIGNALBOX_SLACK_API_URL: {
    schema: z.url({ protocol: /^https?$/ }).optional(),
    about: "Where Slack's Web API is, when not at Slack.",
  },
  SIGNALBOX_ALLOWED_HOSTS: {
    schema: z
      .string()
      .default("")
      .transform((list) => list.split(/[\s,]+/).filter(Boolean)),
    about:
      "Host names, or whole origins (`https://app.example`), beyond loopback and the public URL by which clients and pages " +
      "may reach `/mcp`, with commas between; `*` for all.",
  },
  SIGNALBOX_LOOP_LIMIT: {
    schema: z.coerce.number().int().min(0).max(1_000_000).default(100),
    about:
      "Turns by agents in a row, with no person in between; then the chain is paused (docs/loops.md). 0 turns it off.",
  },
  SIGNALBOX_LOOP_WINDOW_SECONDS: {
    schema: z.coerce.number().int().min(1).max(86_400).default(1800),
    about:
      "Mail of an agent counts as what it answers for this long, unless it names that; a chain that rests longer begins anew.",
  },
  SIGNALBOX_THREAD_RATE: {
    schema: z.coerce.number().int().min(0).max(1_000_000).default(120),
    about: "Replies of one thread within a minute that agents may make; 0 turns it off.",
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
  /** What may be sent to beyond public addresses. */
  egressPrivate: readonly string[];
  fileMaxBytes: number;
  fileTypes: readonly string[];
  fileUnusedHours: number;
  /** The chat accounts whose channels the server runs itself. */
  chats?: readonly ChatSettings[];
  /** Names under which, and origins from which, `/mcp` may be reached. */
  allowedHosts: readonly string[];
}

/** Names that belong to the client and the CLI, which read them themselves. */
const CLIENT_NAMES = new Set(["SIGNALBOX_URL", "SIGNALBOX_AGENT", "SIGNALBOX_INSTANCE"]);

/** @throws Error that lists every unknown name and bad value */
export function readConfig(env: Record<string, string | undefined>): Config {
  const faults: string[] = [];
  for (const name of Object.keys(env)) {
    if (name.startsWith("SIGNALBOX_") && !(name in SETTINGS) && !CLIENT_NAMES.has(name))
      faults.push(`${name} is not a setting`);
  }
  const value = <K extends keyof typeof SETTINGS>(name: K): z.output<(typeof SETTINGS)[K]["schema"]> => {
    const given = env[name] === "" ? undefined : env[name];
    const parsed = SETTINGS[name].schema.safeParse(given);
    if (!parsed.success) faults.push(`${name}: ${parsed.error.issues[0]?.message ?? "is not acceptable"}`);
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
    egressPrivate: value("SIGNALBOX_EGRESS_PRIVATE"),
    fileMaxBytes: value("SIGNALBOX_FILE_MAX_BYTES"),
    fileTypes: value("SIGNALBOX_FILE_TYPES"),
    fileUnusedHours: value("SIGNALBOX_FILE_UNUSED_HOURS"),
    chats: [],
    allowedHosts: value("SIGNALBOX_ALLOWED_HOSTS"),
  };
  const telegram = { token: value("SIGNALBOX_TELEGRAM_TOKEN"), apiUrl: value("SIGNALBOX_TELEGRAM_API_URL") };
  const [appToken, botToken] = [value("SIGNALBOX_SLACK_APP_TOKEN"), value("SIGNALBOX_SLACK_BOT_TOKEN")];
  const slackApiUrl = value("SIGNALBOX_SLACK_API_URL");
  if ((appToken === undefined) !== (botToken === undefined))
    faults.push("SIGNALBOX_SLACK_APP_TOKEN and SIGNALBOX_SLACK_BOT_TOKEN belong together");
  config.chats = chatsOf(telegram, { appToken, botToken, apiUrl: slackApiUrl });
  if (faults.length) throw new Error(`The configuration is not acceptable:\n  ${faults.join("\n  ")}`);
  return config;
}

function chatsOf(
  telegram: { token: string | undefined; apiUrl: string | undefined },
  slack: { appToken: string | undefined; botToken: string | undefined; apiUrl: string | undefined },
): ChatSettings[] {
  const chats: ChatSettings[] = [];
  if (telegram.token !== undefined)
    chats.push({ provider: "telegram", token: telegram.token, apiUrl: telegram.apiUrl });
  const { appToken, botToken, apiUrl } = slack;
  if (appToken !== undefined && botToken !== undefined) chats.push({ provider: "slack", appToken, botToken, apiUrl });
  return chats;
}

/** The process's own environment: the one place that reads it. */
export const environment = (): Record<string, string | undefined> => process.env;

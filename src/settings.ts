import { z } from "zod";
import { parseAllowed } from "./kernel/egress/addresses.ts";
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
  SIGNALBOX_PUSH_SUBJECT: {
    schema: z
      .string()
      .regex(/^(mailto:[^\s@]+@[^\s@]+|https:\/\/\S+)$/, "has to be like mailto:ada@example.org, or an https URL")
      .optional(),
    about: "Where push services write to when this relay's pushes trouble them; the public URL when not given.",
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

export type SettingName = keyof typeof SETTINGS;

/** Settings that no flag takes and no log shows. */
export const SECRETS: ReadonlySet<SettingName> = new Set([
  "SIGNALBOX_TOKEN",
  "SIGNALBOX_TELEGRAM_TOKEN",
  "SIGNALBOX_SLACK_APP_TOKEN",
  "SIGNALBOX_SLACK_BOT_TOKEN",
  "SIGNALBOX_OTLP_HEADERS",
]);

import { z } from "zod";
import { COMMAND_ABILITIES } from "../harness/providers/command/provider.ts";
import { OrchestratorId } from "../protocol/orchestrators.ts";
import { StuckStep } from "../protocol/profiles.ts";

/** Kinds of agent CLIs that a daemon can run. */
export const PROVIDER_KINDS = ["claude", "codex", "acp", "command"] as const;

const Name = z
  .string()
  .max(64)
  .regex(/^[a-z0-9][a-z0-9._-]*$/, "has to be lower-case letters, digits, and . _ - after the first");
const Seconds = (usual: number, max = 604_800) => z.int().min(1).max(max).default(usual);

export const ProviderConfig = z.strictObject({
  name: Name.describe("Its agent is `<prefix><name>`."),
  kind: z.enum(PROVIDER_KINDS),
  command: z.string().min(1).optional().describe("Path of the CLI. Left out: found by its usual name in `PATH`."),
  args: z
    .array(z.string())
    .default([])
    .describe("Words after the command; left out for a known ACP agent: its own. No secrets: every user sees them."),
  model: z.string().min(1).optional().describe("Model of its sessions."),
  peekModel: z.string().min(1).optional().describe("Cheaper model for looks at a running session."),
  env: z
    .array(z.string())
    .default([])
    .describe("Names of variables of the daemon's environment that its CLI gets too."),
  structured: z.boolean().default(true).describe("Ask for answers by a schema, where the CLI can."),
  can: z
    .array(z.enum(COMMAND_ABILITIES))
    .default([])
    .describe("Of kind `command`: abilities of the program beyond turns and answers."),
  worktree: z
    .boolean()
    .default(false)
    .describe("Each new session works in a git worktree of its own, where its folder is under git."),
  unattended: z.boolean().default(false).describe("Nobody answers permissions: its CLI refuses them at once."),
});
export type ProviderConfig = z.output<typeof ProviderConfig>;

/** Configuration of a daemon. Folders may begin with `~/`. */
export const DaemonConfig = z.strictObject({
  id: OrchestratorId.describe("The orchestrator. Its agent is `orchestrator-<id>`."),
  relay: z.url({ protocol: /^https?$/ }).describe("Address of the relay."),
  tokenFile: z
    .string()
    .min(1)
    .optional()
    .describe("File with the orchestrator's token, readable by its owner alone. Left out: `SIGNALBOX_TOKEN`."),
  prefix: z.string().min(1).max(100).optional().describe("Beginning of its agents' ids. Left out: `<id>-`."),
  workspace: z.string().min(1).describe("Folder in which its agents work. No session runs outside of it."),
  journal: z.string().min(1).default("~/.local/state/signalbox/orchestrator.db").describe("The daemon's own memory."),
  providers: z.array(ProviderConfig).min(1).max(32),
  envKeys: z
    .array(z.string().regex(/^[A-Za-z_][A-Za-z0-9_]*$/))
    .max(256)
    .default([])
    .describe("Names of variables that every CLI gets, beside `PATH`, `HOME`, `LANG`, `TERM`, `TMPDIR`, `USER`."),
  approvalMode: z.enum(["ask", "open", "closed"]).default("ask").describe("Spawns: asked for, free, or refused."),
  spawners: z
    .array(z.string())
    .max(256)
    .optional()
    .describe(
      "Agents that may start its agents by messages, delegations and commands: ids, or beginnings of ids with `*`. Left out: as an operator set it.",
    ),
  waitSeconds: Seconds(60).describe("A busy main session steps aside for a new message after this time."),
  sessions: z.int().min(1).max(1000).default(8).describe("Processes at a time."),
  memoryMaxMb: z
    .int()
    .min(64)
    .max(16_777_216)
    .optional()
    .describe("Memory of a session with all its tools, in MiB. It holds where systemd runs for this user."),
  runtimeSeconds: Seconds(7200).describe("Cap of the time of one turn."),
  askSeconds: Seconds(3600, 86_400).describe("What a CLI asks for waits so long for a person."),
  silenceSeconds: Seconds(600).describe("A turn without a sign for so long is looked at."),
  onStuck: z
    .array(StuckStep)
    .max(8)
    .default([{ do: "tell", afterSeconds: 1 }])
    .describe("Steps against a session that is stuck: `tell`, `nudge`, `interrupt`, `restart`."),
  idleMinutes: z
    .int()
    .min(1)
    .max(10_080)
    .default(30)
    .describe("An idle process is ended after this time, and resumed on demand."),
  costUsdPerDay: z
    .number()
    .positive()
    .max(1_000_000)
    .optional()
    .describe("Cap of the money of a day, over all sessions."),
  costUsd: z.number().positive().max(1_000_000).optional().describe("Cap of the money of one session."),
  outputTokens: z.int().min(1).optional().describe("Cap of the output tokens of one session."),
  depth: z.int().min(0).max(5).optional().describe("Most spawned runs above one that is spawned here."),
  stopMinutes: z.int().min(0).max(1440).default(5).describe("A stop lets running turns end for so long."),
  onInterrupt: z
    .enum(["continue", "give-back"])
    .default("continue")
    .describe("A turn that a stop or a crash cut off goes on after the start, or is given back."),
});
export type DaemonConfig = z.output<typeof DaemonConfig>;
export type DaemonConfigInput = z.input<typeof DaemonConfig>;

export const prefixOf = ({ prefix, id }: DaemonConfig): string => prefix ?? `${id}-`;

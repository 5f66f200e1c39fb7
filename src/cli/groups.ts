import type { Command } from "commander";
import type { CliCommand } from "./commands.ts";

type Add = (program: CliCommand) => void;

/** Commands that one file adds, by their names at the top. */
interface Group {
  names: readonly string[];
  load(): Promise<Add>;
}

const of = (names: string, load: () => Promise<Add>): Group => ({ names: names.split(" "), load });

/** All commands, in the order of the help. */
export const GROUPS: readonly Group[] = [
  of("send thread search", async () => (await import("./messages.ts")).addMessageCommands),
  of("threads", async () => (await import("./threads.ts")).addThreadCommands),
  of("inbox", async () => (await import("./inbox.ts")).addInboxCommand),
  of("explain", async () => (await import("./explain.ts")).addExplainCommand),
  of("history trace", async () => (await import("./traces.ts")).addTraceCommands),
  of("loops", async () => (await import("./loops.ts")).addLoopCommands),
  of("schedule", async () => (await import("./schedules.ts")).addScheduleCommands),
  of("webhook", async () => (await import("./webhooks.ts")).addWebhookCommands),
  of("claim complete fail release renew", async () => (await import("./claims.ts")).addClaimCommands),
  of("work", async () => (await import("./work.ts")).addWorkCommand),
  of("dead-letters", async () => (await import("./dead-letters.ts")).addDeadLetterCommands),
  of("bulk", async () => (await import("./bulk.ts")).addBulkCommands),
  of("task", async () => (await import("./tasks.ts")).addTaskCommands),
  of("integration", async () => (await import("./integrations.ts")).addIntegrationCommands),
  of("delegate delegation", async () => (await import("./delegations.ts")).addDelegationCommands),
  of("pair", async () => (await import("./pairs.ts")).addPairCommands),
  of("runs", async () => (await import("./runs.ts")).addRunsCommands),
  of("announcements", async () => (await import("./announcements.ts")).addAnnouncementCommands),
  of("register agents", async () => (await import("./agents.ts")).addAgentCommands),
  of("models", async () => (await import("./models.ts")).addModelsCommand),
  of("jobs", async () => (await import("./jobs.ts")).addJobCommands),
  of("orchestrator", async () => (await import("./orchestrator.ts")).addOrchestratorCommand),
  of("orchestrators", async () => (await import("./orchestrators.ts")).addOrchestratorCommands),
  of("sessions limits", async () => (await import("./sessions.ts")).addSessionCommands),
  of("tokens whoami", async () => (await import("./tokens.ts")).addTokenCommands),
  of("a2a", async () => (await import("./a2a.ts")).addA2ACommands),
  of(
    "spawn peek interrupt kill tell adopt clear",
    async () => (await import("./daemon-commands.ts")).addDaemonCommands,
  ),
  of("attach", async () => (await import("./attach/command.ts")).addAttachCommand),
  of("hold", async () => (await import("./holds.ts")).addHoldCommands),
  of("profiles", async () => (await import("./profiles.ts")).addProfileCommands),
  of("people invite", async () => (await import("./people.ts")).addPeopleCommands),
  of("projects attention", async () => (await import("./attention.ts")).addAttentionCommands),
  of("top", async () => (await import("./top/command.ts")).addTopCommand),
  of("approvals", async () => (await import("./approvals.ts")).addApprovalCommands),
  of("channel channels", async () => (await import("./channels.ts")).addChannelCommands),
  of("file", async () => (await import("./files.ts")).addFileCommands),
  of("connect", async () => (await import("./connect.ts")).addConnectCommand),
  of("hook", async () => (await import("./hook.ts")).addHookCommand),
  of("run", async () => (await import("./run.ts")).addRunCommand),
  of("mcp-bridge channel-bridge", async () => (await import("./bridges.ts")).addBridgeCommands),
  of("serve", async () => (await import("./serve.ts")).addServeCommand),
  of("console", async () => (await import("./console.ts")).addConsoleCommand),
  of("health backup restore", async () => (await import("./relay.ts")).addRelayCommands),
  of("usage stats flow", async () => (await import("./stats.ts")).addStatsCommands),
  of("upgrade", async () => (await import("./upgrade.ts")).addUpgradeCommand),
  of("doctor", async () => (await import("./doctor.ts")).addDoctorCommand),
  of("demo", async () => (await import("./demo/command.ts")).addDemoCommand),
  of("demo-agent", async () => (await import("./demo/agent.ts")).addDemoAgentCommand),
  of("drill", async () => (await import("./drill/command.ts")).addDrillCommand),
  // It reads all the others.
  { names: [], load: async () => (await import("./completions/completions.ts")).addCompletionsCommand },
];

/**
 * Adds the commands that a command line may be about: those of the file that has its first word, which halves the time of a start,
 * or all of them, for help and for words that are no command.
 */
export async function addCommands(program: CliCommand, words: readonly string[]): Promise<void> {
  const word = commandOf(program, words);
  const own = GROUPS.find(({ names }) => word !== undefined && names.includes(word));
  for (const add of await Promise.all((own ? [own] : GROUPS).map(({ load }) => load()))) add(program);
}

/** The first word behind the program's own options; undefined when another option comes before it. */
function commandOf(program: Command, words: readonly string[]): string | undefined {
  const [word, ...rest] = words;
  if (word === undefined || !word.startsWith("-")) return word;
  const [name, value] = word.split("=", 2);
  const option = program.options.find(({ long }) => long === name);
  if (!option) return undefined;
  return commandOf(program, option.required && value === undefined ? rest.slice(1) : rest);
}

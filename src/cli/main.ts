#!/usr/bin/env -S bun --config=/dev/null --no-env-file --tsconfig-override=/dev/null
import type { Command } from "commander";
import { distance } from "fastest-levenshtein";
import manifest from "../../package.json" with { type: "json" };
import { mendLauncher } from "../harness/launcher.ts";
import { addA2ACommands } from "./a2a.ts";
import { addAgentCommands } from "./agents.ts";
import { addAnnouncementCommands } from "./announcements.ts";
import { addApprovalCommands } from "./approvals.ts";
import { addAttachCommand } from "./attach/command.ts";
import { addAttentionCommands } from "./attention.ts";
import { addBridgeCommands } from "./bridges.ts";
import { addBulkCommands } from "./bulk.ts";
import { addChannelCommands } from "./channels.ts";
import { addClaimCommands } from "./claims.ts";
import { CliCommand } from "./commands.ts";
import { addCompletionsCommand } from "./completions/completions.ts";
import { addConnectCommand } from "./connect.ts";
import { addConsoleCommand } from "./console.ts";
import { addDaemonCommands } from "./daemon-commands.ts";
import { addDeadLetterCommands } from "./dead-letters.ts";
import { addDelegationCommands } from "./delegations.ts";
import { addDemoAgentCommand } from "./demo/agent.ts";
import { addDemoCommand } from "./demo/command.ts";
import { addDoctorCommand } from "./doctor.ts";
import { addDrillCommand } from "./drill/command.ts";
import { EXIT_HELP, exitCodeOf } from "./exit.ts";
import { addExplainCommand } from "./explain.ts";
import { printFailure } from "./failure.ts";
import { addFileCommands } from "./files.ts";
import { addHoldCommands } from "./holds.ts";
import { addHookCommand } from "./hook.ts";
import { addInboxCommand } from "./inbox.ts";
import { addIntegrationCommands } from "./integrations.ts";
import { addJobCommands } from "./jobs.ts";
import { addLoopCommands } from "./loops.ts";
import { addMessageCommands } from "./messages.ts";
import { addModelsCommand } from "./models.ts";
import { filled } from "./options.ts";
import { addOrchestratorCommand } from "./orchestrator.ts";
import { addOrchestratorCommands } from "./orchestrators.ts";
import { ownCommand } from "./own.ts";
import { addPairCommands } from "./pairs.ts";
import { addPeopleCommands } from "./people.ts";
import { addProfileCommands } from "./profiles.ts";
import { addRelayCommands } from "./relay.ts";
import { addRunCommand } from "./run.ts";
import { addRunsCommands } from "./runs.ts";
import { addScheduleCommands } from "./schedules.ts";
import { safeLine } from "./screen.ts";
import { addServeCommand, serve } from "./serve.ts";
import { addSessionCommands } from "./sessions.ts";
import { bypassProxies, type Flags } from "./settings.ts";
import { addStatsCommands } from "./stats.ts";
import { addTaskCommands } from "./tasks.ts";
import { addThreadCommands } from "./threads.ts";
import { addTokenCommands } from "./tokens.ts";
import { addTopCommand } from "./top/command.ts";
import { addTraceCommands } from "./traces.ts";
import { addUpgradeCommand } from "./upgrade.ts";
import { addWebhookCommands } from "./webhooks.ts";
import { addWorkCommand } from "./work.ts";

const ABOUT = [
  "Signalbox: a relay for AI agents. Talk, hand over work, and follow it to its end.",
  "",
  "The relay and the token come together from one place: --url and --token; else --keys; else --data; else SIGNALBOX_URL " +
    "and SIGNALBOX_TOKEN; else the server that was started in this folder (SIGNALBOX_DATA_DIR, ./data), on loopback. A " +
    "token goes to no other address. Prefer SIGNALBOX_TOKEN to --token: other users can see a command line.",
].join("\n");

const EXAMPLES = `
Examples:
  $ signalbox serve
  $ signalbox send builder "Is main green?"
  $ signalbox inbox --as builder --follow
  $ signalbox work --as builder -- ./build.sh`;

function createProgram(): CliCommand {
  const program = new CliCommand("signalbox")
    .description(ABOUT)
    .version(manifest.version)
    .option("--url <url>", "the relay's address", filled)
    .option("--token <token>", "the token that tells the relay who you are", filled)
    .option("--data <folder>", "the data folder of a server on this machine", filled)
    .option("--as <agent>", "the agent to act for (default: SIGNALBOX_AGENT, else the token's)", filled)
    .option(
      "--instance <id>",
      "the registration that these calls belong to; a newer one ends it (default: SIGNALBOX_INSTANCE)",
      filled,
    )
    .option("--keys <file>", "a file that signalbox connect wrote: the relay, an agent, its token", filled)
    .option("--json", "print one JSON value; with --follow, one a line")
    .configureHelp({ showGlobalOptions: true })
    .showHelpAfterError("(--help says more)")
    .exitOverride()
    .addHelpText("after", EXAMPLES)
    .addHelpText("afterAll", EXIT_HELP);
  const groups = [
    [addMessageCommands, addThreadCommands, addInboxCommand, addExplainCommand, addTraceCommands, addLoopCommands],
    [addScheduleCommands, addWebhookCommands],
    [addClaimCommands, addWorkCommand, addDeadLetterCommands, addBulkCommands, addTaskCommands, addIntegrationCommands],
    [addDelegationCommands, addPairCommands, addRunsCommands, addAnnouncementCommands],
    [
      addAgentCommands,
      addModelsCommand,
      addJobCommands,
      addOrchestratorCommand,
      addOrchestratorCommands,
      addSessionCommands,
      addTokenCommands,
      addA2ACommands,
    ],
    [addDaemonCommands, addAttachCommand, addHoldCommands, addProfileCommands],
    [addPeopleCommands, addAttentionCommands, addTopCommand, addApprovalCommands],
    [addChannelCommands, addFileCommands],
    [addConnectCommand, addHookCommand, addRunCommand, addBridgeCommands],
    [addServeCommand, addConsoleCommand, addRelayCommands, addStatsCommands, addUpgradeCommand, addDoctorCommand],
    [addDemoCommand, addDemoAgentCommand, addDrillCommand, addCompletionsCommand],
  ];
  for (const add of groups.flat()) add(program);
  for (const group of program.commands) listByDefault(group);
  addHelpCommand(program);
  return program;
}

/** Ids of the relay begin with a word of three letters. */
const ID = /^[a-z]{3}_[a-z0-9]+$/;

/**
 * Runs `list` when a group is called without a command: `task --status open` is `task list --status open`. With an id it runs
 * `show`.
 */
function listByDefault(group: Command): void {
  const list = group.commands.find((one) => one.name() === "list");
  if (!list) return;
  group
    .addHelpText("after", "\nWithout a command it lists, with the options of list.")
    .allowUnknownOption()
    .allowExcessArguments()
    .action(async (_: object, { args }: Command) => {
      const [first] = args;
      if (first === undefined || first.startsWith("-")) return void (await list.parseAsync(args, { from: "user" }));
      const show = group.commands.find((one) => one.name() === "show");
      if (show && ID.test(first)) return void (await show.parseAsync(args, { from: "user" }));
      const known = group.commands.map((one) => one.name());
      const [near] = known.map((name) => [distance(first, name), name] as const).sort((a, b) => a[0] - b[0]);
      const hint = near && near[0] <= 3 ? `\n(Did you mean ${near[1]}?)` : "";
      group.error(`error: unknown command '${safeLine(first)}'${hint}`, { code: "commander.unknownCommand" });
    });
}

/** Makes `help task claim` print `task claim --help`; commander's own help command takes one word only. */
function addHelpCommand(program: CliCommand): void {
  program
    .helpCommand(false)
    .sub("help", "Show the help of a command")
    .argument("[command...]", "the command, as in: help task claim")
    .action(async (words: string[]) => {
      if (words[0] === "serve") return serve(["--help"]);
      let named: Command = program;
      for (const word of words) {
        const next = named.commands.find((one) => one.name() === word || one.aliases().includes(word));
        if (!next)
          return named.error(`error: unknown command '${safeLine(word)}'`, { code: "commander.unknownCommand" });
        named = next;
      }
      named.help();
    });
}

/** Ends the program when its output is no longer read (`signalbox search x | head -1`); a running worker stops as at SIGTERM. */
function endWithReader(): void {
  let gone = false;
  process.stdout.on("error", (error: NodeJS.ErrnoException) => {
    if (error.code !== "EPIPE") throw error;
    if (gone) return;
    gone = true;
    if (!process.emit("SIGTERM")) process.exit(0);
  });
}

/** Runs the command that the command line names, and leaves its exit code. */
export async function runCommand(): Promise<void> {
  bypassProxies();
  mendLauncher(ownCommand());
  const program = createProgram();
  try {
    await program.parseAsync();
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "EPIPE") process.exit(0);
    process.exitCode = exitCodeOf(error);
    printFailure(error, program.opts<Flags>());
  }
}

export function main(): void {
  endWithReader();
  // Not awaited: the bundle is CommonJS, which has no await at the top level.
  void runCommand();
}

if (import.meta.main) main();

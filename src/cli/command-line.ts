import type { Command } from "commander";
import { distance } from "fastest-levenshtein";
import manifest from "../../package.json" with { type: "json" };
import { mendLauncher } from "../harness/launcher.ts";
import { CliCommand } from "./commands.ts";
import { EXIT_HELP, exitCodeOf } from "./exit.ts";
import { printFailure } from "./failure.ts";
import { addCommands, type Group } from "./groups.ts";
import { filled } from "./options.ts";
import { ownCommand } from "./own.ts";
import { safeLine } from "./screen.ts";
import { serve } from "./serve.ts";
import { bypassProxies, type Flags } from "./settings.ts";

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

/** The program with its own options, and no commands yet. */
export function createProgram(): CliCommand {
  return new CliCommand("signalbox")
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
    if (error.code !== "EPIPE") return endWithoutOutput(error);
    if (gone) return;
    gone = true;
    if (!process.emit("SIGTERM")) process.exit(0);
  });
}

/** Ends a program that cannot write, as on a full disk. The command that wrote may have told of it already. */
function endWithoutOutput(error: Error): never {
  if (!process.exitCode) printFailure(error, { json: process.argv.includes("--json") });
  process.exit(exitCodeOf(error));
}

/** Runs the command that the command line names, one of these, and leaves its exit code. */
export async function runCommand(groups: readonly Group[]): Promise<void> {
  bypassProxies();
  mendLauncher(ownCommand());
  const program = createProgram();
  await addCommands(groups, program, process.argv.slice(2));
  for (const group of program.commands) listByDefault(group);
  addHelpCommand(program);
  try {
    await program.parseAsync();
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "EPIPE") process.exit(0);
    process.exitCode = exitCodeOf(error);
    printFailure(error, program.opts<Flags>());
  }
}

export function main(groups: readonly Group[]): void {
  endWithReader();
  // Not awaited: the bundle is CommonJS, which has no await at the top level.
  void runCommand(groups);
}

import type { Command } from "commander";
import type { Client } from "../client/client.ts";
import { DaemonError } from "../daemon/errors.ts";
import { quoted } from "../harness/launcher.ts";
import type { CliCommand } from "./commands.ts";
import { contextOf, outputOf } from "./context.ts";
import { filled } from "./options.ts";
import { safeLine } from "./screen.ts";
import { MANAGERS, type Manager, writeService } from "./service-file.ts";

/** Group of the help. */
const GROUP = "Agents and tokens:";

interface Options {
  config?: string;
  id?: string;
  workspace?: string;
  tokenFile?: string;
  print?: boolean;
  force?: boolean;
  for?: Manager;
}

type Step = (options: Options, command: Command) => Promise<void>;

/** Adds `orchestrator`: the daemon, which loads late. */
export function addOrchestratorCommand(program: CliCommand): void {
  // `--config` belongs to the group and its commands alike, wherever it stands.
  const step = (carryOut: Step) => (_: Options, command: Command) =>
    carryOut(command.optsWithGlobals<Options>(), command);
  const withConfig = (command: CliCommand, about: string) => command.option("--config <file>", about, filled);
  const group = withConfig(
    program.sub("orchestrator", "Run agents on this machine for the relay, until Ctrl-C", GROUP),
    "the configuration (default: ~/.config/signalbox/orchestrator.json)",
  )
    .example("orchestrator init --workspace ~/agents", "orchestrator --config ~/box.json")
    .action(step(run));
  withConfig(group.sub("init", "Write a first configuration, with the agent CLIs that are found"), "the file to write")
    .option("--id <id>", "the orchestrator's id (default: this machine's name)", filled)
    .option("--workspace <folder>", "the folder in which its agents work (default: ~/agents)", filled)
    .option("--token-file <file>", "the file with its token", filled)
    .action(step(init));
  withConfig(
    group.sub("install", "Start the daemon with your session: a user unit of systemd, or an agent of launchd"),
    "the configuration",
  )
    .option("--print", "print the file, and write nothing")
    .option("--force", "write over a file of somebody else")
    .choice("--for <manager>", "the manager of services (default: that of this platform)", MANAGERS)
    .action(step(install));
  group
    .sub("uninstall", "Stop the daemon that starts with your session, and delete its service")
    .option("--force", "delete a file of somebody else")
    .choice("--for <manager>", "the manager of services (default: that of this platform)", MANAGERS)
    .action(step(uninstall));
  withConfig(
    group.sub("stop", "Let running turns end, and stop the daemon of a configuration"),
    "the configuration",
  ).action(step(stop));
  withConfig(
    group.sub("restart", "Stop the daemon of a configuration, and run it here until Ctrl-C"),
    "the configuration",
  ).action(step(restart));
}

/** Runs the daemon, which loads late. A built program has it in a file of its own; see entry.ts. */
async function run({ config }: Options): Promise<void> {
  const { runHere } = await import("./daemon-run.ts");
  await runHere(config);
}

async function init({ config, id, workspace, tokenFile }: Options, command: Command): Promise<void> {
  const { initConfig, initToken } = await import("../daemon/init.ts");
  const { client, out, settings } = contextOf(command);
  const given = { id, workspace, tokenFile, relay: settings.url };
  const made = initConfig({ configPath: config, environment: process.env, ...given });
  const own = made.config;
  const make = (draft: OrchestratorToken) => orchestratorToken(client, settings.token, draft);
  const token = await initToken(own, make).catch((error: Error) => error);
  const agents = own.providers.map(({ name }) => `${own.id}-${name}`);
  const start = config === undefined ? "signalbox orchestrator" : `signalbox orchestrator --config ${config}`;
  await out.show(made, () =>
    [
      `Wrote ${safeLine(made.path)}: ${agents.length === 1 ? "the agent" : "the agents"} ${agents.join(", ")}, in ${safeLine(own.workspace)}`,
      ...(token instanceof Error ? tokenHelp(own, token) : [tokenText(token)]),
      `Start: ${safeLine(start)}`,
    ].join("\n"),
  );
}

type OrchestratorToken = { agentId: string; prefix: string };

/** The given token if it is the orchestrator's own, else a new one. @throws RelayProblem when the given one may make none */
async function orchestratorToken(client: Client, given: string | undefined, draft: OrchestratorToken): Promise<string> {
  const { agentId } = await client.whoami();
  if (given !== undefined && agentId === draft.agentId) return given;
  return (await client.tokens.create({ role: "orchestrator", ...draft })).token;
}

const tokenText = ({ file, isNew }: { file: string; isNew: boolean }): string =>
  isNew ? `Wrote ${safeLine(file)}: its token, for you alone` : `The token is the one in ${safeLine(file)}, as it was`;

const tokenHelp = ({ id, tokenFile = "" }: { id: string; tokenFile?: string | undefined }, error: Error): string[] => [
  `No token could be made: ${safeLine(error.message)}`,
  "Make one where you have an operator's token:",
  `  signalbox tokens create --role orchestrator --agent orchestrator-${id} --prefix ${id}-`,
  `Put it into ${safeLine(tokenFile)}, for you alone: chmod 600 ${safeLine(tokenFile)}`,
];

async function install(options: Options, command: Command): Promise<void> {
  const { config, print = false, force = false } = options;
  const { managerOf, serviceOf } = await import("./service.ts");
  const manager = options.for ?? managerOf(process.platform);
  const { file, withheld, secretsFile } = await serviceOf(config, manager, process.env);
  const out = outputOf(command);
  const answer = { ...file, withheld, secretsFile };
  if (print) {
    for (const line of withheldHelp(answer)) out.note(line);
    return out.show(answer, () => file.text.trimEnd());
  }
  writeService(file, force);
  await out.show(answer, () =>
    [
      `Wrote ${safeLine(file.path)}`,
      ...withheldHelp(answer),
      "Next:",
      ...file.next.map((line) => `  ${safeLine(line)}`),
    ].join("\n"),
  );
}

const withheldHelp = ({ withheld, secretsFile }: { withheld: string[]; secretsFile: string }): string[] =>
  withheld.length === 0
    ? []
    : [
        `Not in it, as secrets or as texts of several lines: ${safeLine(withheld.join(", "))}`,
        `Give each as a line NAME="value" in ${safeLine(secretsFile)}, for you alone: chmod 600 ${safeLine(quoted(secretsFile))}`,
      ];

async function uninstall({ force = false, ...options }: Options, command: Command): Promise<void> {
  const { managerOf, uninstallService } = await import("./service.ts");
  const out = outputOf(command);
  const removed = await uninstallService(options.for ?? managerOf(process.platform), force, process.env);
  await out.show(removed, () =>
    removed.wasThere
      ? `Stopped the service, and deleted ${safeLine(removed.path)}`
      : `No service is there: ${safeLine(removed.path)} does not exist`,
  );
}

async function stop({ config }: Options, command: Command): Promise<void> {
  const { stopDaemon } = await import("../daemon/main.ts");
  const out = outputOf(command);
  const pid = await stopDaemon(config);
  await out.show({ stopped: pid }, () => `Stopped process ${pid}`);
}

async function restart(options: Options, command: Command): Promise<void> {
  const { stopDaemon } = await import("../daemon/main.ts");
  await stopDaemon(options.config).catch((error) => {
    if (!(error instanceof DaemonError)) throw error;
    outputOf(command).note(error.message);
  });
  await run(options);
}

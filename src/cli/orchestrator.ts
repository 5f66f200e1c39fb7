import type { Command } from "commander";
import type { CliCommand } from "./commands.ts";
import { type Context, outputOf, untilStopped } from "./context.ts";
import { filled } from "./options.ts";
import type { Output } from "./output.ts";
import { safeLine } from "./screen.ts";

interface ConfigOption {
  config?: string;
}

/** Group of the help. */
const GROUP = "Agents and tokens:";

/** Adds `orchestrator`: the daemon, which loads late. */
export function addOrchestratorCommand(program: CliCommand): void {
  const group = program
    .sub("orchestrator", "Run agents on this machine for the relay, until Ctrl-C", GROUP)
    .option("--config <file>", "the configuration (default: ~/.config/signalbox/orchestrator.json)", filled)
    .example("orchestrator init --workspace ~/agents", "orchestrator --config ~/box.json")
    .action((given: ConfigOption, command: Command) => run(given, outputOf(command)));
  group
    .sub("init", "Write a first configuration, with the agent CLIs that are found")
    .option("--config <file>", "the file to write", filled)
    .option("--id <id>", "the orchestrator's id (default: this machine's name)", filled)
    .option("--workspace <folder>", "the folder in which its agents work (default: ~/agents)", filled)
    .option("--token-file <file>", "the file with its token", filled)
    .act(init);
  group
    .sub("stop", "Let running turns end, and stop the daemon of a configuration")
    .option("--config <file>", "the configuration", filled)
    .action((given: ConfigOption, command: Command) => stop(given, outputOf(command)));
}

/** Runs the daemon. Its configuration names the relay, not the folder or the flags. */
async function run({ config }: ConfigOption, out: Output): Promise<void> {
  const { runDaemon } = await import("../daemon/main.ts");
  const log = (sentence: string, facts?: Record<string, unknown>): void =>
    out.note(safeLine(facts ? `${sentence} ${JSON.stringify(facts)}` : sentence));
  await runDaemon({ configPath: config, environment: process.env, log, stop: untilStopped() });
}

interface InitOptions extends ConfigOption {
  id?: string;
  workspace?: string;
  tokenFile?: string;
}

async function init({ out, settings }: Context, { config, ...given }: InitOptions): Promise<void> {
  const { initConfig } = await import("../daemon/init.ts");
  const made = initConfig({ configPath: config, relay: settings.url, environment: process.env, ...given });
  const { id, tokenFile } = made.config;
  await out.show(made, () =>
    [
      `Wrote ${made.path}. Then, with an operator's token:`,
      `  signalbox tokens create --role orchestrator --agent orchestrator-${id} --prefix ${id}-`,
      `Put the token into ${tokenFile}, for your eyes alone (chmod 600), and start: signalbox orchestrator`,
    ].join("\n"),
  );
}

async function stop({ config }: ConfigOption, out: Output): Promise<void> {
  const { stopDaemon } = await import("../daemon/main.ts");
  const pid = await stopDaemon(config);
  await out.show({ stopped: pid }, () => `Stopped process ${pid}`);
}

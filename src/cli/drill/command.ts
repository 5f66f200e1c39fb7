import type { Command } from "commander";
import { outputOf } from "../context.ts";
import { EXIT, Stop } from "../exit.ts";
import { positive, wholeNumber } from "../options.ts";
import type { Output } from "../output.ts";
import { onScratchRelay } from "../scratch-relay.ts";
import { DRILL_FLAGS, type DrillEvent, type DrillOptions, type DrillReport, drill } from "./drill.ts";

export function addDrillCommand(program: Command): void {
  program
    .command("drill")
    .description(
      "Prove that nothing is lost or done twice: kill a scratch relay again and again under load, then count",
    )
    .helpGroup("The program:")
    .option("--kills <n>", "how often to kill it (default: for 20 s)", positive)
    .option("--senders <n>", "agents that send at the same time", positive, 64)
    .option("--workers <n>", "agents that claim work", positive, 64)
    .option("--readers <n>", "agents that follow their inbox", positive, 8)
    .option("--people <n>", "people that ask a chain of three agents", positive, 16)
    .option("--machines", "drill two daemons and their agent CLIs, too (Linux)")
    .option("--seed <n>", "decides when it is killed (default: by chance)", wholeNumber)
    .addHelpText("after", HELP)
    .action(async ({ seed = Math.floor(Math.random() * 2 ** 31), machines, ...crew }: Given, command: Command) => {
      const out = outputOf(command);
      if (!machines) return run({ ...crew, seed }, out);
      const { runMachines } = await import("./machines/command.ts");
      const isGiven = command.getOptionValueSource("senders") !== "default";
      const { kills = MACHINE_KILLS, senders } = crew;
      await runMachines({ kills, seed, senders: isGiven ? senders : MACHINE_SENDERS }, out);
    });
}

type Given = Omit<DrillOptions, "seed"> & { seed?: number; machines?: true };

const MACHINE_KILLS = 10;
const MACHINE_SENDERS = 6;

const HELP = `
The relay is a process of its own on loopback, with its data in a temporary folder that is removed at the end. Nothing of a
relay of yours is touched. The exit code is 1 when something was lost or doubled; then the folder is kept.

With --machines, two daemons (signalbox orchestrator) run agent CLIs of the drill. Relay, daemons and CLIs are killed. The readers, workers and
people of the other drill are not there, and the usual numbers are 6 senders and 10 kills.

Examples:
  $ signalbox drill
  $ signalbox drill --machines --kills 50`;

async function run(options: DrillOptions, out: Output): Promise<void> {
  await onScratchRelay({ name: "drill", flags: DRILL_FLAGS }, async (relay) => {
    out.note(introduction(options, relay.dataDir));
    const report = await drill(relay, options, (event) => out.note(progressText(event)));
    await out.show(report, () => reportText(report));
    if (report.faults.length === 0) return;
    relay.keep();
    throw new Stop(EXIT.problem, `The relay broke a promise. Its data is kept in ${relay.dataDir}`);
  });
}

const introduction = ({ senders, workers, readers, people, seed }: DrillOptions, dataDir: string): string =>
  `A scratch relay with its data in ${dataDir} serves ${senders} senders, ${workers} workers, ${readers} readers, and ${people}
people who ask an agent, whose run asks a second one, whose run asks a third.
The drill kills it (kill -9) and starts it again, at moments that seed ${seed} decides, and remembers every answer.`;

function progressText(event: DrillEvent): string {
  if (event.type === "killed")
    return `  kill ${event.kill}: until now ${event.sent} messages accepted, ${event.completed} pieces of work done, ${event.answered} questions answered`;
  if (event.type === "calming") return "No more messages. Workers, readers and runs go on, and so do the kills.";
  if (event.type === "draining") return "No more kills. Workers and runs finish, readers catch up.";
  return "The drill compares every promise with the database.";
}

function reportText({ kills, sent, completed, delivered, answered, faults, lost, doubled }: DrillReport): string {
  const other = faults.length - lost - doubled;
  return [
    `${kills} kills. ${sent} messages accepted, ${completed} pieces of work done, ${delivered} deliveries to readers,`,
    `${answered} questions answered through three runs each.`,
    ...faults.map(({ kind, what }) => `  ${kind === "other" ? "fault" : kind}: ${what}`),
    `lost ${lost}, doubled ${doubled}${other > 0 ? `, other faults ${other}` : ""}`,
  ].join("\n");
}

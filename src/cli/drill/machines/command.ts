import { EXIT, Stop } from "../../exit.ts";
import type { Output } from "../../output.ts";
import { onScratchRelay } from "../../scratch-relay.ts";
import { DRILL_FLAGS } from "../drill.ts";
import { drillMachines, type MachineEvent, type MachineOptions, type MachineReport } from "./drill.ts";

/** Runs the drill of machines. @throws Stop when a promise was broken */
export async function runMachines(options: MachineOptions, out: Output): Promise<void> {
  if (process.platform !== "linux")
    throw new Stop(EXIT.usage, "The drill of machines looks for processes in /proc. Run it on Linux.");
  await onScratchRelay({ name: "drill", flags: DRILL_FLAGS }, async (relay) => {
    out.note(introduction(options, relay.dataDir));
    const report = await drillMachines(relay, options, (event) => out.note(progressText(event)));
    await out.show(report, () => reportText(report));
    if (report.faults.length === 0) return;
    relay.keep();
    throw new Stop(EXIT.problem, `A promise was broken. The data of relay and daemons is kept in ${relay.dataDir}`);
  });
}

const introduction = ({ senders, seed }: MachineOptions, dataDir: string): string =>
  `A scratch relay and two daemons with their data in ${dataDir} serve ${senders} senders.
The drill kills the relay, a daemon or an agent CLI (kill -9) and starts it again, as seed ${seed} decides, and remembers every answer.`;

function progressText(event: MachineEvent): string {
  if (event.type === "killed")
    return `  kill ${event.kill} (${event.victim}): until now ${event.asked} questions asked, ${event.answered} answered`;
  if (event.type === "draining") return "No more questions and kills. Daemons and agents finish.";
  return "The drill compares every question with what came of it, and looks for processes that are left.";
}

function reportText({ kills, asked, answered, runs, delegations, ...rest }: MachineReport): string {
  const { faults, failures, lost, doubled, left, writers } = rest;
  return [
    `Kills: relay ${kills.relay}, daemons ${kills.daemon}, agent CLIs ${kills.agent}. ${asked} questions asked, ${answered} messages answered,`,
    `${runs} runs and ${delegations} delegations ended. ${failures} turns failed with their process, and their senders were told.`,
    ...faults.map(({ kind, what }) => `  ${kind === "other" ? "fault" : kind}: ${what}`),
    `lost ${lost}, doubled ${doubled}, processes left ${left}, sessions with two writers ${writers}`,
  ].join("\n");
}

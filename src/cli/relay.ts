import type { Command } from "commander";
import type { HealthCheck } from "../health/schema.ts";
import { contextOf } from "./context.ts";
import { EXIT, Stop } from "./exit.ts";
import type { Output } from "./output.ts";
import { safeLine } from "./screen.ts";

const GROUP = "The relay:";
const COLOURS = { ok: "green", warn: "yellow", fail: "red" } as const;

export function addRelayCommands(program: Command): void {
  program
    .command("health")
    .description("Ask the relay how it is; fails when it says fail")
    .helpGroup(GROUP)
    .addHelpText("after", "\nExample:\n  $ signalbox health")
    .action(async (_: object, command: Command) => {
      const { client, out } = contextOf(command);
      const report = await client.health();
      await out.show(report, () => `Signalbox ${safeLine(report.version)}\n${checksText(report.checks, out)}`);
      if (report.status === "fail") throw new Stop(EXIT.problem, "The relay is not well");
    });
  program
    .command("backup")
    .description("Copy the whole database, while it runs")
    .helpGroup(GROUP)
    .addHelpText("after", "\nExample:\n  $ signalbox backup")
    .action(async (_: object, command: Command) => {
      const { client, out } = contextOf(command);
      if (!out.json) out.note("Copying the database ...");
      const backup = await client.backup();
      const size = `${(backup.bytes / 1024 / 1024).toFixed(1)} MiB`;
      await out.show(backup, () => `${safeLine(backup.file)}: ${size}, up to message ${backup.head}`);
    });
}

/** One line for each check. */
export function checksText(checks: HealthCheck[], out: Output): string {
  const width = Math.max(0, ...checks.map(({ name }) => safeLine(name).length));
  const line = ({ name, status, detail }: HealthCheck) =>
    `${out.paint(COLOURS[status], status.padEnd(4))}  ${safeLine(name).padEnd(width)}  ${safeLine(detail)}`;
  return checks.map(line).join("\n");
}

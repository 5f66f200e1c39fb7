import { existsSync } from "node:fs";
import type { Command } from "commander";
import { systemSentence } from "../harness/system-errors.ts";
import type { HealthCheck, RetentionState } from "../protocol/health.ts";
import type { CliCommand } from "./commands.ts";
import { outputOf } from "./context.ts";
import { EXIT, Stop } from "./exit.ts";
import { wholeNumber } from "./options.ts";
import type { Output } from "./output.ts";
import { safeLine } from "./screen.ts";
import { dataFolderOf, type Flags } from "./settings.ts";
import { timeText } from "./show.ts";

const GROUP = "The relay:";
const COLOURS = { ok: "green", warn: "yellow", fail: "red" } as const;

function keptText(kept: RetentionState | undefined): string {
  if (!kept) return "";
  const { days, firstId, lastRun } = kept;
  const ran = lastRun ? `; it ran at ${timeText(lastRun.at)} and deleted ${lastRun.deleted}` : "";
  return `\nRetention keeps messages for ${days} ${days === 1 ? "day" : "days"}, from ${firstId} on${ran}`;
}

export function addRelayCommands(program: CliCommand): void {
  program
    .sub("health", "Show the health of the relay; fails when a check fails", GROUP)
    .example("health")
    .act(async ({ client, out }) => {
      const report = await client.health();
      await out.show(
        report,
        () => `Signalbox ${safeLine(report.version)}\n${checksText(report.checks, out)}${keptText(report.retention)}`,
      );
      if (report.status === "fail") throw new Stop(EXIT.problem, "The relay is not healthy");
    });
  program
    .sub("backup", "Copy the whole database of a running relay", GROUP)
    .option("--keep <n>", "copies to keep, this one included; older ones are deleted (default: all)", wholeNumber)
    .example("backup --keep 14")
    .act(async ({ client, out }, { keep }: { keep?: number }) => {
      if (!out.json) out.note("Copying the database ...");
      const backup = await client.backup({ keep });
      const size = `${(backup.bytes / 1024 / 1024).toFixed(1)} MiB`;
      const gone = backup.deleted.length ? `; ${backup.deleted.length} older deleted` : "";
      await out.show(backup, () => `${safeLine(backup.file)}: ${size}, up to message ${backup.head}${gone}`);
    });
  program
    .sub("restore", "Restore a backup into the data folder of a stopped relay", GROUP)
    .argument("<file>", "the copy that signalbox backup made")
    .addHelpText("after", RESTORE_HELP)
    .action((file: string, _: object, command: Command) => restore(file, command));
}

const RESTORE_HELP = `
The data folder is that of --data, SIGNALBOX_DATA_DIR or ./data. The former database is kept in its backups folder.
Attachments (files/) and relay.key are not in a backup: put your copies of them into the data folder as well.

Example:
  $ signalbox restore /backups/signalbox-2026-05-04T09-00-00.000Z.db --data /var/lib/signalbox`;

async function restore(file: string, command: Command): Promise<void> {
  const out = outputOf(command);
  const dataDir = dataFolderOf(command.optsWithGlobals<Flags>());
  if (dataDir === "./data" && !existsSync(dataDir))
    throw new Stop(EXIT.usage, "There is no data folder here: go there, or give --data (a new one is made)");
  // Part of the server, as in `serve`: loads for this command alone.
  const { restoreBackup } = await import("../kernel/db/restore.ts");
  try {
    const { head, former } = restoreBackup(file, dataDir, new Date().toISOString());
    await out.show({ dataDir, head, former: former ?? null }, () =>
      [
        `${safeLine(dataDir)} has the messages up to ${head} again: start the relay.`,
        ...(former ? [`The former database is ${safeLine(former)}.`] : []),
      ].join("\n"),
    );
  } catch (error) {
    const reason = systemSentence(error) ?? (error instanceof Error ? error.message : String(error));
    throw new Stop(EXIT.problem, `Nothing was restored: ${reason}`);
  }
}

/** Checks as text, one a line. */
export function checksText(checks: HealthCheck[], out: Output): string {
  const width = Math.max(0, ...checks.map(({ name }) => safeLine(name).length));
  const line = ({ name, status, detail }: HealthCheck) =>
    `${out.paint(COLOURS[status], status.padEnd(4))}  ${safeLine(name).padEnd(width)}  ${safeLine(detail)}`;
  return checks.map(line).join("\n");
}

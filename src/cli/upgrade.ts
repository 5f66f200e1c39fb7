import type { Command } from "commander";
import { systemSentence } from "../harness/system-errors.ts";
import type { HealthCheck, HealthReport } from "../protocol/health.ts";
import { contextOf, outputOf } from "./context.ts";
import { isForbidden, runningServer } from "./data-folder.ts";
import { EXIT, Stop } from "./exit.ts";
import { checksText } from "./relay.ts";
import { safeLine } from "./screen.ts";
import { dataFolderOf, type Flags } from "./settings.ts";
import { timeText } from "./show.ts";

type Examined = ReturnType<typeof import("../kernel/db/examine.ts").examineDatabase>;

/** One thing to know before an upgrade. Only `fail` stands in its way. */
interface Check extends HealthCheck {
  /** The operator's next step. */
  next: string;
}

const HELP = `
Call it with the new version of this program, on the relay's machine: it reads the data folder (--data, SIGNALBOX_DATA_DIR or
./data) and changes nothing. The exit code is 0 when the relay may be upgraded, 1 when something has to be done first.

Example:
  $ signalbox upgrade --check --data /var/lib/signalbox`;

export function addUpgradeCommand(program: Command): void {
  program
    .command("upgrade")
    .description("Check whether the relay may be upgraded: backup, schema, versions and live work")
    .helpGroup("The relay:")
    .option("--check", "check; this program installs nothing by itself")
    .addHelpText("after", HELP)
    .action(async ({ check }: { check?: boolean }, command: Command) => {
      if (!check)
        throw new Stop(
          EXIT.usage,
          "Give --check: an upgrade itself is to stop the relay, to install the new version and to start it again",
        );
      await checkUpgrade(program.version() ?? "", command);
    });
}

async function checkUpgrade(own: string, command: Command): Promise<void> {
  const out = outputOf(command);
  const dataDir = dataFolderOf(command.optsWithGlobals<Flags>());
  const found = await examined(dataDir);
  const report = runningServer(dataDir) && (await reportOf(command));
  const checks = [
    backupCheck(found, Date.now()),
    schemaCheck(found),
    versionCheck(own, report),
    ...healthChecks(report),
    ...liveChecks(found),
  ];
  const isSafe = checks.every(({ status }) => status !== "fail");
  const lines = checks.map(({ next, ...check }) => ({
    ...check,
    detail: next ? `${check.detail}. ${next}` : check.detail,
  }));
  const end = "Safe to upgrade: stop the relay, install the new version, start it.";
  await out.show({ safe: isSafe, checks }, () => `${checksText(lines, out)}${isSafe ? `\n${end}` : ""}`);
  if (!isSafe) throw new Stop(EXIT.problem, "Not safe to upgrade yet");
}

/** @returns the reason when the running relay does not say how it is */
async function reportOf(command: Command): Promise<HealthReport | string> {
  try {
    return await contextOf(command).client.health();
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}

async function examined(dataDir: string): Promise<Examined> {
  // A part of the server, like `restore`: loaded for this command alone.
  const { examineDatabase } = await import("../kernel/db/examine.ts");
  if (isForbidden(dataDir))
    throw new Stop(EXIT.usage, `This user may not look into ${safeLine(dataDir)}: call this as the relay's user`);
  try {
    return examineDatabase(dataDir, Date.now());
  } catch (error) {
    const reason = systemSentence(error) ?? (error instanceof Error ? error.message : String(error));
    throw new Stop(
      EXIT.problem,
      `${safeLine(dataDir)} holds no database of a relay: ${reason}. Call this on the relay's machine, or give --data`,
    );
  }
}

const HOUR_MS = 3_600_000;
const FRESH_MS = 24 * HOUR_MS;

function backupCheck({ backup, head }: Examined, now: number): Check {
  const next = "Make one: signalbox backup";
  if (!backup) return { name: "backup", status: "fail", detail: "none was ever made", next };
  const since = Math.max(0, head - backup.head);
  const detail = `${backup.file}, made ${timeText(new Date(backup.at).toISOString())}, ${since} messages ago`;
  if (now - backup.at > FRESH_MS)
    return { name: "backup", status: "fail", detail: `${detail}: older than a day`, next };
  if (!backup.isThere)
    return { name: "backup", status: "warn", detail, next: "It is not there any more: make sure that it was moved" };
  return { name: "backup", status: "ok", detail, next: since > 0 ? "Make another one if these matter" : "" };
}

function schemaCheck({ schema: { applied, brought } }: Examined): Check {
  const pending = brought - applied;
  const detail = `${applied} of the ${brought} migrations of this version have run`;
  if (pending < 0)
    return {
      ...{ name: "schema", status: "fail", detail: `${detail}: a newer one made this database` },
      next: "Use the version that the relay ran last, or a newer one",
    };
  if (pending === 0) return { name: "schema", status: "ok", detail, next: "" };
  const next = "The start runs the rest in one transaction; the way back is to restore the backup";
  return { name: "schema", status: "warn", detail, next };
}

function versionCheck(own: string, report: HealthReport | string | undefined): Check {
  const name = "version";
  if (!report)
    return { name, status: "ok", detail: `this program is ${own}; no relay runs on this data here`, next: "" };
  if (typeof report === "string") {
    const detail = `this program is ${own}; the running relay does not say its version: ${report}`;
    return { name, status: "warn", detail, next: "Compare the two yourself" };
  }
  const version = safeLine(report.version);
  const detail = `the relay runs ${version}, this program is ${own}`;
  if (Bun.semver.order(own, version) < 0)
    return { name, status: "fail", detail: `${detail}: older`, next: "Call this with the version to upgrade to" };
  return { name, status: "ok", detail, next: own === version ? "There is nothing to upgrade" : "" };
}

function healthChecks(report: HealthReport | string | undefined): Check[] {
  if (typeof report !== "object" || report.status !== "fail") return [];
  return [{ name: "health", status: "fail", detail: "the relay is not well", next: "See signalbox health" }];
}

/** Work that is under way. It is in the database, so none of it stands in the way of a restart. */
function liveChecks({ claims, openWork, delegations, due }: Examined): Check[] {
  const live = (name: string, n: number, detail: string, next: string): Check =>
    n > 0 ? { name, status: "warn", detail, next } : { name, status: "ok", detail, next: "" };
  const { open, nextDeadlineAt } = delegations;
  const deadline =
    nextDeadlineAt === null ? "" : `, the next deadline ${timeText(new Date(nextDeadlineAt).toISOString())}`;
  return [
    live("claims", claims, `${claims} held`, "Let workers finish, or go on: leases outlive the restart"),
    live("open work", openWork, `${openWork} open`, "It waits in the database until workers are back"),
    live(
      "delegations",
      open,
      `${open} pending${deadline}`,
      "Answers wait; a deadline in the pause is told at the start",
    ),
    live("deliveries", due, `${due} due`, "They go out after the start"),
  ];
}

import { existsSync, statfsSync, statSync } from "node:fs";
import { RelayProblem } from "../client/client.ts";
import { hooksChecks } from "../harness/config/checks.ts";
import type { HealthCheck, HealthReport } from "../protocol/health.ts";
import type { CliCommand } from "./commands.ts";
import type { Context } from "./context.ts";
import { runningServer, tokenFileIn } from "./data-folder.ts";
import { EXIT, Stop } from "./exit.ts";
import { checksText } from "./relay.ts";
import type { Settings } from "./settings.ts";

export function addDoctorCommand(program: CliCommand): void {
  program
    .sub("doctor", "Check the connection to the relay, the token, the database, the clock and the disk", "The relay:")
    .example("doctor")
    .act(async (context) => {
      const { out } = context;
      const checks = await examine(context);
      const status = (["fail", "warn"] as const).find((bad) => checks.some((check) => check.status === bad)) ?? "ok";
      await out.show({ status, checks }, () => checksText(checks, out));
      if (checks.some(({ name, status }) => name === "reachable" && status === "fail")) {
        throw new Stop(EXIT.unreachable, "The relay cannot be reached");
      }
      if (status === "fail") throw new Stop(EXIT.problem, "A check failed");
    });
}

const check = (name: string, status: HealthCheck["status"], detail: string): HealthCheck => ({ name, status, detail });
const QUICK = { retries: 0, timeoutMs: 5_000 };

async function examine(context: Context): Promise<HealthCheck[]> {
  const { settings } = context;
  const reach = await reachable(context);
  const local = [...tokenFile(settings), ...disk(settings), ...hooksChecks()];
  if (reach.status === "fail") return [reach, ...local];
  return [reach, ...(await token(context)), ...(await health(context)), ...local];
}

async function reachable({ client, settings }: Context): Promise<HealthCheck> {
  const { url, from, dataDir } = settings;
  const began = performance.now();
  try {
    await client.alive(QUICK);
    return check("reachable", "ok", `${url} (${from.url}), ${Math.round(performance.now() - began)} ms`);
  } catch (error) {
    const hint =
      dataDir === undefined || runningServer(dataDir)
        ? ""
        : `; no server of ${dataDir} runs on this machine (signalbox serve)`;
    return check("reachable", "fail", `${error instanceof Error ? error.message : error} (${from.url})${hint}`);
  }
}

async function token({ client, settings }: Context): Promise<HealthCheck[]> {
  try {
    const who = await client.whoami(QUICK);
    const acts = who.agentId ? `, acts as ${who.agentId}` : "";
    const role = `${who.role}${acts}${who.prefix ? `, registers ${who.prefix}*` : ""}`;
    return [check("token", "ok", `${who.tokenId} (${settings.from.token})`), check("role", "ok", role)];
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    return [check("token", "fail", settings.token ? `${reason} (${settings.from.token})` : settings.from.token)];
  }
}

/** The relay's own report, and the difference between its clock and ours. */
async function health({ client }: Context): Promise<HealthCheck[]> {
  const before = Date.now();
  try {
    const report = await client.health(QUICK);
    return [
      ...report.checks.map(({ name, ...rest }) => ({ ...rest, name: `relay ${name}` })),
      clock(report, before, Date.now()),
    ];
  } catch (error) {
    if (error instanceof RelayProblem && error.status === 403) return [check("relay", "ok", error.message)];
    return [check("relay", "warn", `no report: ${error instanceof Error ? error.message : error}`)];
  }
}

const CLOCK_WARN_MS = 2_000;

function clock({ generatedAt }: HealthReport, before: number, after: number): HealthCheck {
  const at = Date.parse(generatedAt);
  const offMs = at < before ? at - before : Math.max(0, at - after);
  const seconds = (Math.abs(offMs) / 1000).toFixed(1);
  if (Math.abs(offMs) < CLOCK_WARN_MS) return check("clock", "ok", `${seconds} s apart`);
  const way = offMs < 0 ? "behind" : "ahead of";
  return check(
    "clock",
    "warn",
    `the relay is ${seconds} s ${way} this machine: times given with a message mean its clock`,
  );
}

/** Checks the mode of the token file: every reader of the operator's token can act as the operator. */
function tokenFile({ dataDir }: Settings): HealthCheck[] {
  if (dataDir === undefined || !existsSync(tokenFileIn(dataDir))) return [];
  const file = tokenFileIn(dataDir);
  const mode = statSync(file).mode & 0o777;
  if ((mode & 0o077) === 0) return [check("token file", "ok", `${file} is its owner's alone`)];
  return [check("token file", "warn", `${file} can be read by others (mode ${mode.toString(8)}): chmod 600`)];
}

const MIB = 1024 * 1024;

function disk({ dataDir }: Settings): HealthCheck[] {
  if (dataDir === undefined || !existsSync(dataDir)) return [];
  const { bavail, bsize } = statfsSync(dataDir);
  const freeMib = (bavail * bsize) / MIB;
  const status = freeMib < 100 ? "fail" : freeMib < 1024 ? "warn" : "ok";
  return [check("disk", status, `${Math.round(freeMib)} MiB free for ${dataDir}`)];
}

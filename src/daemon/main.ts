import { mkdirSync } from "node:fs";
import { hostname } from "node:os";
import { findMarked } from "../harness/providers/process/processes.ts";
import { endMarked } from "../harness/providers/process/sweep.ts";
import { prefixOf } from "./config.ts";
import { absolute, CONFIG_PATH, readConfig, readToken } from "./config-file.ts";
import { createDaemon } from "./daemon.ts";
import { DaemonError } from "./errors.ts";
import { openJournal, pidOf } from "./journal/journal.ts";
import { isSuperseded } from "./presence.ts";
import { makeProviders } from "./providers.ts";
import type { Log } from "./services.ts";
import { systemTime } from "./time.ts";

export interface Start {
  /** Path of the configuration; the usual one when left out. */
  configPath?: string | undefined;
  environment: Readonly<Record<string, string | undefined>>;
  /** Command line that starts the relay's MCP server on stdio. */
  bridge: readonly string[];
  log: Log;
  /** Fires when the daemon is asked to stop. */
  stop: AbortSignal;
}

/** Runs a daemon until it is asked to stop, or a newer one takes its place. @throws DaemonError when it cannot start, or the relay takes it no more */
export async function runDaemon({ configPath = CONFIG_PATH, environment, bridge, log, stop }: Start): Promise<void> {
  const config = readConfig(absolute(configPath, "--config"));
  const token = readToken(config, environment);
  mkdirSync(config.workspace, { recursive: true });
  const journal = openJournal(config.journal, process.pid);
  const given = Object.fromEntries(Object.entries(environment).filter(([name]) => !name.startsWith("SIGNALBOX_")));
  const providers = await makeProviders(config, { environment: stringsOf(given), bridge });
  const daemon = createDaemon({
    ...{ config, token, journal, providers, time: systemTime, log },
    ...{ environment: given, hostname: hostname(), processes: { findMarked, endMarked } },
  });
  const stopped = new Promise<void>((resolve) => stop.addEventListener("abort", () => resolve(), { once: true }));
  try {
    const started = daemon.start();
    started.catch(() => undefined);
    await Promise.race([started, stopped]);
    if (stop.aborted) {
      log("Stopping: the start is not over");
      await daemon.stop(0);
      return;
    }
    const agents = config.providers.map(({ name }) => `${prefixOf(config)}${name}`);
    log(`Orchestrator ${config.id} runs`, { relay: config.relay, agents });
    void giveMemoryBack(stop);
    const reason = await Promise.race([daemon.ended, stopped]);
    if (reason) throw reason;
    log("Stopping: running turns may end", { minutes: config.stopMinutes });
    await daemon.stop(config.stopMinutes * 60_000);
  } catch (error) {
    // No failure: a service that began again would supersede the newer daemon in turn.
    if (!(error instanceof Error && isSuperseded(error))) throw error;
    log(error.message);
  } finally {
    journal.close();
  }
}

const SETTLED_MS = 10_000;

/** Gives the memory that the start took back to the machine: an idle daemon keeps 10 MB less. */
async function giveMemoryBack(stop: AbortSignal): Promise<void> {
  await systemTime.sleep(SETTLED_MS, stop).catch(() => undefined);
  Bun.gc(true);
  Bun.shrink();
}

const stringsOf = (given: Readonly<Record<string, string | undefined>>): Record<string, string> =>
  Object.fromEntries(Object.entries(given).flatMap(([name, value]) => (value === undefined ? [] : [[name, value]])));

/**
 * Asks the daemon of a configuration to stop, and waits until it has.
 * @returns its process @throws DaemonError when none runs
 */
export async function stopDaemon(configPath: string | undefined, waitMs = 86_400_000): Promise<number> {
  const config = readConfig(absolute(configPath ?? CONFIG_PATH, "--config"));
  const pid = pidOf(config.journal);
  if (pid === undefined || !runs(pid)) throw new DaemonError("No daemon of this configuration runs.");
  process.kill(pid, "SIGTERM");
  const until = systemTime.now() + waitMs;
  while (runs(pid) && systemTime.now() < until) await systemTime.sleep(200);
  if (runs(pid)) throw new DaemonError(`Process ${pid} has not ended yet.`);
  return pid;
}

function runs(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}

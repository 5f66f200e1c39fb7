import { execFile } from "node:child_process";
import { readdirSync, readFileSync } from "node:fs";
import type { LeftProcess } from "../provider.ts";
import { MARKER, type MarkedProcess } from "./marker.ts";
import { markedInPs, PS_COLUMNS } from "./ps.ts";

/**
 * Processes of this user with a marker, this one aside. Processes that cleared their environment are not among them.
 * On macOS `startTicks` are seconds since 1970, as exact as `ps` says.
 */
export async function findMarked(): Promise<MarkedProcess[]> {
  const found = process.platform === "linux" ? markedInProc() : markedInPs(await ps());
  return found.filter(({ pid }) => pid !== process.pid);
}

/** Start of a process, which names it together with its pid; null when it does not run. */
export async function startTicksOf(pid: number): Promise<number | null> {
  if (process.platform === "linux") return startInProc(pid);
  const text = await ps("-p", String(pid)).catch(() => "");
  return markedInPs(text, true).find((one) => one.pid === pid)?.startTicks ?? null;
}

/** Signals a process that is still the one meant. A later process with its pid is left alone. */
export async function signalProcess({ pid, startTicks }: LeftProcess, signal: NodeJS.Signals): Promise<void> {
  if ((await startTicksOf(pid)) !== startTicks) return;
  try {
    process.kill(pid, signal);
  } catch (error) {
    // Ended meanwhile, or runs as another user by now: the next look shows it.
    const { code } = error as NodeJS.ErrnoException;
    if (code !== "ESRCH" && code !== "EPERM") throw error;
  }
}

const MARK = Buffer.from(`${MARKER}=`);

function markedInProc(): MarkedProcess[] {
  return readdirSync("/proc").flatMap((name) => {
    const pid = Number(name);
    if (!Number.isInteger(pid)) return [];
    const environ = readProc(pid, "environ");
    const sessionId = environ?.includes(MARK) ? markIn(environ.toString("latin1")) : undefined;
    const startTicks = sessionId ? startInProc(pid) : null;
    if (!sessionId || startTicks === null) return [];
    const [command = ""] = readProc(pid, "cmdline")?.toString("utf8").split("\0") ?? [];
    return [{ sessionId, pid, startTicks, command }];
  });
}

const markIn = (environ: string): string | undefined =>
  environ
    .split("\0")
    .find((one) => one.startsWith(`${MARKER}=`))
    ?.slice(MARKER.length + 1);

/** State and start are counted from the end of the name, which may hold spaces and parentheses. */
function startInProc(pid: number): number | null {
  const stat = readProc(pid, "stat")?.toString("latin1");
  const fields = stat?.slice(stat.lastIndexOf(")") + 2).split(" ");
  // Z: ended, and not yet asked after by its parent.
  return fields && fields[0] !== "Z" ? Number(fields[19]) : null;
}

function readProc(pid: number, name: string): Buffer | undefined {
  try {
    return readFileSync(`/proc/${pid}/${name}`);
  } catch {
    // Ended meanwhile, or another user's.
    return undefined;
  }
}

function ps(...select: string[]): Promise<string> {
  const args = ["-E", "-ww", ...(select.length > 0 ? select : ["-A"]), ...PS_COLUMNS];
  const options = { env: { LC_ALL: "C", TZ: "UTC" }, maxBuffer: 64 * 1024 * 1024 };
  return new Promise((resolve, reject) =>
    execFile("/bin/ps", args, options, (error, stdout) => (error ? reject(error) : resolve(stdout))),
  );
}

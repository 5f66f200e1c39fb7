import { execFile } from "node:child_process";
import { existsSync, readdirSync, readFileSync } from "node:fs";

/** Work that the machine saw one process do. */
export interface Worked {
  pid: number;
  /** Time of the processor, in hundredths of a second. */
  ticks: number;
  /** Time since its start. */
  ageMs: number;
}

/** Work of a process, with that of its ended children where the machine says it, and of every process below it. */
export interface Effort extends Worked {
  below: Worked[];
}

/** Finds what a process has done; undefined where it is gone, or the machine does not say. */
export type EffortOf = (pid: number) => Effort | undefined;

/** Most processes below one. */
const MAX_BELOW = 1000;
const HERTZ = 100;

/** Looks at the processes of this machine: in /proc, else by `ps`. */
export async function lookAround(): Promise<EffortOf> {
  return existsSync(`/proc/${process.pid}/task/${process.pid}/children`) ? inProc : inPs(await ps());
}

function inProc(pid: number): Effort | undefined {
  try {
    const uptime = Number(readFileSync("/proc/uptime", "utf8").split(" ")[0]) * 1000;
    const own = statOf(pid, uptime, true);
    const below: Worked[] = [];
    for (const child of childrenOf(pid)) walk(child, uptime, below);
    return { ...own, below };
  } catch {
    return undefined;
  }
}

/** Adds a process and those below it. One that has ended meanwhile is left out. */
function walk(pid: number, uptime: number, found: Worked[]): void {
  if (found.length >= MAX_BELOW) return;
  try {
    found.push(statOf(pid, uptime, false));
    for (const child of childrenOf(pid)) walk(child, uptime, found);
  } catch {
    // Ended.
  }
}

/** @throws Error for a process that has ended, or that nobody has asked after */
function statOf(pid: number, uptime: number, withEnded: boolean): Worked {
  const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  if (fields[0] === "Z") throw new Error(`process ${pid} has ended`);
  const ticks = (withEnded ? [11, 12, 13, 14] : [11, 12]).reduce((sum, at) => sum + Number(fields[at]), 0);
  return { pid, ticks, ageMs: uptime - (Number(fields[19]) * 1000) / HERTZ };
}

/** Children of all threads: any of them starts processes. */
function childrenOf(pid: number): number[] {
  return readdirSync(`/proc/${pid}/task`).flatMap((thread) =>
    readFileSync(`/proc/${pid}/task/${thread}/children`, "utf8").split(" ").filter(Boolean).map(Number),
  );
}

/** Columns that `inPs` reads. POSIX has all of them. */
const PS_ARGS = ["-A", "-o", "pid=", "-o", "ppid=", "-o", "time=", "-o", "etime="];

/** Output of `ps`; empty where it fails, so that nothing is known of any process. */
function ps(): Promise<string> {
  const options = { env: { LC_ALL: "C", PATH: "/bin:/usr/bin" }, maxBuffer: 16 * 1024 * 1024 };
  return new Promise((resolve) => execFile("ps", PS_ARGS, options, (error, stdout) => resolve(error ? "" : stdout)));
}

/** Processes in the output of `ps`. */
export function inPs(text: string): EffortOf {
  const all = new Map<number, Worked>();
  const children = new Map<number, number[]>();
  for (const line of text.split("\n")) {
    const [, pid, parent, time = "", age = ""] = /^\s*(\d+)\s+(\d+)\s+(\S+)\s+(\S+)\s*$/.exec(line) ?? [];
    if (!pid || !parent) continue;
    all.set(Number(pid), {
      pid: Number(pid),
      ticks: Math.round(secondsOf(time) * HERTZ),
      ageMs: secondsOf(age) * 1000,
    });
    children.set(Number(parent), [...(children.get(Number(parent)) ?? []), Number(pid)]);
  }
  return (pid) => {
    const own = all.get(pid);
    if (!own) return undefined;
    const below: Worked[] = [];
    const queue = [...(children.get(pid) ?? [])];
    for (let next = queue.shift(); next !== undefined && below.length < MAX_BELOW; next = queue.shift()) {
      const one = all.get(next);
      if (one) below.push(one);
      queue.push(...(children.get(next) ?? []));
    }
    return { ...own, below };
  };
}

/** Seconds of `12:34.56`, `01:02:03` or `4-01:02:03`. */
function secondsOf(text: string): number {
  const [days, clock = text] = text.includes("-") ? text.split("-") : ["0", text];
  return clock.split(":").reduce((sum, part) => sum * 60 + Number(part), 0) + Number(days) * 86_400;
}

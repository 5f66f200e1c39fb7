import { closeSync, openSync } from "node:fs";
import { createServer } from "node:net";

/** The servers that this run started. Each is stopped by its own id, at the latest when the run ends. */
const running = new Map<Bun.Subprocess, string>();

export interface Child {
  pid: number;
  /** Output on stdout and stderr so far. */
  output(): Promise<string>;
  stop(): Promise<void>;
}

/** Starts a server whose output goes to `log`: a pipe nobody reads would slow it down. */
export function startChild(command: string[], log: string, env: Record<string, string> = {}): Child {
  const output = openSync(log, "w");
  const child = Bun.spawn(command, {
    env: { ...process.env, ...env },
    stdin: "ignore",
    stdout: output,
    stderr: output,
  });
  closeSync(output);
  running.set(child, log);
  return { pid: child.pid, output: () => Bun.file(log).text(), stop: () => stop(child) };
}

/** The last lines that each server wrote, for when something went wrong. */
export async function lastWords(): Promise<string> {
  const logs = [...new Set(running.values())].map((log) => Bun.file(log).text());
  return (await Promise.all(logs)).map((text) => text.split("\n").slice(-20).join("\n")).join("\n");
}

export async function stopChildren(): Promise<void> {
  await Promise.all([...running.keys()].map(stop));
}

async function stop(child: Bun.Subprocess): Promise<void> {
  child.kill("SIGTERM");
  const late = setTimeout(() => child.kill("SIGKILL"), 15_000);
  await child.exited;
  clearTimeout(late);
  running.delete(child);
}

/** Tries until `probe` answers something, for at most `seconds`. */
export async function until<T>(what: string, probe: () => Promise<T | undefined>, seconds = 30): Promise<T> {
  const deadline = performance.now() + seconds * 1000;
  while (performance.now() < deadline) {
    const found = await probe().catch(() => undefined);
    if (found !== undefined) return found;
    await Bun.sleep(2);
  }
  throw new Error(`${what} did not happen within ${seconds} s`);
}

export async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((done) => server.listen(0, "127.0.0.1", done));
  const address = server.address();
  await new Promise((done) => server.close(done));
  if (address === null || typeof address === "string") throw new Error("no free port");
  return address.port;
}

/** Resident memory of a process, in bytes. */
export const residentBytes = async (pid: number): Promise<number> => 1024 * (await processFigure(pid, "rss"));

/** Waits until a server has finished what it does in the background: three seconds without a second of processor time. */
export async function untilQuiet(pid: number): Promise<void> {
  let before = -1;
  for (let now = await processFigure(pid, "cputimes"); now !== before; now = await processFigure(pid, "cputimes")) {
    before = now;
    await Bun.sleep(3000);
  }
}

/** Processor time that a process has used, to a hundredth of a second (proc(5)). */
export async function processorSeconds(pid: number): Promise<number> {
  const stat = await Bun.file(`/proc/${pid}/stat`).text();
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  return (Number(fields[11]) + Number(fields[12])) / 100;
}

async function processFigure(pid: number, column: "rss" | "cputimes"): Promise<number> {
  const ps = Bun.spawn(["ps", "-o", `${column}=`, "-p", String(pid)], { stdin: "ignore" });
  const figure = Number.parseInt(await new Response(ps.stdout).text(), 10);
  if (Number.isNaN(figure)) throw new Error(`ps says nothing of the ${column} of process ${pid}`);
  return figure;
}

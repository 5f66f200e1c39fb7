import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { BUN_FLAGS } from "../../src/cli/own.ts";
import { ENGINE, PROGRAM } from "./program.ts";
import type { WarmCall } from "./warm-cli.ts";

export interface Ran {
  code: number;
  stdout: string;
  stderr: string;
}

interface Run {
  env?: Record<string, string>;
  stdin?: string;
  cwd?: string;
}

/** The program in a process of its own, with an environment that has nothing of ours. */
export function startCli(args: string[], { env = {}, stdin, cwd }: Run = {}) {
  const child = Bun.spawn([...PROGRAM, ...args], {
    cwd,
    env: { PATH: process.env.PATH, HOME: tmpdir(), ...ENGINE, ...env },
    stdin: new Blob([stdin ?? ""]),
    stdout: "pipe",
    stderr: "pipe",
  });
  let stdout = "";
  const reading = (async () => {
    const words = new TextDecoder();
    for await (const bytes of child.stdout) stdout += words.decode(bytes, { stream: true });
  })();
  let stderr = "";
  const complaints = (async () => {
    const words = new TextDecoder();
    for await (const bytes of child.stderr) stderr += words.decode(bytes, { stream: true });
    return stderr;
  })();
  const ended = (async (): Promise<Ran> => {
    await reading;
    return { code: await child.exited, stdout, stderr: await complaints };
  })();
  /** Output until now. */
  return { child, ended, printed: () => stdout, complained: () => stderr };
}

export const runCli = (args: string[], run?: Run): Promise<Ran> => startCli(args, run).ended;

interface WarmProcess {
  call(line: WarmCall): Promise<Ran>;
}
const idle: WarmProcess[] = [];

function startWarm(): WarmProcess {
  let settle = Promise.withResolvers<Ran>();
  const child = Bun.spawn([process.execPath, ...BUN_FLAGS, join(import.meta.dir, "warm-cli.ts")], {
    stdio: ["ignore", "inherit", "inherit"],
    ipc: (ran: Ran) => settle.resolve(ran),
    onExit: () => settle.reject(new Error("the command ended its process")),
  });
  child.unref();
  return {
    call(line) {
      settle = Promise.withResolvers();
      child.send(line);
      return settle.promise;
    },
  };
}

/**
 * The program, as `runCli`, in a process that has run others before it: it costs a tenth of a start. For commands that end by
 * themselves and are not about their process: signals, pipes, children.
 */
export async function callCli(args: string[], { env = {}, cwd = process.cwd(), stdin = "" }: Run = {}): Promise<Ran> {
  const warm = idle.pop() ?? startWarm();
  const whole = { PATH: process.env.PATH ?? "", HOME: tmpdir(), ...ENGINE, ...env };
  const ran = await warm.call({ program: PROGRAM.at(-1) ?? "", args, env: whole, cwd, stdin });
  idle.push(warm);
  return ran;
}

export function tempFolder() {
  const path = mkdtempSync(join(tmpdir(), "signalbox-test-"));
  return { path, remove: () => rmSync(path, { recursive: true, force: true }) };
}

/** Writes a file and makes the folders above it. */
export function putFile(path: string, text: string | Uint8Array): void {
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, text);
}

/** Runs a line in a shell, as a harness of the person with this home does. */
export async function runLine(line: string, home: string, stdin = "", env: Record<string, string> = {}) {
  const child = Bun.spawn(["sh", "-c", line], {
    env: { PATH: process.env.PATH ?? "", HOME: home, ...ENGINE, ...env },
    stdin: new Blob([stdin]),
    stdout: "pipe",
    stderr: "ignore",
  });
  return { stdout: await new Response(child.stdout).text(), code: await child.exited };
}

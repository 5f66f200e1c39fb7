import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { BUN_FLAGS } from "../src/cli/own.ts";

const MAIN = join(import.meta.dir, "../src/cli/main.ts");

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
  const child = Bun.spawn([process.execPath, ...BUN_FLAGS, MAIN, ...args], {
    cwd,
    env: { PATH: process.env.PATH, HOME: tmpdir(), ...env },
    stdin: new Blob([stdin ?? ""]),
    stdout: "pipe",
    stderr: "pipe",
  });
  let stdout = "";
  const reading = (async () => {
    const words = new TextDecoder();
    for await (const bytes of child.stdout) stdout += words.decode(bytes, { stream: true });
  })();
  const complaints = new Response(child.stderr).text();
  const ended = (async (): Promise<Ran> => {
    await reading;
    return { code: await child.exited, stdout, stderr: await complaints };
  })();
  /** What it has printed until now. */
  return { child, ended, printed: () => stdout };
}

export const runCli = (args: string[], run?: Run): Promise<Ran> => startCli(args, run).ended;

export function tempFolder() {
  const path = mkdtempSync(join(tmpdir(), "signalbox-test-"));
  return { path, remove: () => rmSync(path, { recursive: true, force: true }) };
}

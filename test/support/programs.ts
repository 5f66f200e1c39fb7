import { readFileSync } from "node:fs";
import { join } from "node:path";
import { ENGINE } from "./program.ts";
import { firstUrl } from "./server.ts";

export interface Ran {
  code: number;
  stdout: string;
  stderr: string;
}

/** Starts a command in a folder. Its environment has a PATH, a home, and what is given. */
export function startIn(cwd: string, command: string[], env: Record<string, string> = {}, stdin = "") {
  const { PATH = "", HOME = "" } = process.env;
  return Bun.spawn(command, {
    cwd,
    env: { PATH, HOME, ...ENGINE, ...env },
    stdin: new Blob([stdin]),
    stdout: "pipe",
    stderr: "pipe",
  });
}

/** Runs a command in a folder to its end. */
export async function runIn(...[cwd, command, env, stdin]: Parameters<typeof startIn>): Promise<Ran> {
  const child = startIn(cwd, command, env, stdin);
  const [stdout, stderr] = await Promise.all([new Response(child.stdout).text(), new Response(child.stderr).text()]);
  return { code: await child.exited, stdout, stderr };
}

/** Starts a relay on a free port by its command line. */
export async function startRelayBy(cwd: string, command: string[], dataDir: string) {
  const child = startIn(cwd, [...command, "serve", "--port", "0", "--data", dataDir]);
  const url = await firstUrl(child.stdout, []);
  const token = readFileSync(join(dataDir, "operator.token"), "utf8").trim();
  const ask = (path: string, init: RequestInit = {}) =>
    fetch(url + path, { ...init, headers: { authorization: `Bearer ${token}`, ...init.headers } });
  return { child, url, token, ask };
}

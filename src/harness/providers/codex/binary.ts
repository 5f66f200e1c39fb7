import { execFile } from "node:child_process";
import { existsSync, realpathSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import { HarnessError } from "../../errors.ts";
import type { Environment } from "../provider.ts";

const ARCHITECTURES: Record<string, string> = { x64: "x86_64", arm64: "aarch64" };
const SYSTEMS: Record<string, string> = { linux: "unknown-linux-musl", darwin: "apple-darwin" };

/**
 * Path of the program behind npm's launcher, which would stay in memory beside it. The command itself where it is no launcher, or
 * the program is elsewhere.
 */
export function nativeBinary(command: string, { PATH = "" }: Environment): string {
  const file = command.includes("/") ? command : Bun.which(command, { PATH });
  if (!file || !existsSync(file)) return command;
  const launcher = realpathSync(file);
  if (basename(launcher) !== "codex.js") return command;
  const root = dirname(dirname(launcher));
  const target = `${ARCHITECTURES[process.arch]}-${SYSTEMS[process.platform]}`;
  const name = `codex-${process.platform}-${process.arch}`;
  const folders = [join(root, "node_modules/@openai", name), join(dirname(root), name), root];
  const paths = folders.flatMap((folder) => [
    join(folder, "vendor", target, "bin/codex"),
    join(folder, "vendor", target, "codex/codex"),
  ]);
  return paths.find((path) => existsSync(path)) ?? command;
}

/** Way to talk to a version of Codex. `server`: `codex app-server`; `exec`: one process for each turn. */
export type CodexMode = "server" | "exec";

const ANSWER_MS = 15_000;
const INSTALL = "npm install -g @openai/codex";

/** Version of a Codex, and how it is talked to. @throws HarnessError when it is not there, or too old */
export async function examine(
  words: readonly string[],
  environment: Environment,
  signal?: AbortSignal,
): Promise<{ version: string; mode: CodexMode }> {
  const said = await output([...words, "--version"], environment, signal);
  const version = /\d+\.\d+\.\d+\S*/.exec(said)?.[0];
  if (!version)
    throw new HarnessError("usage", `${words.join(" ")} says no version: is it Codex? Install it: ${INSTALL}`);
  const help = await output([...words, "app-server", "--help"], environment, signal).catch(() => "");
  if (/^Usage: \S+ app-server\b/m.test(help)) return { version, mode: "server" };
  const exec = await output([...words, "exec", "--help"], environment, signal).catch(() => "");
  if (/--json\b/.test(exec)) return { version, mode: "exec" };
  throw new HarnessError(
    "usage",
    `Codex ${version} is too old: it has no app-server and no JSON. Update it: ${INSTALL}`,
  );
}

function output(words: readonly string[], environment: Environment, signal?: AbortSignal): Promise<string> {
  const [file = "", ...args] = words;
  return new Promise((resolve, reject) => {
    const options = { env: { ...environment }, timeout: ANSWER_MS, maxBuffer: 1024 * 1024, ...(signal && { signal }) };
    const child = execFile(file, args, options, (error, stdout) => {
      if (!error) return resolve(stdout);
      if (signal?.aborted) return reject(signal.reason);
      const isMissing = (error as NodeJS.ErrnoException).code === "ENOENT";
      const why = isMissing ? "cannot be found" : `cannot be run: ${error.message.split("\n")[0]}`;
      reject(new HarnessError("usage", `${file} ${why}. Install it: ${INSTALL}`));
    });
    child.stdin?.end();
  });
}

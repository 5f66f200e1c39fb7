import { readFileSync, statSync } from "node:fs";
import { homedir } from "node:os";
import { isAbsolute, join, resolve } from "node:path";
import { type ParseError, parse } from "jsonc-parser";
import { systemReason } from "../harness/system-errors.ts";
import { DaemonConfig } from "./config.ts";
import { DaemonError } from "./errors.ts";

export const CONFIG_PATH = "~/.config/signalbox/orchestrator.json";

/** Path with `~/` resolved. Relative paths are refused: nothing is taken from the folder that the daemon runs in. */
export function absolute(path: string, about: string): string {
  const whole = path === "~" || path.startsWith("~/") ? join(homedir(), path.slice(1)) : path;
  if (!isAbsolute(whole)) throw new DaemonError(`${about}: "${path}" has to be a whole path, or begin with ~/.`);
  return resolve(whole);
}

/** Reads a configuration, JSON with or without comments. @throws DaemonError with the member that is wrong */
export function readConfig(path: string): DaemonConfig {
  let text: string;
  try {
    text = readFileSync(path, "utf8");
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT")
      throw new DaemonError(`There is no configuration at ${path}. Make one: signalbox orchestrator init.`);
    throw new DaemonError(`${path} cannot be read: ${systemReason(error) ?? error}.`);
  }
  return parseConfig(text, path);
}

export function parseConfig(text: string, path: string): DaemonConfig {
  const errors: ParseError[] = [];
  const value: unknown = parse(text, errors, { allowTrailingComma: true });
  const [first] = errors;
  if (first) {
    const line = text.slice(0, first.offset).split("\n").length;
    throw new DaemonError(`${path} is no JSON: look at line ${line}.`);
  }
  const parsed = DaemonConfig.safeParse(value);
  if (!parsed.success) {
    const flaws = parsed.error.issues.map((issue) => `${issue.path.join(".") || "the file"}: ${issue.message}`);
    throw new DaemonError(`${path} cannot be used. ${flaws.join("; ")}.`);
  }
  const config = parsed.data;
  const names = config.providers.map(({ name }) => name);
  const twice = names.find((name, at) => names.indexOf(name) !== at);
  if (twice) throw new DaemonError(`${path}: providers: ${twice} is there twice.`);
  return {
    ...config,
    workspace: absolute(config.workspace, "workspace"),
    journal: absolute(config.journal, "journal"),
  };
}

/** Token of the orchestrator: from its file, else from the environment. @throws DaemonError */
export function readToken(
  { tokenFile }: DaemonConfig,
  environment: Readonly<Record<string, string | undefined>>,
): string {
  if (tokenFile === undefined) {
    const token = environment.SIGNALBOX_TOKEN?.trim();
    if (token) return token;
    throw new DaemonError("The daemon has no token. Name a file in tokenFile, or set SIGNALBOX_TOKEN.");
  }
  const path = absolute(tokenFile, "tokenFile");
  let mode: number;
  let token: string;
  try {
    mode = statSync(path).mode;
    token = readFileSync(path, "utf8").trim();
  } catch (error) {
    throw new DaemonError(`The token's file ${path} cannot be read: ${systemReason(error) ?? error}.`);
  }
  if ((mode & 0o077) !== 0) throw new DaemonError(`Others can read ${path}. Close it: chmod 600 ${path}.`);
  if (token === "") throw new DaemonError(`${path} is empty. Put the orchestrator's token into it.`);
  return token;
}

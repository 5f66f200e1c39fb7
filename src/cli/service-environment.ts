import { statSync } from "node:fs";
import type { DaemonConfig } from "../daemon/config.ts";
import { EXIT, Stop } from "./exit.ts";
import { textAt } from "./service-file.ts";

type Environment = Readonly<Record<string, string | undefined>>;

/** Names that every service carries. XDG_RUNTIME_DIR is the manager's own. */
const USUAL = ["PATH", "HOME", "LANG", "XDG_CONFIG_HOME", "XDG_DATA_HOME", "XDG_STATE_HOME", "XDG_CACHE_HOME"];

const SECRET_NAME = /token|key|secret|passw|passphrase|credential|cookie|(^|_)(pat|pwd)$/i;
/** Beginnings of common keys, and addresses with a password. */
const SECRET_VALUE =
  /^(sk|rk|sb|gh[a-z]|github_pat|glpat|xox[a-z]|hf)[-_]|^(AKIA|eyJ|-----BEGIN)|:\/\/[^/\s@]*:[^/\s]*@/;
/** Lines of a unit cannot hold them. */
const CONTROL = /\p{Cc}/u;

/** Variables for the file of a service, and the names of those that it must not hold: secrets, and texts of several lines. */
export function splitEnvironment({ envKeys, providers }: DaemonConfig, environment: Environment) {
  const variables: Record<string, string> = {};
  const withheld: string[] = [];
  for (const name of new Set([...USUAL, ...envKeys, ...providers.flatMap(({ env }) => env)])) {
    const value = environment[name];
    // The daemon gives no CLI a name of ours.
    if (value === undefined || name.startsWith("SIGNALBOX_")) continue;
    const isSecret = !USUAL.includes(name) && (SECRET_NAME.test(name) || SECRET_VALUE.test(value));
    if (isSecret || CONTROL.test(value)) withheld.push(name);
    else variables[name] = value;
  }
  return { variables, withheld };
}

/** Names that a file of variables gives. @throws Stop when others can read it */
export function namesIn(path: string): string[] {
  const text = textAt(path);
  if (text === undefined) return [];
  if ((statSync(path).mode & 0o077) !== 0)
    throw new Stop(EXIT.usage, `Others can read ${path}. Close it: chmod 600 ${path}.`);
  return [...text.matchAll(/^\s*(?:export\s+)?([A-Za-z_]\w*)=/gm)].map(([, name = ""]) => name);
}

import { existsSync, statSync } from "node:fs";
import { parse as parseJson } from "jsonc-parser";
import { parse as parseToml } from "smol-toml";
import type { HealthCheck } from "../../protocol/health.ts";
import { personalFolders } from "../folders.ts";
import { HARNESSES, type Harness, titleOf } from "../harnesses.ts";
import { findKeys } from "../keys.ts";
import { launcherFile, missingOf, wordsOf } from "../launcher.ts";
import { harnessChanges } from "./changes.ts";

/** Entries of `connect` in one file of a harness, each as the words of its command. */
interface Entries {
  harness: Harness;
  file: string;
  lines: string[][];
}

/** Checks that the entries of `connect`, for this folder and for the person, name programs and keys that exist. Empty without entries. */
export function hooksChecks(): HealthCheck[] {
  const found = HARNESSES.flatMap((harness) => entriesOf(harness));
  if (found.length === 0) return [];
  return [...launcherCheck(found), ...found.map(entriesCheck)];
}

function launcherCheck(found: readonly Entries[]): HealthCheck[] {
  const launcher = launcherFile(personalFolders().signalbox);
  if (!found.some(({ lines }) => lines.some((words) => words[0] === launcher))) return [];
  const missing = missingOf(personalFolders().signalbox);
  if (missing?.length === 0) return [{ name: "launcher", status: "ok", detail: `${launcher} finds this program` }];
  const why = missing ? `looks for ${missing.join(" and ")}, which does not exist` : "does not exist";
  return [{ name: "launcher", status: "fail", detail: `${launcher} ${why}: signalbox connect writes it again` }];
}

function entriesCheck({ harness, file, lines }: Entries): HealthCheck {
  const name = `hooks of ${titleOf(harness)}`;
  const again = `signalbox connect ${harness} writes them again`;
  const places = [...new Set(lines.flat().filter((word) => word.startsWith("/")))];
  const missing = places.filter((place) => !existsSync(place));
  if (missing.length)
    return { name, status: "fail", detail: `${file} names ${missing.join(" and ")}, which does not exist: ${again}` };
  const keys = places.filter((place) => place.endsWith(".json"));
  const bad = keys.find((place) => !findKeys(place));
  if (bad) return { name, status: "fail", detail: `${bad} holds no valid keys: ${again}` };
  const open = keys.find((place) => (statSync(place).mode & 0o077) !== 0);
  if (open) return { name, status: "warn", detail: `${open} can be read by others: chmod 600` };
  return { name, status: "ok", detail: `${file}: everything that it names exists` };
}

function entriesOf(harness: Harness): Entries[] {
  const files = new Map<string, string>();
  for (const scope of ["project", "user"] as const)
    for (const { file, before } of readable(harness, scope)) if (before !== undefined) files.set(file, before);
  return [...files].flatMap(([file, text]) => {
    const lines = linesIn(file.endsWith(".toml") ? tomlIn(text) : parseJson(text));
    return lines.length ? [{ harness, file, lines }] : [];
  });
}

/** Files of a harness; none when one of them is invalid, which `connect` reports. */
function readable(harness: Harness, scope: "project" | "user") {
  try {
    return harnessChanges(harness, scope, undefined);
  } catch {
    return [];
  }
}

function tomlIn(text: string): unknown {
  try {
    return parseToml(text, { integersAsBigInt: true });
  } catch {
    return undefined;
  }
}

/** Commands of this program anywhere in a file: shell lines, or a command with its arguments. */
function linesIn(value: unknown): string[][] {
  if (typeof value === "string") return / hook [\w-]+ .*--keys /.test(value) ? [wordsOf(value)] : [];
  if (typeof value !== "object" || value === null) return [];
  const { command, args } = value as { command?: unknown; args?: unknown };
  const words = [command, args].flat().filter((word) => typeof word === "string");
  if (words.includes("mcp-bridge")) return [words];
  return Object.values(value).flatMap(linesIn);
}

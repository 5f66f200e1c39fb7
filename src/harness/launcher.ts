import { chmodSync, existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { personalFolders } from "./folders.ts";
import { writePrivately } from "./private-file.ts";

/**
 * Path of the launcher. The files of harnesses name it, a script in the person's own folder, instead of this checkout. After the
 * checkout has moved, the first command called in its new place repairs the launcher, which until then runs `signalbox` of the PATH.
 */
export const launcherFile = (folder: string): string => join(folder, "bin", "signalbox");

/** Quotes a word for the shell that a harness passes its lines to. */
export const quoted = (word: string): string =>
  /^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", `'\\''`)}'`;

/** Splits a line that `quoted` wrote into words, as a shell does. */
export const wordsOf = (line: string): string[] =>
  (line.match(/(?:'[^']*'|\\.|[^\s'])+/g) ?? []).map((word) => word.replace(/'([^']*)'|\\(.)/g, "$1$2"));

const MARK = "exec ";

function launcherText(own: readonly string[]): string {
  const places = own.filter((word) => word.startsWith("/") && word !== "/dev/null");
  const isThere = own.some((word) => word.startsWith("/"))
    ? own.flatMap((word) => (word.startsWith("/") ? [`[ -e ${quoted(word)} ]`] : [])).join(" && ")
    : "true";
  return `#!/bin/sh
# Starts Signalbox for the hooks and tools of harnesses. Written by \`signalbox connect\`; mended by any command of a
# checkout that has moved.
if ${isThere}; then
  ${MARK}${own.map(quoted).join(" ")} "$@"
fi
if other=$(command -v signalbox) && [ "$other" != "$0" ]; then exec "$other" "$@"; fi
# Hooks never stand in an agent's way.
if [ "\${1-}" = hook ] && [ "\${2-}" != headers ]; then exit 0; fi
echo ${quoted(`signalbox: ${places.join(" and ")} cannot be found. Run any signalbox command from its new place, or signalbox connect again.`)} >&2
exit 127
`;
}

/** Files that the launcher needs and that are missing; `undefined` without a launcher. */
export function missingOf(folder: string): string[] | undefined {
  const line = readText(launcherFile(folder))
    ?.split("\n")
    .find((text) => text.trim().startsWith(MARK));
  return line === undefined ? undefined : wordsOf(line).filter((word) => word.startsWith("/") && !existsSync(word));
}

/** @param own command line that starts this program */
export function writeLauncher(folder: string, own: readonly string[]): void {
  writePrivately(launcherFile(folder), launcherText(own));
  chmodSync(launcherFile(folder), 0o700);
}

/** Points a launcher of a vanished checkout to the running one. Does nothing without a launcher. */
export function mendLauncher(own: readonly string[]): void {
  const folder = personalFolders().signalbox;
  try {
    if (missingOf(folder)?.length) writeLauncher(folder, own);
  } catch {
    // The command that was called does not need the launcher.
  }
}

function readText(file: string): string | undefined {
  try {
    return readFileSync(file, "utf8");
  } catch {
    return undefined;
  }
}

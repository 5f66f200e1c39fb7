import { mkdirSync, readFileSync, readlinkSync, renameSync, rmSync, statSync, writeFileSync } from "node:fs";
import { dirname, resolve } from "node:path";
import { HarnessError } from "../errors.ts";

/** Text of a file now and after the change; `undefined`: no file. */
export interface Change {
  file: string;
  before: string | undefined;
  after: string | undefined;
}

/** Reads a person's file. @throws HarnessError for a folder, a device, an unreadable file, and text that is not UTF-8 */
export function textOf(file: string): string | undefined {
  const bytes = readOrRefuse(file);
  const text = bytes?.toString("utf8");
  if (text !== undefined && !Buffer.from(text, "utf8").equals(bytes ?? Buffer.alloc(0)))
    throw refusal(file, "is not UTF-8 text");
  return text;
}

function readOrRefuse(file: string): Buffer | undefined {
  try {
    const stat = statSync(file);
    if (stat.isDirectory()) throw refusal(file, "is a folder; a file is expected");
    if (!stat.isFile()) throw refusal(file, "is not a regular file");
    return readFileSync(file);
  } catch (error) {
    if (error instanceof HarnessError) throw error;
    const { code } = error as NodeJS.ErrnoException;
    if (code === "ENOENT") return undefined;
    if (code === "ENOTDIR") throw refusal(file, "cannot exist: a part of its path is a file, not a folder");
    throw refusal(file, `cannot be read (${code ?? error})`);
  }
}

/** Error of a file that cannot be changed: the reason, and the way out. */
export const refusal = (file: string, why: string, way = "Fix it, or move it away"): HarnessError =>
  new HarnessError("problem", `${file} ${why}; nothing was changed. ${way}, and try again.`);

/**
 * Writes a file whole or not at all, with its former mode, through links.
 * @throws HarnessError when it is read-only, cannot be written, or was changed since it was read
 */
export function carryOut({ file, before, after }: Change): void {
  if (after === before) return;
  if (textOf(file) !== before) throw new HarnessError("problem", `${file} has changed since it was read: try again`);
  // Replacing a file needs write access to its folder alone, so check the file itself.
  if (before !== undefined && (statSync(file).mode & 0o222) === 0)
    throw refusal(file, "is read-only", "Make it writable (chmod u+w), if it is yours to change");
  try {
    if (after === undefined) rmSync(placeOf(file), { force: true });
    else write(placeOf(file), before === undefined, after);
  } catch (error) {
    throw new HarnessError("problem", `${file} cannot be written: ${error instanceof Error ? error.message : error}`);
  }
}

/** Target of a link, even if it does not exist yet: people link such files to another folder. */
function placeOf(file: string): string {
  let link: string;
  try {
    link = readlinkSync(file);
  } catch {
    return file;
  }
  return placeOf(resolve(dirname(file), link));
}

function write(file: string, isNew: boolean, text: string): void {
  mkdirSync(dirname(file), { recursive: true });
  const mode = isNew ? 0o644 : statSync(file).mode & 0o777;
  const draft = `${file}.${process.pid}.new`;
  writeFileSync(draft, text, { mode });
  renameSync(draft, file);
}

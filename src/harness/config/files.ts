import { mkdirSync, readFileSync, readlinkSync, renameSync, rmSync, statSync, writeFileSync } from "node:fs";
import { dirname, resolve } from "node:path";
import { HarnessError } from "../errors.ts";

/** A file of a harness as it is, and as it is to be; undefined: not there. */
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
    throw refusal(file, "is no UTF-8 text");
  return text;
}

function readOrRefuse(file: string): Buffer | undefined {
  try {
    const stat = statSync(file);
    if (stat.isDirectory()) throw refusal(file, "is a folder, and a file is expected there");
    if (!stat.isFile()) throw refusal(file, "is no plain file");
    return readFileSync(file);
  } catch (error) {
    if (error instanceof HarnessError) throw error;
    const { code } = error as NodeJS.ErrnoException;
    if (code === "ENOENT") return undefined;
    if (code === "ENOTDIR") throw refusal(file, "cannot be there: what should be its folder is a file");
    throw refusal(file, `cannot be read (${code ?? error})`);
  }
}

/** Says why a file cannot be changed, and what a person can do. */
export const refusal = (file: string, why: string, way = "Mend it, or move it away"): HarnessError =>
  new HarnessError("problem", `${file} ${why}; nothing was changed. ${way}, and try again.`);

/** Writes the file whole or not at all, with its former mode. A link is followed. @throws HarnessError, for a read-only file, too */
export function carryOut({ file, before, after }: Change): void {
  if (after === before) return;
  if (textOf(file) !== before) throw new HarnessError("problem", `${file} was changed meanwhile: try again`);
  // Its folder may be written, so nothing else would keep us from replacing it.
  if (before !== undefined && (statSync(file).mode & 0o222) === 0)
    throw refusal(file, "is read-only", "Make it writable (chmod u+w), if it is yours to change");
  try {
    if (after === undefined) rmSync(placeOf(file), { force: true });
    else write(placeOf(file), before === undefined, after);
  } catch (error) {
    throw new HarnessError("problem", `${file} cannot be written: ${error instanceof Error ? error.message : error}`);
  }
}

/** Where a link leads to, also when nothing is there yet: people keep such files elsewhere. */
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

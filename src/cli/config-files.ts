import {
  existsSync,
  mkdirSync,
  readFileSync,
  realpathSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { dirname } from "node:path";
import { EXIT, Stop } from "./exit.ts";

/** A file of a harness as it is, and as it is to be; undefined: not there. */
export interface Change {
  file: string;
  before: string | undefined;
  after: string | undefined;
}

export type JsonObject = Record<string, unknown>;

export const isObject = (value: unknown): value is JsonObject =>
  typeof value === "object" && value !== null && !Array.isArray(value);

export const textOf = (file: string): string | undefined => (existsSync(file) ? readFileSync(file, "utf8") : undefined);

/** A JSON file changed by `edit`, everything else in it as it was; one that is left empty is taken away. @throws Stop when it is no JSON object. */
export function jsonChange(file: string, edit: (whole: JsonObject) => JsonObject): Change {
  const before = textOf(file);
  const whole = parsed(file, before);
  const after = edit(structuredClone(whole));
  if (Bun.deepEquals(whole, after)) return { file, before, after: before };
  if (Object.keys(after).length === 0) return { file, before, after: undefined };
  const indent = /\n([ \t]+)"/.exec(before ?? "")?.[1] ?? "  ";
  return { file, before, after: `${JSON.stringify(after, null, indent)}\n` };
}

function parsed(file: string, text: string | undefined): JsonObject {
  if (text === undefined || text.trim() === "") return {};
  try {
    const value: unknown = JSON.parse(text);
    if (isObject(value)) return value;
  } catch {}
  throw new Stop(
    EXIT.problem,
    `${file} is no JSON object; nothing was changed. Mend it, or move it away, and try again.`,
  );
}

/** Writes it whole or not at all, with the rights that the file had. A link is followed. */
export function carryOut({ file, before, after }: Change): void {
  if (after === before) return;
  if (textOf(file) !== before) throw new Stop(EXIT.problem, `${file} was changed meanwhile: try again`);
  if (after === undefined) {
    rmSync(file, { force: true });
    return;
  }
  mkdirSync(dirname(file), { recursive: true });
  const real = existsSync(file) ? realpathSync(file) : file;
  const mode = existsSync(real) ? statSync(real).mode & 0o777 : 0o644;
  const draft = `${real}.${process.pid}.new`;
  writeFileSync(draft, after, { mode });
  renameSync(draft, real);
}

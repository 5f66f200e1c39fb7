import { type JSONPath, type ParseError, parse } from "jsonc-parser";
import { type Change, refusal, textOf } from "./files.ts";
import { addTo, removeAt, replaceAt } from "./json-text.ts";

export type JsonObject = Record<string, unknown>;

export const isObject = (value: unknown): value is JsonObject =>
  typeof value === "object" && value !== null && !Array.isArray(value);

/**
 * Changes a JSON file, with comments or without. `edit` returns the wanted object, and only the places that differ are rewritten.
 * A file that is left without members is deleted.
 * @throws HarnessError when it holds no JSON object, or has a member twice where it would be changed
 */
export function jsonChange(file: string, edit: (whole: JsonObject) => JsonObject): Change {
  const before = textOf(file);
  const [mark, text] = before?.startsWith("\uFEFF") ? ["\uFEFF", before.slice(1)] : ["", before ?? ""];
  const whole = objectIn(file, text);
  const wanted = edit(structuredClone(whole));
  if (Bun.deepEquals(whole, wanted)) return { file, before, after: before };
  if (text.trim() === "") return { file, before, after: `${JSON.stringify(wanted, null, 2)}\n` };
  const after = patched(text, [], whole, wanted);
  if (!Bun.deepEquals(objectIn(file, after), wanted))
    throw refusal(file, "has a member twice, and it is unclear which of them counts");
  return { file, before, after: isLeftEmpty(after) ? undefined : mark + after };
}

/** Object in a file; `undefined` without a file. @throws HarnessError when it holds something else */
export function readJson(file: string): JsonObject | undefined {
  const text = textOf(file);
  return text === undefined ? undefined : objectIn(file, text.replace(/^\uFEFF/, ""));
}

function objectIn(file: string, text: string): JsonObject {
  if (text.trim() === "") return {};
  const errors: ParseError[] = [];
  const value: unknown = parse(text, errors, { allowTrailingComma: true });
  if (errors.length === 0 && isObject(value)) return value;
  throw refusal(file, "is not a JSON object");
}

/** Whether only white space is left between the braces. A comment belongs to a person. */
const isLeftEmpty = (text: string): boolean => /^\s*\{\s*\}\s*$/.test(text);

function patched(text: string, path: JSONPath, before: unknown, after: unknown): string {
  if (Bun.deepEquals(before, after)) return text;
  if (isObject(before) && isObject(after)) return patchedObject(text, path, before, after);
  if (Array.isArray(before) && Array.isArray(after)) return patchedArray(text, path, before, after);
  return replaceAt(text, path, after);
}

function patchedObject(text: string, path: JSONPath, before: JsonObject, after: JsonObject): string {
  let now = text;
  for (const name of Object.keys(before)) if (!Object.hasOwn(after, name)) now = removeAt(now, [...path, name]);
  for (const [name, value] of Object.entries(after))
    now = Object.hasOwn(before, name)
      ? patched(now, [...path, name], before[name], value)
      : addTo(now, path, name, value);
  return now;
}

/** Leaves the items that both begin with untouched; ours are the last. */
function patchedArray(text: string, path: JSONPath, before: unknown[], after: unknown[]): string {
  let head = 0;
  while (head < before.length && head < after.length && Bun.deepEquals(before[head], after[head])) head++;
  const tail = sharedEnd(before.slice(head), after.slice(head));
  const [old, wanted] = [before.slice(head, before.length - tail), after.slice(head, after.length - tail)];
  let now = text;
  for (const [at, item] of old.entries())
    if (at < wanted.length) now = patched(now, [...path, head + at], item, wanted[at]);
  for (let at = old.length - 1; at >= wanted.length; at--) now = removeAt(now, [...path, head + at]);
  if (wanted.length > old.length && tail > 0) return replaceAt(now, path, after);
  for (const item of wanted.slice(old.length)) now = addTo(now, path, undefined, item);
  return now;
}

function sharedEnd(before: unknown[], after: unknown[]): number {
  let tail = 0;
  while (tail < Math.min(before.length, after.length) && Bun.deepEquals(before.at(-1 - tail), after.at(-1 - tail)))
    tail++;
  return tail;
}

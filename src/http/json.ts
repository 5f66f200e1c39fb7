import { Problem } from "../problem.ts";

/**
 * Members and items that one JSON text may hold. Parsing and checking 100,000 takes some 25 ms; a body of 1 MiB can hold
 * half a million. The largest payload and meta that are allowed (64 KiB each) have less than 70,000 between them.
 */
export const MAX_VALUES = 100_000;
/** Deeper than this no schema looks; the parser itself runs out of stack further down. */
const MAX_DEPTH = 10_000;

const QUOTE = 34;
const COMMA = 44;
const COLON = 58;
const OPEN_LIST = 91;
const BACKSLASH = 92;
const CLOSE_LIST = 93;
const OPEN_OBJECT = 123;
const CLOSE_OBJECT = 125;

/**
 * Parses JSON from outside. Members and items are counted before anything is built of them, so that refusing a text
 * costs no more than reading it. @throws Problem 400 not-json, 413 too-large
 */
export function readJson(text: string, name = "The body"): unknown {
  checkValues(text, name);
  try {
    return JSON.parse(text);
  } catch {
    // A parser that runs out of stack on deep nesting throws a RangeError: the same answer.
    const wayOut = text.trim() === "" ? "it is empty" : "check its quotes, commas and brackets";
    throw new Problem("not-json", `${name} is not JSON: ${wayOut}.`);
  }
}

/** @throws Problem 400 when nested beyond reason, 413 when there are more members and items than allowed */
export function checkValues(text: string, name = "The body"): void {
  let values = 0;
  let depth = 0;
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i);
    if (code === QUOTE) i = endOfString(text, i + 1);
    else if (code === COMMA || code === COLON) values++;
    else if (code === OPEN_LIST || code === OPEN_OBJECT) {
      values++;
      if (++depth > MAX_DEPTH) throw new Problem("not-json", `${name} is not JSON: it is nested too deep.`);
    } else if (code === CLOSE_LIST || code === CLOSE_OBJECT) depth--;
    if (values > MAX_VALUES)
      throw new Problem("too-large", `${name} may hold up to ${MAX_VALUES} members and items. Send less at once.`);
  }
}

/** The place of the quote that ends the string which begins at `from`. */
function endOfString(text: string, from: number): number {
  let i = from;
  for (; i < text.length; i++) {
    const code = text.charCodeAt(i);
    if (code === QUOTE) return i;
    if (code === BACKSLASH) i++;
  }
  return i;
}

import { longNumbers } from "../../protocol/numbers.ts";
import { type FieldError, Problem } from "../../protocol/problem.ts";
import { breathe } from "../breathe.ts";

/**
 * Items that one JSON text may hold; a member of an object, which costs more, counts as two. Parsing and checking 100,000
 * takes some 25 ms; a body of 1 MiB can hold half a million. The largest payload and meta that are allowed (64 KiB each)
 * have less than 70,000 between them.
 */
const MAX_VALUES = 100_000;
/** Deeper than this no schema looks; the parser itself runs out of stack further down. */
const MAX_DEPTH = 10_000;
/** The largest text that anything takes, 256 KiB, written as nothing but escapes, has 1.5 MiB. */
const MAX_STRING = 2 * 1024 * 1024;
/** Characters scanned in one turn: 2 ms. */
const SLICE = 1024 * 1024;

const QUOTE = 34;
const COMMA = 44;
const COLON = 58;
const OPEN_LIST = 91;
const BACKSLASH = 92;
const CLOSE_LIST = 93;
const OPEN_OBJECT = 123;
const CLOSE_OBJECT = 125;

/** Parses JSON from outside: see `parseText` and `checkNumbers`. @throws Problem 400 not-json, 413 too-large, 422 invalid */
export function readJson(text: string, name = "The body"): unknown {
  const value = parseText(text, name);
  checkNumbers(text, value);
  return value;
}

/** Refuses a value with numbers that were changed by parsing it. @throws Problem 422 with the pointer of each */
export function checkNumbers(text: string, value: unknown, under = ""): void {
  refuseNumbers(longNumbers(text, value, under));
}

/** @throws Problem 422 when there are any */
export function refuseNumbers(errors: FieldError[]): void {
  const [first] = errors;
  if (first) throw new Problem("invalid", `${first.pointer || "The value"} ${first.message}.`, { errors });
}

/**
 * Parses JSON from outside, as it is. Members and items are counted before anything is built of them, so that refusing a
 * text costs no more than reading it. `max`: items, and half as many members. @throws Problem 400 not-json, 413 too-large
 */
export function parseText(text: string, name = "The body", max = MAX_VALUES): unknown {
  scanTo(text, text.length, { at: 0, values: 0, depth: 0, name, max });
  return parsed(text, name, JSON.parse);
}

function parsed(text: string, name: string, parse: (text: string) => unknown): unknown {
  try {
    return parse(text);
  } catch {
    // A parser that runs out of stack on deep nesting throws a RangeError: the same answer.
    const wayOut = text.trim() === "" ? "it is empty" : "check its quotes, commas and brackets";
    throw new Problem("not-json", `${name} is not JSON: ${wayOut}.`);
  }
}

/** As `parseText`, with turns of the event loop in between: the scan of 8 MiB takes 20 ms. */
export async function parseLargeText(text: string, parse: (text: string) => unknown = JSON.parse): Promise<unknown> {
  await checkLargeValues(text);
  return parsed(text, "The body", parse);
}

/** Counts, and parses nothing. @throws Problem 400 when nested beyond reason, 413 when there is more than allowed */
export async function checkLargeValues(text: string): Promise<void> {
  const scan = { at: 0, values: 0, depth: 0, name: "The body", max: MAX_VALUES };
  for (let to = SLICE; scan.at < text.length; to += SLICE) {
    scanTo(text, Math.min(to, text.length), scan);
    if (text.length > SLICE) await breathe();
  }
}

interface Scan {
  at: number;
  values: number;
  depth: number;
  name: string;
  max: number;
}

/** Counts on to a place, or to the end of the string that reaches beyond it. */
function scanTo(text: string, to: number, scan: Scan): void {
  let { at: i, values, depth } = scan;
  const { name, max } = scan;
  for (; i < to; i++) {
    const code = text.charCodeAt(i);
    if (code === QUOTE) i = endOfString(text, i + 1, name);
    else if (code === COMMA || code === COLON) values++;
    else if (code === OPEN_LIST || code === OPEN_OBJECT) {
      values++;
      if (++depth > MAX_DEPTH) throw new Problem("not-json", `${name} is not JSON: it is nested too deep.`);
    } else if (code === CLOSE_LIST || code === CLOSE_OBJECT) depth--;
    if (values > max)
      throw new Problem(
        "too-large",
        `${name} may hold up to ${max} items, or half as many members. Send less at once.`,
      );
  }
  scan.at = i;
  scan.values = values;
  scan.depth = depth;
}

/** The place of the quote that ends the string which begins at `from`. @throws Problem 413 for a string beyond reason */
function endOfString(text: string, from: number, name: string): number {
  let i = from;
  const last = from + MAX_STRING;
  for (; i < text.length; i++) {
    if (i > last) throw new Problem("too-large", `${name} holds a text of more than ${MAX_STRING} bytes.`);
    const code = text.charCodeAt(i);
    if (code === QUOTE) return i;
    if (code === BACKSLASH) i++;
  }
  return i;
}

import { endOfString, longNumbers } from "../../protocol/numbers.ts";
import { type FieldError, Problem } from "../../protocol/problem.ts";
import { breathe } from "../breathe.ts";

/**
 * Items allowed in one JSON text; a member of an object costs more and counts as two. Parsing and checking 100,000 takes
 * 25 ms; a body of 1 MiB can hold half a million. The largest payload and meta (64 KiB each) have less than 70,000 together.
 */
const MAX_VALUES = 100_000;
/** Depth that no schema reaches; the parser runs out of stack further down. */
const MAX_DEPTH = 10_000;
/** Longest string. The largest accepted text, 256 KiB, takes 1.5 MiB when every character is escaped. */
const MAX_STRING = 2 * 1024 * 1024;
/** Characters scanned in one turn of the event loop, in 2 ms. */
const SLICE = 1024 * 1024;

const QUOTE = 34;
const COMMA = 44;
const COLON = 58;
const OPEN_LIST = 91;
const CLOSE_LIST = 93;
const OPEN_OBJECT = 123;
const CLOSE_OBJECT = 125;

/** Parses JSON from outside, as `parseText` and `checkNumbers` do. @throws Problem 400 not-json, 413 too-large, 422 invalid */
export function readJson(text: string, name = "The body"): unknown {
  const value = parseText(text, name);
  checkNumbers(text, value);
  return value;
}

/** Refuses a value with numbers that JSON.parse changed. @throws Problem 422 with the pointer of each */
export function checkNumbers(text: string, value: unknown, under = ""): void {
  refuseNumbers(longNumbers(text, value, under));
}

/** @throws Problem 422 unless the list is empty. */
export function refuseNumbers(errors: FieldError[]): void {
  const [first] = errors;
  if (first) throw new Problem("invalid", `${first.pointer || "The value"} ${first.message}.`, { errors });
}

/**
 * Parses JSON from outside. Items are counted before the parser builds any, so that refusing a text costs no more than
 * reading it. `max`: items, and half as many members. @throws Problem 400 not-json, 413 too-large
 */
export function parseText(text: string, name = "The body", max = MAX_VALUES): unknown {
  if (text.length > SHORT) scanTo(text, text.length, { at: 0, values: 0, depth: 0, name, max });
  return parsed(text, name, JSON.parse);
}

function parsed(text: string, name: string, parse: (text: string) => unknown): unknown {
  try {
    return parse(text);
  } catch {
    // Deep nesting exhausts the parser's stack, which throws a RangeError: the same answer.
    const wayOut = text.trim() === "" ? "it is empty" : "check its quotes, commas and brackets";
    throw new Problem("not-json", `${name} is not JSON: ${wayOut}.`);
  }
}

/** As `parseText`, with turns of the event loop in between for a long text: scanning 8 MiB takes 20 ms. */
export function parseLargeText(
  text: string,
  parse: (text: string) => unknown = JSON.parse,
): unknown | Promise<unknown> {
  if (text.length <= SHORT) return parsed(text, "The body", parse);
  return checkLargeValues(text).then(() => parsed(text, "The body", parse));
}

/** Shorter texts hold neither too many items nor too deep ones nor too long ones. */
const SHORT = Math.min(MAX_VALUES, MAX_DEPTH, MAX_STRING);

/** Counts items without parsing. @throws Problem 400 when nested beyond reason, 413 when there is more than allowed */
export async function checkLargeValues(text: string): Promise<void> {
  if (text.length <= SHORT) return;
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

/** Counts items up to a place, or to the end of a string that reaches beyond it. */
function scanTo(text: string, to: number, scan: Scan): void {
  let { at: i, values, depth } = scan;
  const { name, max } = scan;
  for (; i < to; i++) {
    const code = text.charCodeAt(i);
    if (code === QUOTE) {
      const last = i + 1 + MAX_STRING;
      i = endOfString(text, i + 1, Math.min(last + 1, text.length));
      if (i > last) throw new Problem("too-large", `${name} holds a text of more than ${MAX_STRING} bytes.`);
    } else if (code === COMMA || code === COLON) values++;
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

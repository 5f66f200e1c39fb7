import type { FieldError } from "./problem.ts";

/** A whole number beyond 2^53 has as many digits at least, or an exponent. */
const LONG_DIGITS = 16;
const MAX_FOUND = 20;
const QUOTE = 34;
const ZERO = 48;
const NINE = 57;
const UPPER_E = 69;
const BACKSLASH = 92;
const LOWER_E = 101;

const isLong = (value: unknown): value is number =>
  typeof value === "number" && !(Math.abs(value) <= Number.MAX_SAFE_INTEGER);

interface Place {
  value: unknown;
  key: string;
  above: Place | undefined;
}

/**
 * Finds numbers beyond 2^53, which JSON.parse changes without a word: an id of 19 digits would come out as another one.
 * @param value parsed from `text`
 * @param under pointer of `value` itself
 */
export function longNumbers(text: string, value: unknown, under = ""): FieldError[] {
  const found: FieldError[] = [];
  if (!mayHaveLong(text)) return found;
  const stack: Place[] = [{ value, key: "", above: undefined }];
  for (let place = stack.pop(); place && found.length < MAX_FOUND; place = stack.pop()) {
    const { value } = place;
    if (isLong(value))
      found.push({ pointer: under + pointerTo(place), message: "is a number beyond 2^53: send it as text" });
    else if (Array.isArray(value)) {
      for (let i = value.length - 1; i >= 0; i--)
        if (isWalked(value[i])) stack.push({ value: value[i], key: String(i), above: place });
    } else if (typeof value === "object" && value !== null) {
      for (const [key, child] of Object.entries(value).reverse())
        if (isWalked(child)) stack.push({ value: child, key, above: place });
    }
  }
  return found;
}

const isWalked = (value: unknown): boolean => (typeof value === "object" && value !== null) || isLong(value);

/** Most texts hold none, and need not be walked through. Digits within strings are no numbers. */
function mayHaveLong(text: string): boolean {
  let digits = 0;
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i);
    if (code >= ZERO && code <= NINE) {
      if (++digits === LONG_DIGITS) return true;
      continue;
    }
    if (digits > 0 && (code === LOWER_E || code === UPPER_E)) return true;
    digits = 0;
    if (code === QUOTE) i = endOfString(text, i + 1);
  }
  return false;
}

/**
 * Place of the quote that ends the string beginning at `from`, or the end of the text. The search for an escaped quote stops
 * at `to`.
 */
export function endOfString(text: string, from: number, to = text.length): number {
  const first = text.indexOf('"', from);
  if (first < 0) return text.length;
  // Most strings hold no escape before their end.
  if (first === from || text.charCodeAt(first - 1) !== BACKSLASH) return first;
  for (let i = from; i < to; i++) {
    const code = text.charCodeAt(i);
    if (code === QUOTE) return i;
    if (code === BACKSLASH) i++;
  }
  return to;
}

/** Like `longNumbers`, for JSON that is not parsed yet. */
export const longNumbersIn = (text: string): FieldError[] =>
  mayHaveLong(text) ? longNumbers(text, JSON.parse(text)) : [];

function pointerTo(place: Place): string {
  const parts: string[] = [];
  for (let at: Place | undefined = place; at?.above; at = at.above)
    parts.push(`/${at.key.slice(0, 200).replaceAll("~", "~0").replaceAll("/", "~1").toWellFormed()}`);
  return parts.reverse().join("");
}

/** Parses JSON, and has each number beyond 2^53 as its text: for the bodies of others, who cannot be told to send it so. */
export function parseKeepingNumbers(text: string): unknown {
  if (!mayHaveLong(text)) return JSON.parse(text);
  // The source of a value comes third; the types do not know that yet.
  const keep = (_key: string, value: unknown, at?: { source?: string }) =>
    isLong(value) ? (at?.source ?? value) : value;
  return JSON.parse(text, keep);
}

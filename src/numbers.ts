import type { FieldError } from "./problem.ts";

/** A text without this holds no number beyond 2^53, and need not be walked through. */
const SUSPECT = /\d{16}|\d[eE]/;
const MAX_FOUND = 20;

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
  if (!SUSPECT.test(text)) return found;
  const stack: Place[] = [{ value, key: "", above: undefined }];
  for (let place = stack.pop(); place && found.length < MAX_FOUND; place = stack.pop()) {
    const { value } = place;
    if (isLong(value))
      found.push({ pointer: under + pointerTo(place), message: "is a number beyond 2^53: send it as text" });
    else if (typeof value === "object" && value !== null)
      for (const [key, child] of Object.entries(value).reverse()) stack.push({ value: child, key, above: place });
  }
  return found;
}

/** As `longNumbers`, of JSON that is not parsed yet. */
export const longNumbersIn = (text: string): FieldError[] =>
  SUSPECT.test(text) ? longNumbers(text, JSON.parse(text)) : [];

function pointerTo(place: Place): string {
  const parts: string[] = [];
  for (let at: Place | undefined = place; at?.above; at = at.above)
    parts.push(`/${at.key.slice(0, 200).replaceAll("~", "~0").replaceAll("/", "~1").toWellFormed()}`);
  return parts.reverse().join("");
}

/** Parses JSON, and has each number beyond 2^53 as its text: for the bodies of others, who cannot be told to send it so. */
export function parseKeepingNumbers(text: string): unknown {
  if (!SUSPECT.test(text)) return JSON.parse(text);
  // The source of a value comes third; the types do not know that yet.
  const keep = (_key: string, value: unknown, at?: { source?: string }) =>
    isLong(value) ? (at?.source ?? value) : value;
  return JSON.parse(text, keep);
}

import { z } from "zod";
import { object, strictObject } from "./shape.ts";

/** Shapes that every feature's wire types are made of. */

export const MAX_ID_LENGTH = 128;
const MAX_JSON_DEPTH = 64;
const CONTROL = /\p{Cc}/u;

/**
 * Makes one schema for each argument. Each takes some 0.1 ms of every start to make, and the features name the same few
 * sizes a hundred times over.
 */
function once<A extends number[], S>(make: (...args: A) => S): (...args: A) => S {
  const made = new Map<string, S>();
  return (...args) => {
    const key = args.join();
    const schema = made.get(key) ?? make(...args);
    made.set(key, schema);
    return schema;
  };
}

const wellFormed = z.refine<string>((s) => s.isWellFormed(), "is not well-formed Unicode");
const fitting = (maxBytes: number) => z.refine<string>((s) => fits(s, maxBytes), `is longer than ${maxBytes} bytes`);

/**
 * Unicode text that survives storage: a lone surrogate would come back as U+FFFD.
 * `maxLength` is for the OpenAPI document, which counts characters: what is longer in characters is longer in bytes.
 */
export const text = once((maxBytes: number) =>
  z.string().check(wellFormed, fitting(maxBytes)).register(z.globalRegistry, { maxLength: maxBytes }),
);

/** One line of text: no control characters. */
export const line = once((maxBytes: number) =>
  z
    .string()
    .check(
      z.minLength(1),
      wellFormed,
      z.refine<string>((s) => !CONTROL.test(s), "has control characters"),
      fitting(maxBytes),
    )
    .register(z.globalRegistry, { maxLength: maxBytes }),
);

/** Plain members of answers, made once for the same reason. */
export const Str = z.string();
export const StrOrNull = Str.nullable();
export const Int = z.int();
export const Bool = z.boolean();
/** A whole number in a body. */
export const int = once((min: number, max: number) => Int.min(min).max(max));

/** A UTF-16 unit is at most 3 bytes in UTF-8, so most strings need no counting. */
function fits(s: string, maxBytes: number): boolean {
  if (s.length * 3 <= maxBytes) return true;
  return s.length <= maxBytes && new TextEncoder().encode(s).length <= maxBytes;
}

/** A place in the log. */
export const MessageId = z.int().min(1).describe("A message's id: its place in the log.");
export const MessageIdInPath = z
  .string()
  .regex(/^[1-9]\d{0,14}$/, "has to be a message's id: a whole number from 1")
  .transform(Number)
  .pipe(MessageId);
export const MessagePath = strictObject(() => ({ id: MessageIdInPath }));
/** A place in the log, or 0 for its beginning. */
export const Position = z.int().min(0).describe("A place in the log; 0 is its beginning.");

export const Time = z.iso.datetime().describe("RFC 3339, UTC, with milliseconds.");
export const TimeOrNull = Time.nullable();
/** The last millisecond that RFC 3339 can write in UTC: an offset can name later ones. */
const LAST_MS = Date.parse("9999-12-31T23:59:59.999Z");
const FIRST_MS = Date.parse("0000-01-01T00:00:00.000Z");

/** A time given by a caller, any offset. */
export const TimeInput = z.iso
  .datetime({ offset: true, abort: true, error: "is not a time like 2026-05-04T09:00:00Z" })
  .refine((time) => Date.parse(time) >= FIRST_MS && Date.parse(time) <= LAST_MS, "is outside the years 0000 to 9999")
  .describe("RFC 3339, any offset.");

export const Encoding = z.enum(["plain", "opaque"]);
export type Encoding = z.infer<typeof Encoding>;
/** Declared encoding of the text beside it. */
export const EncodingInput = Encoding.default("plain").describe(
  "opaque: encrypted by the clients. It is carried as it is, never searched, folded or shown as text.",
);

/** Milliseconds since 1970 → the wire's RFC 3339. */
export function toTime(ms: number): string {
  if (ms !== newest.ms) newest = { ms, text: new Date(ms).toISOString() };
  return newest.text;
}
/** Messages of one commit share their millisecond, and the text of it costs 0.2 µs. */
let newest = { ms: 0, text: new Date(0).toISOString() };
export const toTimeOrNull = (ms: number | null): string | null => (ms === null ? null : toTime(ms));
export const fromTime = (time: string): number => Date.parse(time);

/**
 * A JSON object that an agent attaches: at most `maxBytes` as JSON, at most 64 deep, well-formed Unicode throughout.
 * Not z.record, which leaves a member `__proto__` away: what is accepted is kept as it came.
 */
export const jsonObject = once((maxBytes: number) =>
  z
    .custom<Record<string, unknown>>(isObject, "has to be an object")
    .superRefine((value, ctx) => {
      const flaw = isObject(value) ? jsonFlaw(value, maxBytes) : undefined;
      if (flaw) ctx.addIssue({ code: "custom", message: flaw });
    })
    .meta({
      type: "object",
      additionalProperties: true,
      description: `At most ${maxBytes} bytes as JSON, and ${MAX_JSON_DEPTH} deep.`,
    }),
);

/** Like `jsonObject`, or a list. */
export const jsonBody = (maxBytes: number) =>
  z
    .custom<Record<string, unknown> | unknown[]>(
      (value) => typeof value === "object" && value !== null,
      "is neither an object nor a list",
    )
    .superRefine((value, ctx) => {
      const flaw = jsonFlaw(value, maxBytes);
      if (flaw) ctx.addIssue({ code: "custom", message: flaw });
    })
    .meta({ description: `At most ${maxBytes} bytes as JSON, and ${MAX_JSON_DEPTH} deep.` });

/** Any JSON value, or none. */
export const jsonValue = (maxBytes: number) =>
  z.unknown().superRefine((value, ctx) => {
    const flaw = value === undefined ? undefined : jsonFlaw(value, maxBytes);
    if (flaw) ctx.addIssue({ code: "custom", message: flaw });
  });

const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === "object" && value !== null && !Array.isArray(value);

function jsonFlaw(value: unknown, maxBytes: number): string | undefined {
  let bytes = 0;
  const stack: [unknown, number][] = [[value, 1]];
  for (let next = stack.pop(); next; next = stack.pop()) {
    const [item, depth] = next;
    if (depth > MAX_JSON_DEPTH) return `is nested deeper than ${MAX_JSON_DEPTH}`;
    if (typeof item === "string") {
      if (!item.isWellFormed()) return "holds text that is not well-formed Unicode";
      bytes += item.length;
    } else if (typeof item === "number") {
      // 1e999 is JSON, but comes in as Infinity and would go out as null.
      if (!Number.isFinite(item)) return "holds a number that is too large";
    } else if (Array.isArray(item)) for (const child of item) stack.push([child, depth + 1]);
    else if (item !== null && typeof item === "object") {
      for (const [key, child] of Object.entries(item)) {
        if (!key.isWellFormed()) return "has a key that is not well-formed Unicode";
        stack.push([child, depth + 1]);
        bytes += key.length;
      }
    }
    if (bytes > maxBytes) return `is larger than ${maxBytes} bytes`;
  }
  return fits(JSON.stringify(value), maxBytes) ? undefined : `is larger than ${maxBytes} bytes`;
}

/** A query parameter that is a whole number. */
export const queryInt = once((min: number, max: number) => {
  const rule = `has to be a whole number ${max === Number.MAX_SAFE_INTEGER ? `of at least ${min}` : `from ${min} to ${max}`}`;
  return z
    .string()
    .regex(/^\d{1,16}$/, rule)
    .transform(Number)
    .pipe(z.int(rule).min(min, rule).max(max, rule));
});

/** `limit` and `page` of every list. */
export const PageQuery = { limit: queryInt(1, 500).default(50), page: z.string().max(512).optional() };

/** Like `PageQuery`, for lists that are ordered by a number: `page` is the last one seen. */
export const NumberPageQuery = { limit: PageQuery.limit, page: queryInt(0, Number.MAX_SAFE_INTEGER).optional() };

/** A list's answer. `nextPage` is what `?page=` takes next; null at the end. */
export const listOf = <T extends z.ZodType>(item: T) => object(() => ({ items: z.array(item), nextPage: StrOrNull }));
export interface List<T> {
  items: T[];
  nextPage: string | null;
}

export const IdempotencyKey = line(255).describe(
  "Chosen by the sender; the same key and content give the same answer.",
);

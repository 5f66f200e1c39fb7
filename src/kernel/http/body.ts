import type { z } from "zod";
import type { Contract, Many } from "../../protocol/contract.ts";
import { parseKeepingNumbers } from "../../protocol/numbers.ts";
import { type FieldError, Problem } from "../../protocol/problem.ts";
import { nearestBranch } from "../../protocol/wording.ts";
import { createPauses } from "../breathe.ts";
import { readBytes, type Sieve } from "./bytes.ts";
import { checkLargeValues, checkNumbers, parseLargeText } from "./json.ts";

const MAX_ERRORS = 20;
const UNKNOWN = "is not known here";
const decoder = new TextDecoder("utf-8", { fatal: true });

/** Contract, with further media types where it belongs to another protocol. */
type Takes = Contract & { dialect?: { types: readonly string[] } };

/**
 * Reads and validates the body. In a list whose items are answered each by itself, the problem of an item that is not acceptable
 * stands in its place. @throws Problem 400, 413, 415, 422
 */
export async function readBody(route: Takes, request: Request, query?: unknown): Promise<unknown> {
  return route.body ? parseBody(route, request, await readBytes(route, request), query) : undefined;
}

/**
 * As `readBody`, for bytes that were already read. The event loop runs between the steps: for megabytes each takes
 * milliseconds. @throws Problem 400, 413, 415, 422
 */
export async function parseBody(route: Takes, request: Request, bytes: Uint8Array, query?: unknown): Promise<unknown> {
  if (!route.body) return undefined;
  const type = typeOf(request);
  if (bytes.length === 0 && route.bodyOptional) return check(route.body, {}, "");
  const pause = createPauses();
  if (isJson(route, type)) {
    const text = decode(bytes);
    const parsing = parseLargeText(text, route.keepsNumbers ? parseKeepingNumbers : undefined);
    const value = parsing instanceof Promise ? await parsing : parsing;
    const parsed = pause();
    if (parsed) await parsed;
    if (!route.keepsNumbers) checkNumbers(text, value);
    const checked = pause();
    if (checked) await checked;
    return route.many ? checkMany(route.body, asAsked(route.many, query), value) : check(route.body, value, "");
  }
  if (type === "application/x-ndjson" && route.many) {
    const value = { [route.many.as]: await parseLines(decode(bytes), route.many) };
    return checkMany(route.body, asAsked(route.many, query), value);
  }
  throw notTaken(route, type);
}

/** As `parseBody`, for the kept part of a larger body. @throws Problem 400, 413, 415, 422 */
export async function parseSifted(route: Takes, request: Request, sieve: Sieve) {
  const type = typeOf(request);
  if (!route.body || !isJson(route, type)) throw notTaken(route, type);
  const { text, leftOut } = sieve.end();
  const pause = createPauses();
  const value = await parseLargeText(text, parseKeepingNumbers);
  await pause();
  return { body: check(route.body, value, ""), leftOut };
}

const typeOf = (request: Request): string =>
  request.headers.get("content-type")?.split(";", 1)[0]?.trim().toLowerCase() ?? "";

const isJson = (route: Takes, type: string): boolean =>
  type === "application/json" || route.dialect?.types.includes(type) === true;

function notTaken(route: Takes, type: string): Problem {
  const accepted = route.many ? "application/json or application/x-ndjson" : "application/json";
  return new Problem(
    "unsupported-media-type",
    `The body has to be ${accepted}${type ? `, not ${type.slice(0, 100)}` : ""}.`,
  );
}

function decode(bytes: Uint8Array): string {
  try {
    return decoder.decode(bytes);
  } catch {
    throw new Problem("not-json", "The body is not UTF-8.");
  }
}

/** Parses one value from each line, and no more lines than a request may hold. @throws Problem 400, 413, 422 */
async function parseLines(text: string, { as, max }: Many): Promise<unknown[]> {
  await checkLargeValues(text);
  const pause = createPauses();
  const values: unknown[] = [];
  let lines = 0;
  for (let from = 0; from < text.length; ) {
    const end = text.indexOf("\n", from);
    const line = text.slice(from, end < 0 ? text.length : end);
    from = end < 0 ? text.length : end + 1;
    if (++lines > 2 * max) throw Problem.invalid(`/${as}`, `has more than ${2 * max} lines, empty ones included`);
    if (line.trim() === "") continue;
    if (values.length === max) throw Problem.invalid(`/${as}`, `has more than ${max} lines`);
    values.push(readLine(line, lines, `/${as}/${values.length}`));
    await pause();
  }
  return values;
}

function readLine(line: string, number: number, pointer: string): unknown {
  let value: unknown;
  try {
    value = JSON.parse(line);
  } catch {
    throw new Problem("not-json", `Line ${number} is not JSON.`);
  }
  checkNumbers(line, value, pointer);
  return value;
}

/** Without `apart` where the caller wants all items or none. */
function asAsked(many: Many, query: unknown): Many {
  const isAtomic = many.apart === "unless-atomic" && (query as { atomic?: string } | undefined)?.atomic !== "false";
  return isAtomic ? { ...many, apart: undefined } : many;
}

/** Validates items of a list one by one, and stops at the number of errors that an answer holds. @throws Problem 422 */
async function checkMany(schema: z.ZodType, many: Many, value: unknown): Promise<unknown> {
  const { as, item, max, apart } = many;
  const isBare = many.bare === true && Array.isArray(value);
  const { [as]: given, ...others } = isBare ? { [as]: value } : isObject(value) ? value : {};
  // The schema refuses these before it reads an item.
  if (!Array.isArray(given) || given.length === 0 || given.length > max)
    return check(schema, isBare ? { [as]: value } : value, "");
  const unknown = Object.keys(others).slice(0, MAX_ERRORS);
  const errors = unknown.map((key) => ({ pointer: pointer([key], "").toWellFormed(), message: UNKNOWN }));
  const pause = createPauses();
  const items: unknown[] = [];
  for (const [index, one] of given.entries()) {
    const parsed = item.safeParse(one);
    if (parsed.success) items.push(parsed.data);
    else if (apart) items.push(invalid(fieldErrors(parsed.error.issues, ""), ""));
    else errors.push(...fieldErrors(parsed.error.issues, "", isBare ? [index] : [as, index]));
    if (errors.length >= MAX_ERRORS) break;
    const paused = pause();
    if (paused) await paused;
  }
  if (errors.length) throw invalid(errors.slice(0, MAX_ERRORS), "");
  return { [as]: items };
}

const isObject = (value: unknown): value is Record<string, unknown> => typeof value === "object" && value !== null;

/** Reads and validates the query. Repeated and unknown parameters are refused. @throws Problem 422 */
export function readQuery(route: Pick<Contract, "query">, url: string): unknown {
  const at = url.indexOf("?");
  const given: Record<string, string> = {};
  if (at >= 0) {
    for (const [name, value] of new URLSearchParams(url.slice(at + 1))) {
      if (Object.hasOwn(given, name)) throw Problem.invalid(name, "is given twice");
      Object.defineProperty(given, name, { value, enumerable: true });
    }
  }
  if (route.query) return check(route.query, given, "query");
  const [unknown] = Object.keys(given);
  if (unknown !== undefined) throw Problem.invalid(unknown, "is not a parameter of this call");
  return undefined;
}

/** Validates a value. `where`: "" for a body, whose errors carry JSON pointers; otherwise errors name the parameter. */
export function check<S extends z.ZodType>(schema: S, value: unknown, where: "" | "query" | "path"): z.output<S> {
  const parsed = schema.safeParse(value);
  if (parsed.success) return parsed.data;
  throw invalid(fieldErrors(parsed.error.issues, where), where);
}

function invalid(errors: FieldError[], where: string): Problem {
  const [first] = errors;
  const place = first?.pointer || (where === "" ? "the body" : "a parameter without a name");
  return new Problem("invalid", first ? `${place} ${first.message}` : "The request is not acceptable.", { errors });
}

/** Lists at most `MAX_ERRORS` errors. */
function fieldErrors(issues: readonly z.core.$ZodIssue[], where: string, under: PropertyKey[] = []): FieldError[] {
  const errors: FieldError[] = [];
  const add = (path: readonly PropertyKey[], message: string) =>
    errors.push({ pointer: pointer([...under, ...path], where).toWellFormed(), message: message.toWellFormed() });
  for (const issue of issues) {
    if (errors.length >= MAX_ERRORS) break;
    if (issue.code === "unrecognized_keys")
      for (const key of issue.keys.slice(0, MAX_ERRORS)) add([...issue.path, key], UNKNOWN);
    else {
      const branch = nearestBranch(issue);
      if (branch) errors.push(...fieldErrors(branch, where, [...under, ...issue.path]));
      else add(issue.path, issue.message);
    }
  }
  return errors.slice(0, MAX_ERRORS);
}

function pointer(path: readonly PropertyKey[], where: string): string {
  const parts = path.map((part) => String(part).slice(0, 200));
  if (where !== "") return parts.join(".");
  return parts.map((part) => `/${part.replaceAll("~", "~0").replaceAll("/", "~1")}`).join("");
}

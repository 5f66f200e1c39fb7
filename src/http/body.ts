import type { z } from "zod";
import { type FieldError, Problem } from "../problem.ts";
import type { Route } from "./call.ts";

export const DEFAULT_BODY_LIMIT = 1024 * 1024;
const MAX_ERRORS = 20;
const decoder = new TextDecoder("utf-8", { fatal: true });

/** The body as its schema says. @throws Problem 400, 413, 415, 422 */
export async function readBody(route: Route, request: Request): Promise<unknown> {
  return route.body ? parseBody(route, request, await readBytes(route, request)) : undefined;
}

/** As `readBody`, of bytes that were read already. @throws Problem 400, 415, 422 */
export function parseBody(route: Route, request: Request, bytes: Uint8Array): unknown {
  if (!route.body) return undefined;
  const type = request.headers.get("content-type")?.split(";", 1)[0]?.trim().toLowerCase() ?? "";
  if (bytes.length === 0 && route.bodyOptional) return check(route.body, {}, "");
  if (type === "application/json" || route.dialect?.types.includes(type))
    return check(route.body, parseJson(bytes), "");
  if (type === "application/x-ndjson" && route.ndjsonAs)
    return check(route.body, { [route.ndjsonAs]: parseLines(bytes) }, "");
  const accepted = route.ndjsonAs ? "application/json or application/x-ndjson" : "application/json";
  throw new Problem(
    "unsupported-media-type",
    `The body has to be ${accepted}${type ? `, not ${type.slice(0, 100)}` : ""}.`,
  );
}

/** The body as it came. @throws Problem 400, 413 */
export async function readBytes(route: Pick<Route, "bodyLimit">, request: Request): Promise<Uint8Array> {
  const limit = route.bodyLimit ?? DEFAULT_BODY_LIMIT;
  const declared = request.headers.get("content-length");
  if (declared !== null && Number(declared) > limit) throw tooLarge(limit);
  try {
    if (declared !== null) return await request.bytes();
    return request.body ? await readStream(request.body, limit) : new Uint8Array();
  } catch (error) {
    if (error instanceof Problem) throw error;
    throw new Problem("bad-request", "The body ended before it was whole.");
  }
}

/** A body that does not say how long it is: read no further than allowed. */
async function readStream(body: ReadableStream<Uint8Array>, limit: number): Promise<Uint8Array> {
  const chunks: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of body) {
    size += chunk.length;
    if (size > limit) throw tooLarge(limit);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}

const tooLarge = (limit: number) => new Problem("too-large", `The body may be up to ${limit} bytes here.`);

function decode(bytes: Uint8Array): string {
  try {
    return decoder.decode(bytes);
  } catch {
    throw new Problem("not-json", "The body is not UTF-8.");
  }
}

function parseJson(bytes: Uint8Array): unknown {
  const text = decode(bytes);
  try {
    return JSON.parse(text);
  } catch (error) {
    // A parser that runs out of stack on deep nesting throws a RangeError: the same answer.
    throw new Problem("not-json", `The body is not JSON: ${error instanceof Error ? error.message : "unreadable"}`);
  }
}

function parseLines(bytes: Uint8Array): unknown[] {
  const values: unknown[] = [];
  for (const [index, line] of decode(bytes).split("\n").entries()) {
    if (line.trim() === "") continue;
    try {
      values.push(JSON.parse(line));
    } catch {
      throw new Problem("not-json", `Line ${index + 1} is not JSON.`);
    }
  }
  return values;
}

/** The query as its schema says; a parameter given twice, or one that is not known, is refused. @throws Problem 422 */
export function readQuery(route: Route, url: string): unknown {
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

/** Parses by schema; `where` is "" for a body, whose places are JSON pointers, else parameters are named plainly. */
export function check(schema: z.ZodType, value: unknown, where: "" | "query" | "path"): unknown {
  const parsed = schema.safeParse(value);
  if (parsed.success) return parsed.data;
  const errors = fieldErrors(parsed.error.issues, where);
  const [first] = errors;
  throw new Problem(
    "invalid",
    first
      ? `${first.pointer || (where === "" ? "the body" : "a parameter without a name")} ${first.message}`
      : "The request is not acceptable.",
    {
      errors,
    },
  );
}

function fieldErrors(issues: readonly z.core.$ZodIssue[], where: string): FieldError[] {
  const errors: FieldError[] = [];
  for (const issue of issues) {
    if (issue.code === "unrecognized_keys")
      for (const key of issue.keys)
        errors.push({ pointer: pointer([...issue.path, key], where), message: "is not known here" });
    else errors.push({ pointer: pointer(issue.path, where), message: issue.message });
  }
  return errors
    .slice(0, MAX_ERRORS)
    .map(({ pointer: at, message }) => ({ pointer: at.toWellFormed(), message: message.toWellFormed() }));
}

function pointer(path: readonly PropertyKey[], where: string): string {
  const parts = path.map((part) => String(part).slice(0, 200));
  if (where !== "") return parts.join(".");
  return parts.map((part) => `/${part.replaceAll("~", "~0").replaceAll("/", "~1")}`).join("");
}

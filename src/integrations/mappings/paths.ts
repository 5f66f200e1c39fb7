import { Problem } from "../../problem.ts";
import { MAX_EVENTS, type Paths } from "../schema.ts";
import { asBody, asKey, asLine, asPayload, asSeverity, asTitle, asUrl, type Report } from "./report.ts";

/** Words for a status that is over, where a source's own are not given. */
const OVER = ["resolved", "ok", "closed", "done", "success", "succeeded", "recovered", "fixed", "up", "inactive"];
const PART = /\['([^']*)'\]|\[(\d{1,9})\]|([^.[\]'"{}\s]+)/g;

/** What a path leads to; undefined when it leads nowhere. Only what is in the JSON itself is found. */
export function valueAt(value: unknown, path: string): unknown {
  let at = value;
  for (const [, quoted, index, plain] of path.replace(/^\$/, "").matchAll(PART)) {
    const key = quoted ?? index ?? plain ?? "";
    if (typeof at !== "object" || at === null || !Object.hasOwn(at, key)) return undefined;
    at = (at as Record<string, unknown>)[key];
  }
  return at;
}

/** A path's value as text, or text with the values of its `{{paths}}`; undefined when there is nothing. */
function textAt(value: unknown, template: string | undefined): string | undefined {
  if (template === undefined) return undefined;
  if (!template.includes("{{")) return asText(valueAt(value, template));
  let found = false;
  const text = template.replaceAll(/\{\{([^{}]*)\}\}/g, (_, path: string) => {
    const part = asText(valueAt(value, path.trim()));
    found ||= part !== undefined;
    return part ?? "";
  });
  return found ? text : undefined;
}

function asText(value: unknown): string | undefined {
  if (value === undefined || value === null || value === "") return undefined;
  return typeof value === "object" ? JSON.stringify(value) : String(value);
}

/** Reads a body by paths that the operator gave. @throws Problem 422 when there is no title where it should be */
export function readByPaths(body: Record<string, unknown>, paths: Paths): Report[] {
  if (paths.items === undefined) return [reportAt(body, paths, "")];
  const items = valueAt(body, paths.items);
  if (!Array.isArray(items)) throw Problem.invalid("", `${paths.items} is not a list`);
  if (items.length > MAX_EVENTS) throw Problem.invalid("", `${paths.items} holds more than ${MAX_EVENTS} events`);
  return items.map((item, index) => reportAt(item, paths, ` of item ${index}`));
}

function reportAt(item: unknown, paths: Paths, where: string): Report {
  const title = textAt(item, paths.title);
  if (!title?.trim())
    throw Problem.invalid("", `there is nothing at ${paths.title}${where}, where its title should be`);
  const key = textAt(item, paths.dedupeKey);
  const status = textAt(item, paths.status);
  const over = paths.resolved?.map((word) => word.toLowerCase()) ?? OVER;
  const isOver = status !== undefined && over.includes(status.toLowerCase());
  if (isOver && key === undefined)
    throw Problem.invalid("", `it is ${status}, and without a dedupeKey nobody can say what${where}`);
  return {
    title: asTitle(title),
    body: asBody(textAt(item, paths.body)),
    severity: asSeverity(textAt(item, paths.severity), paths.severities),
    topic: asLine(textAt(item, paths.topic), 128),
    dedupeKey: key === undefined ? undefined : asKey(key),
    status: isOver ? "resolved" : "open",
    externalUrl: asUrl(textAt(item, paths.externalUrl)),
    payload: typeof item === "object" && item !== null ? asPayload({ event: item }) : undefined,
  };
}

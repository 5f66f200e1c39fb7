import type { Known } from "../../../kernel/http/sieve.ts";
import type { Paths } from "../../../protocol/integrations.ts";
import { Problem } from "../../../protocol/problem.ts";
import * as clean from "./clean.ts";
import { knownAt } from "./known.ts";
import { type Found, type Report, several, single } from "./report.ts";

/** Words for a status that is over, where a source's own are not given. */
const OVER = ["resolved", "ok", "closed", "done", "success", "succeeded", "recovered", "fixed", "up", "inactive"];
const PART = /\['([^']*)'\]|\[(\d{1,9})\]|([^.[\]'"{}\s]+)/g;

/** The names along a path. */
const namesIn = (path: string): string[] =>
  [...path.replace(/^\$/, "").matchAll(PART)].map(([, quoted, index, plain]) => quoted ?? index ?? plain ?? "");

/** The parts of a delivery that its paths read. */
export function knownByPaths({ items, severities: _, resolved: __, ...templates }: Paths): Known {
  const event = knownAt(Object.values(templates).flatMap((template) => pathsIn(template).map(namesIn)));
  if (items === undefined) return { ...(event === true ? {} : event), events: event };
  return namesIn(items).reduceRight<Known>((known, name) => ({ members: new Map([[name, known]]) }), { events: event });
}

/** A template is a path, or has some. */
const pathsIn = (template: string): string[] =>
  template.includes("{{")
    ? [...template.matchAll(/\{\{([^{}]*)\}\}/g)].map(([, path = ""]) => path.trim())
    : [template];

/** Value at a path; undefined where the path leads nowhere. Inherited members are not found. */
export function valueAt(value: unknown, path: string): unknown {
  let at = value;
  for (const key of namesIn(path)) {
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

/** A time in words, or in seconds or milliseconds since 1970. */
function timeAt(text: string | undefined): number | undefined {
  const count = text !== undefined && /^\d{1,16}(\.\d+)?$/.test(text) ? Number(text) : undefined;
  if (count === undefined) return clean.place(text);
  return Math.round(count < 1e11 ? count * 1000 : count);
}

/** Reads a body by paths that the operator gave. @throws Problem 422 when there is no title where it should be */
export function readByPaths(body: unknown, paths: Paths): Found {
  // A list is a list of events, unless its title is found at a place in the list itself: `$[0].name`.
  const isOne = paths.items === undefined && (!Array.isArray(body) || textAt(body, paths.title) !== undefined);
  if (isOne) return single(reportAt(body, paths, ""));
  const items = valueAt(body, paths.items ?? "$");
  if (!Array.isArray(items)) throw Problem.invalid("", `${paths.items} is not a list`);
  return several(
    items,
    (taken) => taken.map((item, index) => reportAt(item, paths, ` of item ${index}`)),
    (item) => textAt(item, paths.title),
  );
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
    throw Problem.invalid("", `it is ${status}, and names no event to end${where}: set dedupeKey`);
  return {
    title: clean.title(title),
    body: clean.body(textAt(item, paths.body)),
    severity: clean.severity(textAt(item, paths.severity), paths.severities),
    topic: clean.line(textAt(item, paths.topic), 128),
    dedupeKey: key === undefined ? undefined : clean.key(key),
    status: isOver ? "resolved" : "open",
    externalUrl: clean.url(textAt(item, paths.externalUrl)),
    asOf: timeAt(textAt(item, paths.occurredAt)),
    payload: typeof item === "object" && item !== null ? clean.payload({ event: item }) : undefined,
  };
}

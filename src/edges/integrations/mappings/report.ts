import { z } from "zod";
import { check } from "../../../kernel/http/body.ts";
import { EVENT_BYTES, MAX_EVENTS } from "../../../protocol/integrations.ts";
import { Problem } from "../../../protocol/problem.ts";
import { SEVERITIES, type Severity, TASK_BODY_BYTES, TITLE_BYTES } from "../../../protocol/tasks.ts";

/** One event, in the same form for every source. */
export interface Report {
  title: string;
  body?: string | undefined;
  severity?: Severity | undefined;
  target?: string | undefined;
  topic?: string | undefined;
  dedupeKey?: string | undefined;
  status: "open" | "resolved";
  externalUrl?: string | undefined;
  payload?: Record<string, unknown> | undefined;
  /** Position in the source's own order: a report older than the known one came late. */
  asOf?: number | undefined;
  /** false for a beginning or an edit, which never follows the source's own end. */
  afterEnd?: false | undefined;
}

/** A parsed body. */
export interface Found {
  /** Empty for a delivery without work. */
  reports: Report[];
  /** Names of events without room. */
  leftOut: string[];
  /** Events that the source itself left out. */
  truncated?: number | undefined;
}

/** Facts from the source beside the body. */
export interface Delivery {
  /** The delivery's own id: the same one twice is one event. */
  id?: string | undefined;
  /** The event's name, where a header has it: `X-GitHub-Event`, `Sentry-Hook-Resource`. */
  kind?: string | undefined;
  /** Time at which the source sent it, if known. */
  at?: number | undefined;
}

/** Reads a source's own body. @throws Problem 413, 422 */
export type ReadEvents = (body: unknown, delivery: Delivery) => Found;

/** @throws Problem 413 when the body of one event is larger than it may be */
export function requireSmall(body: unknown): void {
  if (Buffer.byteLength(JSON.stringify(body)) > EVENT_BYTES)
    throw new Problem("too-large", `The body of one event may be up to ${EVENT_BYTES} bytes.`);
}

/** One event, or none. */
export const single = (report: Report | undefined): Found => ({ reports: report ? [report] : [], leftOut: [] });

/** The first events of a list, as many as one delivery may hold; the rest is named. */
export function several(
  items: readonly unknown[],
  read: (taken: unknown[]) => Report[],
  nameOf: (item: unknown) => string | undefined,
): Found {
  let [count, bytes] = [0, 0];
  for (; count < Math.min(items.length, MAX_EVENTS); count++) {
    bytes += Buffer.byteLength(JSON.stringify(items[count]));
    if (bytes > EVENT_BYTES && count > 0) break;
  }
  const leftOut = items.slice(count).map((item) => asLine(nameOf(item), 120) ?? "an event without a name");
  return { reports: read(items.slice(0, count)), leftOut };
}

/** The part of a body that a mapping reads. @throws Problem 422 with the place in the body */
export const readAs = <S extends z.ZodType>(schema: S, body: unknown): z.output<S> => check(schema, body, "");

/** Text from outside, any or none. */
export const words = z.string().nullish();
/** Labels: names with text values. Other values are left out. */
export const labels = z
  .record(z.string(), z.unknown())
  .nullish()
  .transform((given) =>
    Object.fromEntries(
      Object.entries(given ?? {}).filter((pair): pair is [string, string] => typeof pair[1] === "string"),
    ),
  );

/** Characters of JSON: a task is handed on with every claim. */
const MAX_FACTS = 16 * 1024;
const encoder = new TextEncoder();
const GAPS = /[\p{Cc}\s]+/gu;

/** Longest beginning of a text that fits, without half characters. */
export function cut(text: string, maxBytes: number): string {
  const { read } = encoder.encodeInto(text, new Uint8Array(maxBytes));
  return text.slice(0, read);
}

/** Text of others as one line that fits; undefined when nothing is left. */
export function asLine(text: string | null | undefined, maxBytes: number): string | undefined {
  const one = text?.replaceAll(GAPS, " ").trim();
  return one ? cut(one, maxBytes) : undefined;
}

export const asTitle = (...choices: (string | null | undefined)[]): string =>
  choices.map((choice) => asLine(choice, TITLE_BYTES)).find((line) => line !== undefined) ?? "An event without a title";
export const asBody = (text: string | null | undefined): string | undefined =>
  text ? cut(text, TASK_BODY_BYTES) : undefined;

/** The first http address; anything else is left out. */
export function asUrl(...choices: (string | null | undefined)[]): string | undefined {
  return (
    choices.find((url) => url && url.length <= 2048 && /^https?:\/\/[^\s\p{Cc}]+$/iu.test(url) && URL.canParse(url)) ??
    undefined
  );
}

/** A time as a place in the source's counting. */
export function asPlace(time: string | null | undefined): number | undefined {
  const at = Date.parse(time ?? "");
  return Number.isNaN(at) ? undefined : at;
}

/** A beginning's place. Ends have whole seconds: an item reopened in the second of its end is open. */
export function asBegin(time: string | null | undefined, isAgain: boolean): number | undefined {
  const at = asPlace(time);
  return at === undefined ? undefined : at + (isAgain ? 1 : 0);
}

/** The latest of some times: an open item may name an end long ago. */
export function asLatest(...times: (string | null | undefined)[]): number | undefined {
  const places = times.map(asPlace).filter((place) => place !== undefined);
  return places.length > 0 ? Math.max(...places) : undefined;
}

/** A key; a text too long for one is hashed. */
export function asKey(text: string): string {
  const key = asLine(text, 4096) ?? "-";
  return encoder.encode(key).length <= 255 ? key : new Bun.CryptoHasher("sha256").update(text).digest("hex");
}

/** Facts for the worker, unless they are too large. */
export function asPayload(facts: Record<string, unknown>): Record<string, unknown> | undefined {
  const said = Object.fromEntries(Object.entries(facts).filter(([, value]) => value !== undefined && value !== null));
  return JSON.stringify(said).length <= MAX_FACTS ? said : undefined;
}

const COMMON: Record<string, Severity> = {
  ...{ fatal: "critical", emergency: "critical", page: "critical", p1: "critical", sev1: "critical" },
  ...{ disaster: "critical" },
  ...{ high: "error", major: "error", err: "error", p2: "error", sev2: "error", failure: "error", alert: "error" },
  ...{ warn: "warning", medium: "warning", moderate: "warning", minor: "warning", p3: "warning", sev3: "warning" },
  ...{ low: "info", notice: "info", none: "info", debug: "info", note: "info", p4: "info", p5: "info", ok: "info" },
};

/** Meaning of a source's word for severity; undefined for an unknown word. */
export function asSeverity(word: unknown, own: Record<string, Severity> = {}): Severity | undefined {
  if (typeof word !== "string" && typeof word !== "number") return undefined;
  const said = String(word).trim();
  const lower = said.toLowerCase();
  if (Object.hasOwn(own, said)) return own[said];
  if (Object.hasOwn(COMMON, lower)) return COMMON[lower];
  return SEVERITIES.find((severity) => severity === lower);
}

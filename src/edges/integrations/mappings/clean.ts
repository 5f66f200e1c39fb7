import { SEVERITIES, type Severity, TASK_BODY_BYTES, TITLE_BYTES } from "../../../protocol/tasks.ts";

/** Characters of JSON: a task is handed on with every claim. */
const MAX_FACTS = 16 * 1024;
const encoder = new TextEncoder();
const GAPS = /[\p{Cc}\s]+/gu;

/** Longest beginning of a text that fits, without half characters. */
export function cut(text: string, maxBytes: number): string {
  // No UTF-16 unit takes more than three bytes. Most texts fit, and a buffer for each costs more than all else here.
  if (text.length * 3 <= maxBytes) return text;
  const { read } = encoder.encodeInto(text, new Uint8Array(maxBytes));
  return text.slice(0, read);
}

/** Text of others as one line that fits; undefined when nothing is left. */
export function line(text: string | null | undefined, maxBytes: number): string | undefined {
  const one = text?.replaceAll(GAPS, " ").trim();
  return one ? cut(one, maxBytes) : undefined;
}

export const title = (...choices: (string | null | undefined)[]): string =>
  choices.map((choice) => line(choice, TITLE_BYTES)).find((line) => line !== undefined) ?? "An event without a title";
export const body = (text: string | null | undefined): string | undefined =>
  text ? cut(text, TASK_BODY_BYTES) : undefined;

/** The first http address; anything else is left out. */
export function url(...choices: (string | null | undefined)[]): string | undefined {
  return (
    choices.find((url) => url && url.length <= 2048 && /^https?:\/\/[^\s\p{Cc}]+$/iu.test(url) && URL.canParse(url)) ??
    undefined
  );
}

/** A time as a place in the source's counting. */
export function place(time: string | null | undefined): number | undefined {
  const at = Date.parse(time ?? "");
  return Number.isNaN(at) ? undefined : at;
}

/** A beginning's place. Ends have whole seconds: an item reopened in the second of its end is open. */
export function begin(time: string | null | undefined, isAgain: boolean): number | undefined {
  const at = place(time);
  return at === undefined ? undefined : at + (isAgain ? 1 : 0);
}

/** The latest of some times: an open item may name an end long ago. */
export function latest(...times: (string | null | undefined)[]): number | undefined {
  const places = times.map(place).filter((place) => place !== undefined);
  return places.length > 0 ? Math.max(...places) : undefined;
}

/** A key; a text too long for one is hashed. */
export function key(text: string): string {
  const key = line(text, 4096) ?? "-";
  return encoder.encode(key).length <= 255 ? key : new Bun.CryptoHasher("sha256").update(text).digest("hex");
}

/** Facts for the worker, unless they are too large. */
export function payload(facts: Record<string, unknown>): Record<string, unknown> | undefined {
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
export function severity(word: unknown, own: Record<string, Severity> = {}): Severity | undefined {
  if (typeof word !== "string" && typeof word !== "number") return undefined;
  const said = String(word).trim();
  const lower = said.toLowerCase();
  if (Object.hasOwn(own, said)) return own[said];
  if (Object.hasOwn(COMMON, lower)) return COMMON[lower];
  return SEVERITIES.find((severity) => severity === lower);
}

import { z } from "zod";
import { check } from "../../../kernel/http/body.ts";
import { EVENT_BYTES, MAX_EVENTS } from "../../../protocol/integrations.ts";
import { Problem } from "../../../protocol/problem.ts";
import type { Severity } from "../../../protocol/tasks.ts";
import * as clean from "./clean.ts";

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
  const leftOut = items.slice(count).map((item) => clean.line(nameOf(item), 120) ?? "an event without a name");
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

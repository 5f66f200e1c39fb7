import { jsonBytes } from "../../kernel/pages.ts";
import { EVENT_BYTES, RUN_BYTES } from "../../protocol/limits.ts";
import { Problem } from "../../protocol/problem.ts";
import type { EventData, RunEvent } from "../../protocol/run-events.ts";
import type { UsageInput } from "../../protocol/runs.ts";
import { errorText } from "./tool-output.ts";
import { transform } from "./transform.ts";
import { type Part, Turn, type TurnState } from "./turn-state.ts";

/** Sources of one run; each is a row. */
const MAX_SOURCES = 1000;
/** Characters of a delta that neighbours are joined into. */
const JOINED = 16 * 1024;
const TOO_MUCH = `This run has more than ${RUN_BYTES / 1024 / 1024} MiB of events: from here on only its text, usage and end are kept.`;

/** Events that were taken from a batch, up to the first gap. */
export interface TakenEvents {
  events: RunEvent[];
  /** Sources that moved on, with the number that each expects next. */
  moved: Map<string, number>;
  next: number;
  missing?: { from: number; to: number };
}

/** Picks new events by source and number; repeats are passed over. @throws Problem 422 */
export function takeNew(known: ReadonlyMap<string, number>, batch: readonly RunEvent[]): TakenEvents {
  const taken: TakenEvents = { events: [], moved: new Map(), next: 0 };
  for (const [index, event] of batch.entries()) {
    const { source, seq } = event;
    const expected = taken.moved.get(source) ?? known.get(source) ?? 0;
    taken.next = Math.max(expected, seq === expected ? seq + 1 : expected);
    if (seq > expected) return { ...taken, next: expected, missing: { from: expected, to: seq - 1 } };
    if (seq < expected) continue;
    if (!known.has(source) && !taken.moved.has(source) && known.size + taken.moved.size >= MAX_SOURCES)
      throw Problem.invalid(`/events/${index}/source`, `would be one more than the ${MAX_SOURCES} sources of this run`);
    checkSize(event, index);
    taken.moved.set(source, seq + 1);
    taken.events.push(event);
  }
  return taken;
}

/** @throws Problem 422 */
function checkSize(event: RunEvent, index: number): void {
  // The shapes bound each member; these have two that may be large.
  if (event.stream !== "assistant" && event.stream !== "tool") return;
  const large = event.stream === "tool" ? [event.data.args, event.data.result] : [event.data.delta, event.data.text];
  if (large.filter((one) => one !== undefined).length === 2 && jsonBytes(large) > EVENT_BYTES)
    throw Problem.invalid(
      `/events/${index}/data`,
      `has more than ${EVENT_BYTES} bytes; store it as a file and name that`,
    );
}

/** Outcome of a batch of events. */
export interface Recorded {
  state: TurnState;
  parts: TimedPart[];
  /** Size of everything stored of the run. */
  bytes: number;
  usage: UsageInput[];
  /** Messages that went into a model turn, or were taken back. */
  inputs: EventData<"input">[];
  /** The runner's last word: it has ended by itself, failed, or goes on. Bookkeeping says nothing of it. */
  lifecycle: "end" | "error" | "live" | "unsaid";
  /** Failure that it ended with, in words. */
  error: string | undefined;
}

/** A part, and the time of its event. */
export interface TimedPart {
  at: number;
  part: Part;
}

export const beginRecord = (state: TurnState, bytes: number): Recorded => ({
  ...{ state, parts: [], bytes, usage: [], inputs: [], lifecycle: "unsaid", error: undefined },
});

/** Turns one event into parts. Neighbouring deltas of one batch become one. */
export function record(made: Recorded, event: RunEvent, now: number): void {
  note(made, event);
  if (made.state.cut && !KEPT.includes(event.stream)) return;
  const { state, parts } = transform(made.state, event);
  made.state = state;
  const at = event.at === undefined ? now : Math.min(Date.parse(event.at), now);
  for (const part of parts) add(made, part, at);
  if (made.bytes > RUN_BYTES && !made.state.cut) cut(made, now);
}

const KEPT = ["assistant", "usage", "lifecycle"];
/** May follow the end of a turn. */
const BOOKKEEPING = ["usage", "diff", "input"];

function note(made: Recorded, { stream, data }: RunEvent): void {
  if (stream === "usage") made.usage.push(data);
  if (stream === "input") made.inputs.push(data);
  if (BOOKKEEPING.includes(stream)) return;
  made.lifecycle = stream === "lifecycle" && data.phase !== "start" ? data.phase : "live";
  made.error = stream === "lifecycle" || stream === "assistant" ? errorText(data.error) : undefined;
}

/** Says once that the rest is not kept. */
function cut(made: Recorded, now: number): void {
  const turn = new Turn(made.state);
  turn.closeCalls("Its result is not kept: the run is too large.");
  turn.status(TOO_MUCH);
  turn.state.cut = true;
  made.state = turn.state;
  for (const part of turn.parts) add(made, part, now);
}

function add(made: Recorded, part: Part, at: number): void {
  const last = made.parts.at(-1)?.part;
  const joined = last && joinedDelta(last, part);
  made.bytes += typeof part.delta === "string" ? Buffer.byteLength(part.delta) + 64 : jsonBytes(part);
  if (joined) last.delta = joined;
  else made.parts.push({ at, part });
}

/** Delta of two neighbours; undefined where they are not of one part, or too long. */
export function joinedDelta(last: Part, part: Part, limit = JOINED): string | undefined {
  if (!part.type.endsWith("-delta") || last.type !== part.type || last.id !== part.id) return undefined;
  const [one, other] = [last.delta as string, part.delta as string];
  return one.length + other.length > limit ? undefined : one + other;
}

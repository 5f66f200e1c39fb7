import type { RunEventInput } from "../protocol/run-events.ts";
import { headOf } from "./text.ts";

type Without<T> = T extends unknown ? Omit<T, "source" | "seq"> : never;
/** Event that has no number yet. */
export type EventDraft = Without<RunEventInput>;
/** Event with its size as JSON, in bytes. */
export interface Sized {
  draft: EventDraft;
  bytes: number;
}

/** Characters of one piece of text: in JSON a character takes at most six bytes. */
const PIECE_CHARS = 10_000;
/** Bytes of one value of a tool, as JSON. */
const VALUE_BYTES = 56 * 1024;
/** Deltas that wait are joined up to this length. */
const JOINED_CHARS = 4096;

const encoder = new TextEncoder();
const sizeOf = (value: unknown): number => encoder.encode(JSON.stringify(value) ?? "").length;

/** Drafts that the relay takes in place of one that may be too large: text in pieces, everything else cut. */
export function fitted(draft: EventDraft): Sized[] {
  if (draft.stream === "thinking") return pieces(draft.data.delta).map((delta) => sized({ ...draft, data: { delta } }));
  if (draft.stream === "assistant") return fittedWords(draft);
  if (draft.stream === "tool") {
    const { args, result, ...data } = draft.data;
    const values = {
      ...(args !== undefined && { args: cutArgs(args) }),
      ...(result !== undefined && { result: cut(result) }),
    };
    return [sized({ ...draft, data: { ...data, ...values } })];
  }
  if (draft.stream === "diff" && sizeOf(draft.data.patch) > VALUE_BYTES)
    return [sized({ ...draft, data: { ...draft.data, patch: undefined } })];
  if (draft.stream === "status") return [sized({ ...draft, data: { text: headOf(draft.data.text, 2048) } })];
  return [sized(draft)];
}

function fittedWords(draft: Extract<EventDraft, { stream: "assistant" }>): Sized[] {
  const { delta, text, ...rest } = draft.data;
  if (text !== undefined && sizeOf(text) <= VALUE_BYTES)
    return [sized({ ...draft, data: { ...rest, text: text.toWellFormed() } })];
  const words = pieces(delta ?? text ?? "").map((piece) => sized({ ...draft, data: { delta: piece } }));
  return Object.keys(rest).length === 0 ? words : [...words, sized({ ...draft, data: rest })];
}

const sized = (draft: EventDraft): Sized => ({ draft, bytes: sizeOf(draft) });

function pieces(text: string): string[] {
  const found: string[] = [];
  let from = 0;
  while (from < text.length) {
    let end = Math.min(text.length, from + PIECE_CHARS);
    // A pair of surrogates stays together.
    if (end < text.length && /[\ud800-\udbff]/.test(text[end - 1] ?? "")) end--;
    found.push(text.slice(from, end).toWellFormed());
    from = end;
  }
  return found;
}

/** Arguments stay an object: the relay shows no others. */
function cutArgs(args: unknown): unknown {
  const fit = cut(args);
  return fit === args ? args : { cut: fit };
}

/** Value that JSON can carry within the limit; of a larger one the beginning of its text. */
function cut(value: unknown): unknown {
  const bytes = sizeOf(value);
  if (bytes <= VALUE_BYTES) return value;
  const text = typeof value === "string" ? value : JSON.stringify(value);
  // Escapes take up to six bytes, so the plain text gets a sixth in the worst case.
  const room = Math.min(VALUE_BYTES, Math.floor((VALUE_BYTES * encoder.encode(text).length) / sizeOf(text))) - 100;
  const head = headOf(text, room);
  return `${sizeOf(head) <= VALUE_BYTES ? head : headOf(text, VALUE_BYTES / 6)}\n[cut: the whole has ${bytes} bytes]`;
}

/** The two as one event, if both are pieces of the same text that are short enough. */
export function joined({ draft: last, bytes }: Sized, { draft: added }: Sized): Sized | undefined {
  const [one, two] = [deltaOf(last), deltaOf(added)];
  if (one === undefined || two === undefined || last.stream !== added.stream) return undefined;
  if (last.turnId !== added.turnId || one.length + two.length > JOINED_CHARS) return undefined;
  const draft = { ...last, data: { delta: one + two } } as EventDraft;
  return { draft, bytes: bytes + sizeOf(two) - 2 };
}

function deltaOf({ stream, data }: EventDraft): string | undefined {
  if (stream !== "assistant" && stream !== "thinking") return undefined;
  return Object.keys(data).length === 1 ? data.delta : undefined;
}

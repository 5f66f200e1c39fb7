import type { Part } from "../../src/features/runs/turn-state.ts";

/** Everything that is wrong with the order of parts: a start without one end, a delta outside, an output without a call. */
export function balanceOf(parts: readonly Part[]): string[] {
  const flaws: string[] = [];
  const open = new Set<string>();
  const calls = new Map<string, "open" | "ended">();
  for (const { type, ...part } of parts) {
    const [kind = "", phase] = type.split(/-(?=start$|delta$|end$)/);
    const key = `${kind} ${part.id}`;
    if ((kind === "text" || kind === "reasoning") && phase === "start") {
      if (open.size > 0) flaws.push(`${key} begins inside ${[...open]}`);
      open.add(key);
    } else if (phase === "delta" && !open.has(key)) flaws.push(`${key} goes on and is not open`);
    else if (phase === "end" && !open.delete(key)) flaws.push(`${key} ends and is not open`);
    const call = part.toolCallId as string;
    if (type === "tool-input-start") {
      if (calls.has(call)) flaws.push(`call ${call} begins twice`);
      calls.set(call, "open");
    } else if (type.startsWith("tool-") && calls.get(call) !== "open")
      flaws.push(`${type} of ${call}, which is not open`);
    if (type === "tool-output-error" || (type === "tool-output-available" && !part.preliminary))
      calls.set(call, "ended");
  }
  flaws.push(...[...open].map((key) => `${key} has no end`));
  flaws.push(...[...calls].flatMap(([call, state]) => (state === "open" ? [`call ${call} has no end`] : [])));
  const ends = parts.flatMap(({ type }, i) => (["finish", "abort", "error"].includes(type) ? [i] : []));
  if (ends.length !== 1 || ends[0] !== parts.length - 1) flaws.push(`ends at ${ends} of ${parts.length}`);
  return flaws;
}

/** A stored part, as it is listed. */
export interface ShownPart {
  place: number;
  turnId: string;
  at: string;
  part: Part;
}

/** Events of one source, numbered from `from` on. */
export const numbered = (events: readonly object[], from = 0, source = "main"): object[] =>
  events.map((event, i) => ({ source, seq: from + i, ...event }));

export const delta = (text: string) => ({ stream: "assistant", data: { delta: text } });
export const thought = (text: string) => ({ stream: "thinking", data: { delta: text } });
export const toolStart = (toolCallId: string, args: object = {}) => ({
  ...{ stream: "tool", data: { phase: "start", toolCallId, name: "shell", args } },
});
export const toolResult = (toolCallId: string, result: unknown) => ({
  ...{ stream: "tool", data: { phase: "result", toolCallId, result } },
});

/** Lines of data of a UI message stream, in order. */
export const chunksOf = (text: string): string[] =>
  text.split("\n").flatMap((line) => (line.startsWith("data: ") ? [line.slice(6)] : []));

/** Visible text of parts. */
export const textOf = (parts: readonly Part[]): string =>
  parts.map(({ type, delta: more }) => (type === "text-delta" ? more : "")).join("");

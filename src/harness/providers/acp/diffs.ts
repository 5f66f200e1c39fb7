import type { SessionEvent } from "../provider.ts";

type Diff = Extract<SessionEvent, { type: "diff" }>;

const CONTEXT = 3;

/** Event of a change that is given by the text before and after: one hunk, from the first line that differs to the last. */
export function diffOf(path: string, before: string | null, after: string): Diff {
  const [old, now] = [linesOf(before ?? ""), linesOf(after)];
  let same = 0;
  while (same < old.length && same < now.length && old[same] === now[same]) same++;
  let tail = 0;
  while (tail < old.length - same && tail < now.length - same && old.at(-1 - tail) === now.at(-1 - tail)) tail++;
  const [removed, added] = [old.slice(same, old.length - tail), now.slice(same, now.length - tail)];
  const head = old.slice(Math.max(0, same - CONTEXT), same);
  const foot = old.slice(old.length - tail, old.length - tail + CONTEXT);
  const [from, around] = [same - head.length + 1, head.length + foot.length];
  const patch = [
    `@@ -${from},${removed.length + around} +${from},${added.length + around} @@`,
    ...head.map((line) => ` ${line}`),
    ...removed.map((line) => `-${line}`),
    ...added.map((line) => `+${line}`),
    ...foot.map((line) => ` ${line}`),
    "",
  ].join("\n");
  const change = before === null ? "added" : "modified";
  return { type: "diff", path, change, added: added.length, removed: removed.length, patch };
}

const linesOf = (text: string): string[] => (text === "" ? [] : text.replace(/\n$/, "").split("\n"));

import { type Envelopes, type Letter, PREFACE } from "./envelope.ts";
import { showTogether, togetherFrom } from "./together.ts";
import { tokensOf } from "./tokens.ts";

/** Messages arranged for a model that has only so much room. */
export interface Digest {
  /** Heads, envelopes, folded threads, and a count of the rest. */
  text: string;
  /** Messages shown in full, or cut with a way to the rest. */
  shown: number[];
  /** The rest, by thread. */
  folded: { thread: number; messages: number; newest: number }[];
  /** Messages without room even there. */
  leftOut: number;
  /** Everything up to here was shown; null when not even the oldest was. */
  ack: number | null;
}

/** Most of the room for urgent messages: the oldest of the others gets a place, too. */
const URGENT_SHARE = 0.6;
/** Fewest tokens of a message worth showing. */
const LEAST = 100;
const FOLD_LINE = 24;

/**
 * Shows urgent messages first, then the oldest, each in its envelope, while there is room. Folds the others by thread, and counts
 * the rest. `letters` oldest first.
 */
export function digest(letters: readonly Letter[], envelopes: Envelopes, tokens: number): Digest {
  const urgent = letters.filter((letter) => letter.urgent);
  const others = letters.filter((letter) => !letter.urgent);
  const room = tokens - tokensOf(PREFACE);
  const parts: string[] = [];
  const shown = new Set<number>();
  let left = room;

  function show(letter: Letter, most: number): boolean {
    const { text } = envelopes.message(letter, { tokens: Math.min(most, left) });
    const cost = tokensOf(text) + 1;
    if (cost > left) return false;
    parts.push(text);
    shown.add(letter.id);
    left -= cost;
    return true;
  }

  /** Results that came together. @returns whether all of them fitted */
  function showResults(results: readonly Letter[], most: number): boolean {
    const together = showTogether(results, envelopes, Math.min(most, left - 2 * FOLD_LINE));
    const [first] = results;
    if (together.shown.length === 0) {
      if (first) show(first, most);
      return false;
    }
    parts.push(together.text);
    for (const id of together.shown) shown.add(id);
    left -= tokensOf(together.text) + 1;
    return together.shown.length === results.length;
  }

  function showAll(list: readonly Letter[], until: number): void {
    for (let index = 0; index < list.length; ) {
      const results = togetherFrom(list, index);
      const count = Math.max(1, results.length);
      const rest = list.slice(index + count);
      const most = left - until - Math.min(foldsOf(rest), 8) * FOLD_LINE;
      if (most < LEAST && shown.size > 0) return;
      // One huge message does not push out all the others.
      const share = Math.max(LEAST, rest.length > 0 ? Math.max(LEAST * count, most / 2) : most);
      const [letter] = list.slice(index);
      if (!letter || !(count > 1 ? showResults(results, share) : show(letter, share))) return;
      index += count;
    }
  }

  showAll(urgent, others.length ? room * (1 - URGENT_SHARE) : 0);
  showAll(others, 0);
  return { ...fold(letters, shown, left, parts), shown: [...shown] };
}

const foldsOf = (letters: readonly Letter[]): number => new Set(letters.map((letter) => letter.threadId)).size;

function fold(letters: readonly Letter[], shown: ReadonlySet<number>, room: number, parts: readonly string[]) {
  const rest = letters.filter((letter) => !shown.has(letter.id));
  const threads = [...Map.groupBy(rest, (letter) => letter.threadId)].sort(byUrgency);
  const lines: string[] = [];
  const folded: Digest["folded"] = [];
  let left = room - FOLD_LINE;
  let leftOut = 0;
  for (const [thread, members] of threads) {
    const newest = members.at(-1)?.id ?? thread;
    const from = [...new Set(members.map((member) => member.from))];
    const names = `${from.slice(0, 3).join(", ")}${from.length > 3 ? ` and ${from.length - 3} more` : ""}`;
    const urgent = members.filter((member) => member.urgent).length;
    const line = `thread ${thread}: ${members.length}${urgent ? ` (${urgent} URGENT)` : ""} from ${names}, newest ${newest}`;
    const cost = tokensOf(line) + 1;
    if (cost > left) {
      leftOut += members.length;
      continue;
    }
    left -= cost;
    lines.push(line);
    folded.push({ thread, messages: members.length, newest });
  }
  const text = [
    ...(parts.length ? [PREFACE, ...parts] : []),
    ...(lines.length ? ["Folded (read: history {thread}):", ...lines] : []),
    ...(leftOut ? [`Left out: ${leftOut} more.`] : []),
  ].join("\n");
  const firstHidden = rest[0]?.id ?? Number.POSITIVE_INFINITY;
  const covered = letters.filter((letter) => letter.id < firstHidden).at(-1);
  return { text, folded, leftOut, ack: covered?.id ?? null };
}

type Thread = [number, Letter[]];
const isUrgent = ([, members]: Thread): number => (members.some((member) => member.urgent) ? 0 : 1);
const byUrgency = (a: Thread, b: Thread): number => isUrgent(a) - isUrgent(b);

import type { AnnouncementInstruction } from "../../protocol/announcements.ts";
import { actionFor, announcementText } from "./announcement.ts";
import type { Envelopes, Letter } from "./envelope.ts";
import { tokensOf } from "./tokens.ts";

/** Longest time between two results that are shown together. */
const QUIET_MS = 1000;
/** Fewest tokens of one of them. */
const LEAST = 100;
/** Tokens of the heading, and of the line that names those without room. */
const FRAME = 48;

/** The announcement at a place of a list, and those that came within a second after it. */
export function togetherFrom(letters: readonly Letter[], at: number): Letter[] {
  const together: Letter[] = [];
  for (let last: Letter | undefined, next = letters[at]; next; last = next, next = letters[at + together.length]) {
    if (next.kind !== "announcement" || (last && timeOf(next) - timeOf(last) > QUIET_MS)) break;
    together.push(next);
  }
  return together;
}

/** Several results as one part of a digest. */
export interface Together {
  text: string;
  shown: number[];
}

/** Results with one instruction after the last, and a word on those that did not fit. */
export function showTogether(letters: readonly Letter[], envelopes: Envelopes, tokens: number): Together {
  const instruction = commonInstruction(letters);
  const action = instruction === undefined ? [] : [actionFor(instruction)];
  let left = tokens - FRAME - tokensOf(action.join(""));
  const texts: string[] = [];
  const shown: number[] = [];
  for (const [index, letter] of letters.entries()) {
    const share = Math.max(LEAST, left / (letters.length - index));
    const { text } = envelopes.message(letter, { tokens: share, isJoined: instruction !== undefined });
    const cost = tokensOf(text) + 1;
    if (cost > left) break;
    left -= cost;
    texts.push(text);
    shown.push(letter.id);
  }
  const rest = letters.length - shown.length;
  return {
    shown,
    text: [
      `${letters.length} results came together:`,
      ...texts,
      ...(rest > 0 ? [`${rest} of these results did not fit; they stay unread.`] : []),
      ...action,
    ].join("\n"),
  };
}

function commonInstruction(letters: readonly Letter[]): AnnouncementInstruction | undefined {
  const all = new Set(letters.map((letter) => announcementText(letter)?.instruction));
  return all.size === 1 ? [...all][0] : undefined;
}

const timeOf = (letter: Letter): number => Date.parse(letter.createdAt);

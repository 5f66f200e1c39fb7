/** Part of a sentence: words, or a time (RFC 3339). */
export type TextPart = string | { at: string };

/** A sentence, its times as the clock of the reader shows them. */
export const toldText = (parts: readonly TextPart[], clock: (time: string) => string): string =>
  parts.map((part) => (typeof part === "string" ? part : clock(part.at))).join("");

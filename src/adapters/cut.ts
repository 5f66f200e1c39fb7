/** Seams, best first: between paragraphs, lines, sentences, words. */
const SEAMS = [/\n\s*\n/g, /\n/g, /[.!?;:。！？]\s/g, /\s/g];
/** Share of the limit that a piece has to fill before it may end at a seam. */
const WORTH = 0.5;

/**
 * Cuts a text into pieces of at most `limit`, counted in UTF-16 units as the platforms do, at the best seam near the end of
 * each, never within a character of several units. Drops white space at a cut. No piece is blank.
 */
export function cutText(text: string, limit: number): string[] {
  const pieces: string[] = [];
  let rest = text.trimEnd();
  while (rest.length > limit) {
    const at = seam(rest, limit);
    pieces.push(rest.slice(0, at).trimEnd());
    rest = rest.slice(at).replace(/^\s+/, "");
  }
  pieces.push(rest);
  return pieces.filter((piece) => piece.trim() !== "");
}

function seam(text: string, limit: number): number {
  const room = text.slice(0, limit + 1);
  for (const pattern of SEAMS) {
    let best = 0;
    for (const found of room.matchAll(pattern)) {
      const end = found.index + found[0].length;
      if (found.index <= limit) best = Math.min(end, limit);
    }
    if (best >= limit * WORTH) return best;
  }
  return wholeCharacters(text, limit);
}

const segmenter = new Intl.Segmenter(undefined, { granularity: "grapheme" });
/** Longest emoji sequence: some 30 units. */
const LONGEST_CHARACTER = 64;

/** Last place up to `limit` that is not within a character as people see it. */
function wholeCharacters(text: string, limit: number): number {
  const from = Math.max(0, limit - LONGEST_CHARACTER);
  // A slice may begin within a character; only its beginning is misread then.
  const window = text.slice(from, limit + LONGEST_CHARACTER);
  let best = 0;
  for (const { index } of segmenter.segment(window)) if (from + index <= limit) best = from + index;
  if (best > from) return best;
  const code = text.charCodeAt(limit);
  return code >= 0xdc00 && code <= 0xdfff ? limit - 1 : limit;
}

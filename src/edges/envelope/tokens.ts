const utf8 = new TextEncoder();
/** Prose in English has about 4.5 bytes a token, code and ids about 3: a budget is kept by the lower figure. */
const BYTES_PER_TOKEN = 3;

/** Tokens of a text for a model, at most or nearly so. */
export const tokensOf = (text: string): number => Math.ceil(utf8.encode(text).length / BYTES_PER_TOKEN);

/** Characters of a text that fit into so many tokens. */
export function charactersWithin(text: string, tokens: number): number {
  const room = Math.max(0, Math.floor(tokens * BYTES_PER_TOKEN));
  if (text.length * 3 <= room) return text.length;
  return utf8.encodeInto(text, new Uint8Array(room)).read;
}

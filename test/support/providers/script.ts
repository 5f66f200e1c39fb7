/**
 * Lines that a stand-in of a CLI plays: those of the last text by others that its prompt quotes, as a model would do that heeds it; of a
 * prompt that quotes none, all.
 */
export function scriptOf(prompt: string): string[] {
  const lines = prompt.split("\n");
  const end = lines.findLastIndex((line) => /^\[end [0-9a-f]+/.test(line));
  if (end === -1) return lines;
  const start = lines.findLastIndex((line, at) => at < end && /^\[.*fence [0-9a-f]+\]$/.test(line));
  // Lines about a message begin otherwise: `By: Ada`, `data: {...}`.
  return lines.slice(start + 1, end).flatMap((line) => /^\| ([a-z]+(?: .*)?)$/.exec(line)?.[1] ?? []);
}

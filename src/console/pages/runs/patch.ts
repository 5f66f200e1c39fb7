/** One line of a patch. */
export interface PatchLine {
  /** Place in the patch, from 0. */
  index: number;
  sign: "+" | "-" | " " | "@";
  /** As it stands in the patch, sign included. */
  text: string;
  /** Line of the file: of the new one, or of the old one where it was removed. null outside of hunks. */
  number: number | null;
}

const HUNK = /^@@ -(\d+)(?:,\d+)? \+(\d+)(?:,\d+)? @@/;

/** Lines of a unified diff, with their numbers in the file. */
export function linesOf(patch: string): PatchLine[] {
  let [before, after] = [0, 0];
  let isInHunk = false;
  const lines = patch.split("\n");
  if (lines.at(-1) === "") lines.pop();
  return lines.map((text, index): PatchLine => {
    const hunk = HUNK.exec(text);
    if (hunk) {
      [before, after, isInHunk] = [Number(hunk[1]), Number(hunk[2]), true];
      return { index, sign: "@", text, number: null };
    }
    if (!isInHunk || text.startsWith("\\")) return { index, sign: "@", text, number: null };
    if (text.startsWith("+")) return { index, sign: "+", text, number: after++ };
    if (text.startsWith("-")) return { index, sign: "-", text, number: before++ };
    before++;
    return { index, sign: " ", text, number: after++ };
  });
}

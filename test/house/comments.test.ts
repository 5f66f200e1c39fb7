import { describe, expect, test } from "bun:test";
import { join } from "node:path";
import { Glob } from "bun";

const ROOT = join(import.meta.dir, "../..");
/** Beginnings that hide the noun or the actor. */
const HIDDEN = /^(what|who|whose|whoever|of what|for whom)\b/i;

/** First words of every comment of a source text, and of every summary and description of a contract. */
function beginnings(text: string): { line: number; words: string }[] {
  const found: { line: number; words: string }[] = [];
  const note = (at: number, words: string) => found.push({ line: text.slice(0, at).split("\n").length, words });
  for (const match of text.matchAll(/\/\*[\s*]*([^\n]+)/g)) note(match.index, match[1] ?? "");
  // A line comment begins where the line above it is none.
  for (const match of text.matchAll(/(?<=^|\n)(?![ \t]*\/\/)[^\n]*\n[ \t]*\/\/ ?([^\n]+)/g))
    note(match.index + match[0].length, match[1] ?? "");
  for (const match of text.matchAll(/\b(?:summary|description):\s*["'`]([^"'`\n]+)/g))
    note(match.index, match[1] ?? "");
  return found;
}

describe("comments and summaries", () => {
  for (const folder of ["src", "scripts", "test"])
    test(`in ${folder} begin with a noun or a verb`, async () => {
      const bad: string[] = [];
      for await (const file of new Glob(`${folder}/**/*.{ts,tsx}`).scan(ROOT)) {
        if (file.includes("node_modules")) continue;
        const text = await Bun.file(join(ROOT, file)).text();
        for (const { line, words } of beginnings(text)) if (HIDDEN.test(words)) bad.push(`${file}:${line} ${words}`);
      }
      expect(bad.sort()).toEqual([]);
    });
});

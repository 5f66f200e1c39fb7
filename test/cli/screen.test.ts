import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { safeJson, safeLine, safeText } from "../../src/cli/screen.ts";
import { anyText } from "../support/any-text.ts";

describe("text that others wrote", () => {
  test.each([
    ["colours", "\x1b[1;31mred\x1b[0m", "red"],
    ["cursor movement and erasing", "ok\x1b[2K\x1b[1Afake", "okfake"],
    ["titles and clipboards, with either end", "\x1b]0;title\x07a\x1b]52;c;ZXZpbA==\x1b\\b", "ab"],
    ["links", "\x1b]8;;http://evil\x1b\\text\x1b]8;;\x1b\\", "text"],
    ["device control strings", "\x1bPq#0\x1b\\x", "x"],
    ["sequences in their one-byte form", "\x9b31mred\x9d0;title\x9cx", "redx"],
    ["two-byte escapes", "\x1bca\x1b(0b", "ab"],
    ["a sequence that never ends", "a\x1b]0;rest", "a0;rest"],
    ["a carriage return that overwrites", "good\rbad!", "good\nbad!"],
    ["backspaces and bells", "a\b\b\x07b\x7f", "ab"],
    ["marks that reorder", "user\u202Enimda\u2066x\u2069", "usernimdax"],
    ["characters without width, and tags", "a\u200Bb\u{E0041}\u{E007F}c\uFEFF", "abc"],
  ])("text that others wrote loses %s", (_, dirty, clean) => {
    expect(safeText(dirty)).toBe(clean);
  });

  test("text that others wrote keeps its lines, its tabs and every script", () => {
    const text = "a\tb\nשלום مرحبا 👩‍💻 café";
    expect(safeText(text)).toBe(text);
    expect(safeLine("a\n\tb ")).toBe("a b");
  });

  test("text that others wrote has no control left, whatever it was", () => {
    fc.assert(
      fc.property(anyText(10), (text) => {
        expect(safeText(text)).not.toMatch(/[^\P{Cc}\n\t]/u);
        expect(safeLine(text)).not.toMatch(/\p{Cc}/u);
      }),
    );
  });

  test("text that others wrote as JSON means the same and shows nothing of it", () => {
    fc.assert(
      fc.property(anyText(10), (text) => {
        const json = safeJson({ text });
        expect(JSON.parse(json)).toEqual({ text });
        expect(json).not.toMatch(/\p{Cc}|[\u202a-\u202e]/u);
      }),
    );
    expect(safeJson("\u{E0041}")).toBe('"\\udb40\\udc41"');
  });
});

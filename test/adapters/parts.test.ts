import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { networkFault } from "../../src/adapters/contract.ts";
import { cutText } from "../../src/adapters/cut.ts";

describe("cutting a text", () => {
  test("cutting a text prefers the end of a paragraph, a line, a sentence, a word", () => {
    expect(cutText("one two\n\nthree four", 12)).toEqual(["one two", "three four"]);
    expect(cutText("one two\nthree four", 12)).toEqual(["one two", "three four"]);
    expect(cutText("One two. Three four", 12)).toEqual(["One two.", "Three four"]);
    expect(cutText("one two three", 10)).toEqual(["one two", "three"]);
    expect(cutText("abcdefghij", 4)).toEqual(["abcd", "efgh", "ij"]);
  });

  test("cutting a text never cuts a character that people see as one", () => {
    const family = "👨‍👩‍👧‍👦";
    for (let limit = 12; limit < 40; limit++)
      for (const piece of cutText(family.repeat(12), limit)) expect(piece.length % family.length).toBe(0);
  });

  test("a text of blanks is nothing to post", () => {
    expect(cutText(" \n\t ", 10)).toEqual([]);
    expect(cutText("", 10)).toEqual([]);
  });

  test("cutting a text keeps every word, in order, and every piece fits", () => {
    const text = fc.string({ unit: "grapheme", maxLength: 400 });
    fc.assert(
      fc.property(text, fc.integer({ min: 70, max: 120 }), (given, limit) => {
        const pieces = cutText(given, limit);
        expect(pieces.every((piece) => piece.length <= limit && piece.trim() !== "")).toBe(true);
        const bare = (s: string) => s.replace(/\s+/g, "");
        expect(bare(pieces.join(""))).toBe(bare(given));
        expect(pieces.every((piece) => piece.isWellFormed())).toBe(given.isWellFormed());
      }),
    );
  });
});

describe("a connection that fails", () => {
  test("a connection that fails was surely of no effect when it was never made", async () => {
    const error = await fetch("http://127.0.0.1:1/").catch((error) => error);
    expect(networkFault(error)).toMatchObject({ failure: "transient", code: "unreachable" });
  });

  test("a connection that fails may have had its effect when it was cut", async () => {
    const server = Bun.listen({
      hostname: "127.0.0.1",
      port: 0,
      socket: {
        data(socket) {
          socket.end();
        },
      },
    });
    const error = await fetch(`http://127.0.0.1:${server.port}/`, { method: "POST", body: "x" }).catch(
      (error) => error,
    );
    server.stop(true);
    expect(networkFault(error)).toMatchObject({ failure: "ambiguous", code: "no-answer" });
  });
});

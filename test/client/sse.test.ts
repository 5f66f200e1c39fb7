import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { createSseParser, type SseEvent } from "../../src/client/sse.ts";

const encoder = new TextEncoder();
const parse = (...chunks: (string | Uint8Array)[]): SseEvent[] => {
  const parser = createSseParser();
  return chunks.flatMap((chunk) => parser.feed(typeof chunk === "string" ? encoder.encode(chunk) : chunk));
};
const data = (events: SseEvent[]) => events.map((event) => event.data);

describe("the event stream parser", () => {
  test("the event stream parser reads type, id and several lines of data", () => {
    expect(parse("event: note\nid: 7\ndata: one\ndata: two\n\n")).toEqual([
      { type: "note", data: "one\ntwo", lastEventId: "7" },
    ]);
  });

  test("the event stream parser takes CRLF, CR and LF as ends of lines, mixed", () => {
    expect(data(parse("data: a\r\n\r\ndata: b\r\rdata: c\n\ndata: d\r\n\n"))).toEqual(["a", "b", "c", "d"]);
  });

  test("the event stream parser does not take the LF of a CRLF cut in two for a line of its own", () => {
    expect(data(parse("data: a\r", "\ndata: b\r", "\n\r", "\n"))).toEqual(["a\nb"]);
    expect(data(parse("data: a\r", "", "\n\r"))).toEqual(["a"]);
  });

  test("the event stream parser leaves out comments and fields it does not know", () => {
    expect(parse(": keep-alive\n\n:\nfoo: bar\ndata: x\n\n")).toEqual([
      { type: "message", data: "x", lastEventId: "" },
    ]);
  });

  test("the event stream parser takes one space after the colon off, and a line without a colon as a field without a value", () => {
    expect(data(parse("data:a\n\ndata:  b\n\ndata\n\ndata\ndata\n\n"))).toEqual(["a", " b", "", "\n"]);
  });

  test("the event stream parser keeps the id for the events that follow, and ignores one with a NUL", () => {
    expect(parse("id: 1\ndata: a\n\ndata: b\n\nid: 2\0\ndata: c\n\nid\ndata: d\n\n").map((e) => e.lastEventId)).toEqual(
      ["1", "1", "1", ""],
    );
  });

  test("the event stream parser dispatches nothing without data, and forgets the type of what it did not dispatch", () => {
    expect(parse("event: a\n\ndata: x\n\n")).toEqual([{ type: "message", data: "x", lastEventId: "" }]);
  });

  test("the event stream parser takes a retry of digits only", () => {
    const parser = createSseParser();
    parser.feed(encoder.encode("retry: 1x\n"));
    expect(parser.retryMs).toBeUndefined();
    parser.feed(encoder.encode("retry: 2500\n"));
    expect(parser.retryMs).toBe(2500);
  });

  test("the event stream parser drops a byte order mark at the beginning alone, and an event that was not finished", () => {
    expect(data(parse("\uFEFFdata: \uFEFFx\n\ndata: lost\n"))).toEqual(["\uFEFFx"]);
  });

  test("the event stream parser refuses a line, and an event, without end", () => {
    const line = createSseParser();
    const megabyte = new Uint8Array(1024 * 1024).fill(97);
    expect(() => {
      for (let n = 0; n < 20; n++) line.feed(megabyte);
    }).toThrow("longer than");
    const event = createSseParser();
    expect(() => {
      for (let n = 0; n < 20; n++) event.feed(encoder.encode(`data:${"a".repeat(1024 * 1024)}\n`));
    }).toThrow("longer than");
  });

  test("the event stream parser says the same however its bytes are cut, also inside a character", () => {
    const line = fc.constantFrom("data: é😀", "data: x", ": hi", "id: 3", "event: e", "retry: 5", "", "data", "дa: 1");
    const stream = fc.array(fc.tuple(line, fc.constantFrom("\n", "\r", "\r\n")), { maxLength: 40 });
    fc.assert(
      fc.property(stream, fc.array(fc.nat(12), { minLength: 1 }), (lines, cuts) => {
        const bytes = encoder.encode(lines.map(([text, end]) => text + end).join(""));
        const chunks: Uint8Array[] = [];
        for (let at = 0, n = 0; at < bytes.length; n++) {
          const next = at + Math.max(1, cuts[n % cuts.length] ?? 1);
          chunks.push(bytes.subarray(at, next));
          at = next;
        }
        expect(parse(...chunks)).toEqual(parse(bytes));
      }),
    );
  });
});

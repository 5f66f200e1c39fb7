import { describe, expect, test } from "bun:test";
import { createJsonLines } from "../../../../src/harness/providers/process/json-lines.ts";
import { markedInPs } from "../../../../src/harness/providers/process/ps.ts";

function reader(maxBytes?: number) {
  const lines: unknown[] = [];
  const noise: string[] = [];
  const { take, end } = createJsonLines({
    onLine: (line) => lines.push(line),
    onNoise: (text) => noise.push(text),
    ...(maxBytes && { maxBytes }),
  });
  return { take: (text: string | Uint8Array) => take(Buffer.from(text)), end, lines, noise };
}

describe("lines of JSON", () => {
  test("lines may come byte by byte, in the middle of a character too", () => {
    const { take, end, lines, noise } = reader();
    const bytes = Buffer.from('{"text":"für 🦊"}\r\n\n{"n":2}\n{"last":"ü"}');
    for (const byte of bytes) take(Uint8Array.of(byte));
    expect(lines).toEqual([{ text: "für 🦊" }, { n: 2 }]);
    end();
    expect(lines.at(-1)).toEqual({ last: "ü" });
    expect(noise).toEqual([]);
  });

  test("a long line is read whole, and one that is too long is passed over with a word", () => {
    const { take, lines, noise } = reader(1_000_000);
    const long = "x".repeat(900_000);
    for (let i = 0; i < 9; i++) take(i === 0 ? '{"a":"' : long.slice(0, 100_000));
    take('"}\n');
    expect(lines).toEqual([{ a: "x".repeat(800_000) }]);
    take(`{"b":"${long}`);
    take(long);
    take('"}\n{"c":3}\n');
    expect(lines).toHaveLength(2);
    expect(lines[1]).toEqual({ c: 3 });
    expect(noise).toEqual([expect.stringMatching(/^A line of 1800008 bytes, longer than 1000000: {"b":"xxx/)]);
    expect(noise[0]?.length).toBeLessThan(600);
  });

  test("a line that is no object is noise, without control sequences", () => {
    const { take, lines, noise } = reader();
    take('\u001b[31mWarning:\u001b[0m old\u0007\n[1,2]\n{"half":\n17\n{"ok":1}\n');
    expect(lines).toEqual([{ ok: 1 }]);
    expect(noise).toEqual(["Warning: old", "[1,2]", '{"half":', "17"]);
  });
});

test("processes of macOS are read from ps, with the marker of their environment", () => {
  const text = [
    "    1 Fri Nov 27 08:00:01 2026     /sbin/launchd",
    "  431 Sat Nov 28 14:29:21 2026     node agent.js HOME=/Users/ann SIGNALBOX_SESSION=ses_1 LANG=C",
    " 1432 Sat Nov  7 04:09:01 2026     sleep 60 SIGNALBOX_SESSION=ses_2",
    "garbage SIGNALBOX_SESSION=ses_3",
  ].join("\n");
  const first = {
    sessionId: "ses_1",
    pid: 431,
    startTicks: Date.UTC(2026, 10, 28, 14, 29, 21) / 1000,
    command: "node",
  };
  expect(markedInPs(text)).toEqual([
    first,
    { sessionId: "ses_2", pid: 1432, startTicks: Date.UTC(2026, 10, 7, 4, 9, 1) / 1000, command: "sleep" },
  ]);
  expect(markedInPs(text, true).map(({ pid }) => pid)).toEqual([1, 431, 1432]);
});

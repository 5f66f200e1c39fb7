import { describe, expect, test } from "bun:test";
import { type Entry, Tail } from "../../../src/kernel/log/tail.ts";

const entry = (id: number): Entry => ({ id, key: "a", event: "message", json: "x".repeat(100), expiresAt: null });
const idsOf = (entries: Entry[] | undefined) => entries?.map(({ id }) => id);

describe("the tail of a log", () => {
  test("stored entries are taken before those that came since the start", () => {
    const tail = new Tail<Entry>(9, 100_000);
    tail.push(entry(11));
    expect(tail.unshift([entry(7), entry(9)], { after: 6, upTo: 9 })).toBe(true);
    expect(tail.unshift([entry(3)], { after: 2, upTo: 6 })).toBe(true);
    expect(idsOf(tail.since(2, 9))).toEqual([3, 7, 9, 11]);
    expect(tail.since(1, 9)).toBeUndefined();
  });

  test("stored entries that do not reach those in memory are not taken", () => {
    const tail = new Tail<Entry>(9, 100_000);
    expect(tail.unshift([entry(7)], { after: 6, upTo: 8 })).toBe(false);
    expect(tail.since(8, 9)).toBeUndefined();
    // Retention went past the end of the span after it was read.
    tail.forget(12);
    expect(tail.unshift([entry(7)], { after: 6, upTo: 9 })).toBe(false);
  });

  test("entries that retention has reached meanwhile stay out", () => {
    const tail = new Tail<Entry>(9, 100_000);
    tail.forget(5);
    expect(tail.unshift([entry(4), entry(6), entry(9)], { after: 3, upTo: 9 })).toBe(true);
    expect(idsOf(tail.since(5, 9))).toEqual([6, 9]);
    expect(tail.since(4, 9)).toBeUndefined();
  });

  test("stored entries never push out those in memory", () => {
    const tail = new Tail<Entry>(9, 1200);
    tail.push(entry(10));
    expect(tail.unshift([entry(8), entry(9)], { after: 7, upTo: 9 })).toBe(false);
    expect(tail.unshift([entry(9)], { after: 8, upTo: 9 })).toBe(true);
    expect(idsOf(tail.since(8, 9))).toEqual([9, 10]);
  });
});

import { describe, expect, test } from "bun:test";
import { sql } from "drizzle-orm";
import pino from "pino";
import { createDue } from "../../../src/kernel/due/due.ts";
import type { DueRow } from "../../../src/kernel/due/row.ts";
import { createDueStore } from "../../../src/kernel/due/store.ts";
import { createHooks } from "../../../src/kernel/hooks.ts";
import { createManualClock } from "../../support/clock.ts";
import { mark, marks, openTestDatabase } from "../../support/database.ts";
import { atEnd } from "../../support/ending.ts";
import { inTime } from "../../support/until.ts";

const SECOND = 1000;

/** The timer over a database of its own. */
function startDue(dataDir?: string, clock = createManualClock()) {
  const database = openTestDatabase(dataDir);
  const { db } = database;
  const due = createDue(db, createDueStore(), clock, createHooks(), pino({ level: "silent" }));
  const start = clock.now();
  let closed: Promise<void> | undefined;
  const stop = () => {
    closed ??= due.stop().then(database.close);
    return closed;
  };
  atEnd(stop);
  return {
    ...{ db, due, clock, stop, dataDir: database.dataDir },
    plan: (kind: string, key: string, inMs: number, data = {}) =>
      db.write((tx) => due.schedule(tx, kind, key, clock.now() + inMs, data)),
    async pass(ms: number) {
      clock.advance(ms);
      await due.settle();
    },
    rows: () =>
      db.read(async (on) =>
        on.db.all<DueRow>(sql`select kind, key, at, tries, last_error as lastError from due order by at`),
      ),
    elapsed: () => (clock.now() - start) / SECOND,
  };
}

describe("due rows", () => {
  test("due rows are done once, at their time, in the write that removes them", async () => {
    const { db, due, plan, pass, rows } = startDue();
    due.on("note", (tx, row) => mark(tx, row.key).then(() => undefined));
    due.start();
    await plan("note", "b", 2 * SECOND);
    await plan("note", "a", 1 * SECOND);
    await pass(999);
    expect(await db.read(marks)).toEqual([]);
    await pass(1);
    expect(await db.read(marks)).toEqual(["a"]);
    await pass(10 * SECOND);
    expect(await db.read(marks)).toEqual(["a", "b"]);
    expect(await rows()).toEqual([]);
  });

  test("due rows are one for each kind and key: the later plan counts, and a cancelled one is never done", async () => {
    const { db, due, plan, pass } = startDue();
    due.on("note", (tx, row) => mark(tx, `${row.key}${row.data.n}`).then(() => undefined));
    due.start();
    await plan("note", "a", 1 * SECOND, { n: 1 });
    await plan("note", "a", 5 * SECOND, { n: 2 });
    await plan("note", "b", 1 * SECOND, { n: 3 });
    await db.write((tx) => due.cancel(tx, "note", "b"));
    await pass(4 * SECOND);
    expect(await db.read(marks)).toEqual([]);
    await pass(1 * SECOND);
    expect(await db.read(marks)).toEqual(["a2"]);
  });

  test("due rows that fail are put off, longer each time, and hold up nobody", async () => {
    const { db, due, plan, pass, rows, elapsed } = startDue();
    const tried: number[] = [];
    due.on("note", (tx, row) => mark(tx, row.key).then(() => undefined));
    due.on("broken", async (tx) => {
      tried.push(elapsed());
      await mark(tx, "half done");
      throw new Error("the far end is down");
    });
    due.start();
    for (const key of ["a", "b"]) await plan("note", key, 1 * SECOND);
    await plan("broken", "x", 1 * SECOND);
    await plan("unknown", "x", 1 * SECOND);
    for (const key of ["c", "d"]) await plan("note", key, 1 * SECOND);
    await pass(1 * SECOND);
    expect(await db.read(marks)).toEqual(["a", "b", "c", "d"]);
    expect(await rows()).toMatchObject([
      { kind: "broken", tries: 1, lastError: "Error: the far end is down" },
      { kind: "unknown", tries: 1, lastError: expect.stringContaining("nothing handles") },
    ]);
    for (let i = 0; i < 20; i++) await pass(1 * SECOND);
    // A slice is tried as a whole first, then each of its rows alone: every attempt shows twice.
    expect([...new Set(tried)]).toEqual([1, 2, 4, 8, 16]);
    for (let i = 0; i < 50; i++) await pass(1800 * SECOND);
    const gaps = [...new Set(tried)].map((at, i, all) => at - (all[i - 1] ?? 0));
    expect(Math.max(...gaps)).toBe(3600);
    expect(await db.read(marks)).toEqual(["a", "b", "c", "d"]);
  });

  test("due rows that fail succeed when what was wrong is mended", async () => {
    const { db, due, plan, pass, rows } = startDue();
    let broken = true;
    due.on("note", async (tx, row) => {
      if (broken) throw new Error("not yet");
      await mark(tx, row.key);
    });
    due.start();
    await plan("note", "a", 1 * SECOND);
    await pass(1 * SECOND);
    await pass(1 * SECOND);
    broken = false;
    await pass(2 * SECOND);
    expect(await db.read(marks)).toEqual(["a"]);
    expect(await rows()).toEqual([]);
  });

  test("due rows may plan themselves anew, and more than one slice of them is done at once", async () => {
    const { db, due, plan, pass, rows, clock } = startDue();
    due.on("note", (tx, row) => mark(tx, row.key).then(() => undefined));
    due.on("hourly", async (tx, row) => {
      await mark(tx, `at ${row.at}`);
      await due.schedule(tx, "hourly", row.key, clock.now() + 3600 * SECOND);
    });
    due.start();
    await plan("hourly", "x", 1 * SECOND);
    await Promise.all(Array.from({ length: 450 }, (_, i) => plan("note", `n${i}`, 1 * SECOND)));
    await pass(1 * SECOND);
    expect(await db.read(marks)).toHaveLength(451);
    expect(await rows()).toMatchObject([{ kind: "hourly", at: clock.now() + 3600 * SECOND }]);
  });

  test("G7: due rows survive a restart, and what came due meanwhile is done at the start", async () => {
    const first = startDue();
    first.due.start();
    await first.plan("note", "a", 60 * SECOND);
    await first.plan("note", "b", 600 * SECOND);
    await first.stop();
    first.clock.advance(120 * SECOND);
    const second = startDue(first.dataDir, first.clock);
    second.due.on("note", (tx, row) => mark(tx, row.key).then(() => undefined));
    second.due.start();
    await second.pass(0);
    expect(await second.db.read(marks)).toEqual(["a"]);
    await second.pass(480 * SECOND);
    expect(await second.db.read(marks)).toEqual(["a", "b"]);
  });
});

describe("the timer", () => {
  test("the timer looks at least once a minute, so that a clock that was set forward is noticed", async () => {
    const { due, plan, clock } = startDue();
    const done = Promise.withResolvers<string>();
    due.on("note", async (tx, row) => tx.afterCommit(() => done.resolve(row.key)));
    due.start();
    await due.settle();
    await plan("note", "a", 86_400 * SECOND);
    clock.jump(86_400 * SECOND);
    clock.advance(60 * SECOND);
    expect(await inTime(done.promise, "the timer has looked", 2000)).toBe("a");
  });

  test("the timer goes on when a source fails, and asks it again", async () => {
    const { db, due, plan, pass } = startDue();
    let asked = 0;
    due.source({
      name: "broken",
      next: async () => null,
      take: async () => {
        asked++;
        throw new Error("no such table");
      },
    });
    due.on("note", (tx, row) => mark(tx, row.key).then(() => undefined));
    due.start();
    await plan("note", "a", 1 * SECOND);
    await pass(1 * SECOND);
    expect(await db.read(marks)).toEqual(["a"]);
    const before = asked;
    await pass(1 * SECOND);
    expect(asked).toBeGreaterThan(before);
  });
});

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
import { until } from "../../support/until.ts";

const SECOND = 1000;
const MAX_MS = 60 * SECOND;

/** The timer over a database of its own, with work outside the process that ends when the test says so. */
function startDue(dataDir?: string, clock = createManualClock()) {
  const database = openTestDatabase(dataDir);
  const { db } = database;
  const due = createDue(db, createDueStore(), clock, createHooks(), pino({ level: "silent" }));
  const under: { tries: number; end(again: number | null): void }[] = [];
  due.outside("far", MAX_MS, (row, signal) => {
    const ended = Promise.withResolvers<number | null>();
    signal.addEventListener("abort", () => ended.resolve(null));
    under.push({ tries: row.tries, end: ended.resolve });
    return ended.promise.then((again) => async (tx) => {
      await mark(tx, `done ${row.tries}`);
      return again;
    });
  });
  let closed: Promise<void> | undefined;
  const stop = () => {
    closed ??= due.stop().then(database.close);
    return closed;
  };
  atEnd(stop);
  due.start();
  return {
    ...{ db, due, clock, stop, under, dataDir: database.dataDir },
    /** Lets so much time pass, and waits until that much work outside was begun in all. */
    async pass(ms: number, begun: number): Promise<void> {
      clock.advance(ms);
      await until(() => {
        clock.advance(5);
        return under.length === begun;
      });
    },
    hurry: (inMs = 0) => db.write((tx) => due.hurry(tx, "far", "x", clock.now() + inMs)),
    rows: () =>
      db.read(async (on) =>
        on.db.all<Pick<DueRow, "key" | "running" | "tries">>(
          sql`select key, running, tries from due where kind = 'far'`,
        ),
      ),
  };
}

describe("work outside the process", () => {
  test("work outside the process is done once at a time for a key, however often it is hurried", async () => {
    const { db, clock, under, hurry, pass, rows } = startDue();
    await hurry();
    await pass(0, 1);
    for (let i = 0; i < 5; i++) {
      await hurry();
      clock.advance(1 * SECOND);
    }
    await Bun.sleep(20);
    expect(under).toHaveLength(1);
    expect(await rows()).toMatchObject([{ running: 1 }]);
    under[0]?.end(null);
    await until(async () => (await rows()).length === 0);
    expect(await db.read(marks)).toEqual(["done 0"]);
    await hurry();
    await pass(0, 2);
    under[1]?.end(null);
    await until(async () => (await rows()).length === 0);
  });

  test("work outside the process that is planned anew while it is under way is not lost by its end", async () => {
    const { db, due, clock, under, hurry, pass, rows } = startDue();
    await hurry();
    await pass(0, 1);
    await db.write((tx) => due.schedule(tx, "far", "x", clock.now() + 10 * SECOND));
    under[0]?.end(null);
    await until(async () => (await db.read(marks)).length === 1);
    expect(await rows()).toMatchObject([{ running: 0, tries: 0 }]);
    await pass(10 * SECOND, 2);
    under[1]?.end(null);
    await until(async () => (await rows()).length === 0);
  });

  test("work outside the process goes on when it says so, and a waiting one is brought forward, never put back", async () => {
    const { clock, under, hurry, pass, rows } = startDue();
    await hurry();
    await pass(0, 1);
    under[0]?.end(clock.now() + 600 * SECOND);
    await until(async () => (await rows())[0]?.tries === 1);
    await hurry(900 * SECOND);
    await hurry(30 * SECOND);
    await pass(30 * SECOND, 2);
    expect(under[1]?.tries).toBe(1);
    under[1]?.end(null);
    await until(async () => (await rows()).length === 0);
  });

  test("G7: work outside the process that was under way when the relay ended is taken up at once at the next start, with its tries", async () => {
    const first = startDue();
    await first.hurry();
    await first.pass(0, 1);
    first.under[0]?.end(first.clock.now());
    await first.pass(0, 2);
    await first.stop();
    const second = startDue(first.dataDir, first.clock);
    await second.pass(0, 1);
    expect(second.under[0]?.tries).toBe(1);
    second.under[0]?.end(null);
    await until(async () => (await second.rows()).length === 0);
  });

  test("work outside the process that never ends is taken up again after its time", async () => {
    const { pass, hurry, under } = startDue();
    await hurry();
    await pass(0, 1);
    await pass(MAX_MS, 2);
    for (const one of under) one.end(null);
  });
});

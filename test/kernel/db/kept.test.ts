import { describe, expect, test } from "bun:test";
import { sql } from "drizzle-orm";
import { openTestDatabase } from "../../support/database.ts";

async function startKept() {
  const { db } = openTestDatabase();
  await db.write(async (tx) => {
    tx.db.run(sql`create table things (key text primary key, value integer not null)`);
    tx.db.run(sql`insert into things values ('a', 1)`);
  });
  let loads = 0;
  const kept = db.keep("things", (on, key): number => {
    loads++;
    return on.db.all<{ value: number }>(sql`select value from things where key = ${key}`)[0]?.value ?? 0;
  });
  const change = (tx: Parameters<Parameters<typeof db.write>[0]>[0], value: number) =>
    tx.db.run(sql`update things set value = ${value} where key = 'a'`);
  return { db, kept, change, loads: () => loads, read: () => db.write(async (tx) => kept.get(tx, "a")) };
}

class Refused extends Error {}

describe("values that the database keeps in memory", () => {
  test("a value is loaded once, and again after a write that forgets it", async () => {
    const { db, kept, change, loads, read } = await startKept();
    expect([await read(), await read(), loads()]).toEqual([1, 1, 1]);
    await db.write(async (tx) => {
      change(tx, 2);
      kept.forget("a");
      expect(kept.get(tx, "a")).toBe(2);
    });
    expect([await read(), await read()]).toEqual([2, 2]);
    await db.write(async (tx) => {
      change(tx, 3);
      kept.forget();
      expect(kept.get(tx, "a")).toBe(3);
    });
    expect(await read()).toBe(3);
  });

  test("a write of the same commit sees the change before it, and not one that was rolled back", async () => {
    const { db, kept, change, read } = await startKept();
    await read();
    const refused = db.write(async (tx) => {
      change(tx, 2);
      kept.set("a", 2);
      throw new Refused();
    });
    const after = db.write(async (tx) => kept.get(tx, "a"));
    const changed = db.write(async (tx) => {
      change(tx, 4);
      kept.set("a", 4);
    });
    const last = db.write(async (tx) => kept.get(tx, "a"));
    expect(await Promise.allSettled([refused, after, changed, last])).toMatchObject([
      { status: "rejected" },
      { value: 1 },
      { status: "fulfilled" },
      { value: 4 },
    ]);
    expect(await read()).toBe(4);
  });

  test("a part of a write that is rolled back takes what it set with it", async () => {
    const { db, kept, change, read } = await startKept();
    await db.write(async (tx) => {
      change(tx, 2);
      kept.set("a", 2);
      const part = async () => {
        change(tx, 3);
        kept.set("a", 3);
        throw new Refused();
      };
      await tx.attempt(part).catch(() => undefined);
      expect(kept.get(tx, "a")).toBe(2);
    });
    expect(await read()).toBe(2);
  });

  test("a read asks its own snapshot", async () => {
    const { db, kept, change, read } = await startKept();
    await read();
    await db.read(async (on) => {
      on.db.all(sql`select 1 from things`);
      await db.write(async (tx) => {
        change(tx, 2);
        kept.set("a", 2);
      });
      expect(kept.get(on, "a")).toBe(1);
    });
    expect(await db.read(async (on) => kept.get(on, "a"))).toBe(2);
  });
});

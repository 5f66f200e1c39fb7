import { expect, test } from "bun:test";
import { sql } from "drizzle-orm";
import { statement } from "../../../src/kernel/db/prepared.ts";
import { mark, openTestDatabase } from "../../support/database.ts";
import { startRelay } from "../../support/relay.ts";

test("a statement is built once for all databases, and asks the one that it is called with", async () => {
  let built = 0;
  const names = statement((q) => {
    built++;
    return q
      .select({ name: sql<string>`name` })
      .from(sql`marks`)
      .where(sql`position = ${sql.placeholder("at")}`)
      .prepare();
  });
  const [one, other] = [openTestDatabase(), openTestDatabase()];
  await one.db.write((tx) => mark(tx, "of one", 7));
  await other.db.write((tx) => mark(tx, "of other", 7));
  const inBoth = async ({ db }: typeof one) => [
    ...(await db.read(async (on) => names(on).all({ at: 7 }))),
    ...(await db.write(async (tx) => names(tx).all({ at: 7 }))),
  ];
  expect(await inBoth(one)).toEqual([{ name: "of one" }, { name: "of one" }]);
  await one.close();
  expect(await inBoth(other)).toEqual([{ name: "of other" }, { name: "of other" }]);
  expect(built).toBe(1);
});

test("a relay declares no statements of its own: its modules have", async () => {
  const { relay } = await startRelay();
  /** Declared so far, with one more. */
  async function declared(): Promise<number> {
    const one = statement((q) => q.select({ one: sql<number>`1` }).from(sql`marks`).prepare());
    return relay.db.read(async (on) => one(on).all() && on.db.prepared.length);
  }
  const before = await declared();
  await startRelay();
  expect(await declared()).toBe(before + 1);
});

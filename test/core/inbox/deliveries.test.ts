import { describe, expect, test } from "bun:test";
import { sql } from "drizzle-orm";
import { createDeliveries } from "../../../src/core/inbox/deliveries.ts";
import { createInboxStore } from "../../../src/core/inbox/store.ts";
import { createDirectory, keepAgents } from "../../../src/identity/agents/store-directory.ts";
import { createHooks } from "../../../src/kernel/hooks.ts";
import { createManualClock } from "../../support/clock.ts";
import { openTestDatabase } from "../../support/database.ts";

function startOffers() {
  const { db } = openTestDatabase();
  const clock = createManualClock();
  const failures: unknown[] = [];
  const deliveries = createDeliveries(
    { db, clock, hooks: createHooks(), onError: (error) => failures.push(error) },
    createInboxStore(db, createDirectory(keepAgents(db))),
  );
  return {
    ...{ db, clock, deliveries, failures },
    /** One range to each of so many agents. */
    note(agents: number, from: number) {
      for (let i = 0; i < agents; i++) {
        const agentId = `agent-${from + i}`;
        deliveries.note(
          { agentId, instanceId: null, connection: `poll:${agentId}`, transport: "poll" },
          { after: 0, upTo: 5 },
          1,
        );
      }
    },
    stored: () =>
      db.read(async (on) =>
        on.db
          .all<{ agentId: string }>(sql`select agent_id as agentId from offers order by id`)
          .map((row) => row.agentId),
      ),
  };
}

const named = (n: number) => Array.from({ length: n }, (_, i) => `agent-${i}`);

describe("what was offered", () => {
  test("what was offered is written once a second, in one row for each unbroken range", async () => {
    const { clock, deliveries, stored, db } = startOffers();
    const to = { agentId: "a", instanceId: null, connection: "c", transport: "stream" as const };
    for (let id = 1; id <= 50; id++) deliveries.note(to, { after: id - 1, upTo: id }, 1);
    deliveries.note(to, { after: 60, upTo: 61 }, 1);
    clock.advance(999);
    await deliveries.settled();
    expect(await stored()).toEqual([]);
    clock.advance(1);
    await deliveries.settled();
    const rows = await db.read(async (on) =>
      on.db.all(sql`select after_id as a, up_to_id as b from offers order by id`),
    );
    expect(rows).toEqual([
      { a: 0, b: 50 },
      { a: 60, b: 61 },
    ]);
  });

  test("what was offered is written whole, each range once, although the next second begins before the last is written", async () => {
    const { clock, deliveries, note, stored, failures } = startOffers();
    for (let round = 0; round < 4; round++) {
      note(500, round * 500);
      clock.advance(1000);
    }
    await deliveries.stop();
    expect(failures).toEqual([]);
    expect((await stored()).toSorted()).toEqual(named(2000).toSorted());
  });

  test("what was offered counts as offered from the moment on, before it is written and while it is", async () => {
    const { db, clock, deliveries, note } = startOffers();
    note(1, 0);
    const ranges = () => db.read((on) => deliveries.beyond(on, "agent-0", 0));
    expect(await ranges()).toMatchObject([{ afterId: 0, upToId: 5 }]);
    clock.advance(1000);
    expect(await ranges()).toMatchObject([{ afterId: 0, upToId: 5 }]);
    await deliveries.settled();
    expect(await ranges()).toMatchObject([{ afterId: 0, upToId: 5 }]);
    expect(deliveries.surelyCovered("agent-0", { after: 2, upTo: 5 })).toBe(true);
    expect(deliveries.surelyCovered("agent-0", { after: 2, upTo: 6 })).toBe(false);
    expect(deliveries.surelyCovered("agent-1", { after: 0, upTo: 1 })).toBe(false);
  });

  test("what was offered is tried again when it could not be written", async () => {
    const { db, clock, deliveries, note, stored, failures } = startOffers();
    const { background } = db;
    db.background = () => Promise.reject(new Error("the disk is full"));
    note(3, 0);
    clock.advance(1000);
    await deliveries.settled();
    expect(failures).toHaveLength(1);
    db.background = background;
    note(1, 3);
    clock.advance(1000);
    await deliveries.settled();
    expect((await stored()).toSorted()).toEqual(named(4));
  });
});

import { describe, expect, test } from "bun:test";
import { copyFileSync, existsSync } from "node:fs";
import { join } from "node:path";
import { sql } from "drizzle-orm";
import fc from "fast-check";
import { createByTarget, type Order } from "../../../src/core/messages/by-target.ts";
import { createMerges } from "../../../src/core/messages/merges.ts";
import type { MessageRow } from "../../../src/core/messages/row.ts";
import { createMessageStore } from "../../../src/core/messages/store.ts";
import { createEntryStore, type TargetRange } from "../../../src/core/messages/store-entries.ts";
import { createThreadStore } from "../../../src/core/threads/store.ts";
import type { ReadTx, Tx } from "../../../src/kernel/db/database.ts";
import { createPlace } from "../../../src/kernel/db/sequence.ts";
import { KeyTail } from "../../../src/kernel/log/key-tail.ts";
import { createManualClock } from "../../support/clock.ts";
import { openTestDatabase } from "../../support/database.ts";
import { tempFolder } from "../../support/relay.ts";

const TARGETS = ["a", "b", "c", "tag:x", "broadcast"];

/** The log with its index by target, over a database file, and nothing above it. */
async function openIndex(dataDir = tempFolder()) {
  const { db, close } = openTestDatabase(dataDir);
  const place = createPlace(db, "messages");
  const store = createEntryStore(db);
  const tail = new KeyTail(await db.read(async (on) => store.mark(on)), db.snapshots);
  const errors: unknown[] = [];
  const parts = { db, clock: createManualClock(), onError: (error: unknown) => errors.push(error) };
  // Each slice holds as little as there is, so that much happens between slices.
  const stores = { entries: store, threads: createThreadStore(db) };
  const merges = createMerges(parts, stores, tail, { worth: 64, most: 128, sliceMs: 0 });
  await merges.load();
  const directory = {
    targetsNow: () => TARGETS,
    membershipsBeyond: async () => TARGETS.map((target) => ({ agentId: "a", target, sinceId: 0, untilId: null })),
  };
  const byTarget = createByTarget({ db, headOf: place.of }, directory as never, store, tail);
  const messages = createMessageStore((tx, { id, fromId, target }) => {
    place.moved(id);
    tail.append(db.transactions(), target, { id, from: fromId });
    tx.atOnce(() => tail.commit(target, { id, from: fromId }));
  }, byTarget);
  async function append(tx: Tx, n: number): Promise<void> {
    const target = TARGETS[n % TARGETS.length] as string;
    const id = place.of(tx) + 1;
    await messages.append(tx, { ...BLANK, id, target, fromId: TARGETS[(n * 7) % 3] as string });
  }
  return { db, close, dataDir, place, store, tail, merges, byTarget, append, errors };
}

type Index = Awaited<ReturnType<typeof openIndex>>;

const BLANK: Omit<MessageRow, "id" | "target" | "fromId"> = {
  ...{ kind: "chat", source: "agent", integration: null, topic: null, subject: null, body: "x", opaque: false },
  ...{
    threadId: null,
    replyTo: null,
    causedBy: null,
    rootId: null,
    hops: 0,
    streak: 0,
    workId: null,
    claimable: false,
  },
  ...{ urgent: false, route: null, payload: null, meta: null, idempotencyKey: null, fingerprint: null, via: null },
  ...{ person: null, expiresAt: null, createdAt: 0, matched: 1, withheld: null },
};

/** The same question to the log itself. */
function plain(on: ReadTx, ranges: readonly TargetRange[], limit: number, order: Order) {
  const found = on.db.all<{ id: number; fromId: string; target: string }>(
    sql`select id, from_id as "fromId", target from messages order by id`,
  );
  const fits = found.filter(({ id, target }) =>
    ranges.some((range) => range.target === target && range.after < id && id <= range.upTo),
  );
  return (order === "oldest" ? fits : fits.reverse()).slice(0, limit);
}

/** Looks from a random place for random targets; `seed` decides. */
function expectSame({ byTarget, place, store }: Index, on: ReadTx, seed: number): void {
  const head = place.of(on);
  const limit = 1 + (seed % 40);
  const spans = [0, 1, 2].map((n) => Math.floor(head * (((seed * (n + 3)) % 11) / 10)));
  const [first = 0, second = 0, third = head] = spans.sort((a, b) => a - b);
  const ranges = [
    ...TARGETS.slice(seed % 3).map((target) => ({ target, after: first, upTo: head })),
    { target: "a", after: second, upTo: third },
    { target: "c", after: second, upTo: head + 50 },
    { target: "nobody", after: 0, upTo: head },
  ];
  for (const order of ["oldest", "newest"] as const) {
    const found = byTarget.inRanges(on, ranges, limit, order);
    expect({ order, mark: store.mark(on), found }).toEqual({
      ...{ order, mark: store.mark(on) },
      found: plain(on, ranges, limit, order),
    });
  }
  for (const target of ["a", "broadcast"]) {
    for (const among of [9, 90])
      expect(byTarget.newestFrom(on, "b", target, first, among)).toBe(newestBy(on, "b", target, first, among));
  }
  const mail = byTarget.mail(on, "a", first);
  expect(mail).toEqual(
    TARGETS.map((target) => ({
      target,
      recent: plain(on, [{ target, after: first, upTo: head }], 48, "newest").map(({ id, fromId }) => [id, fromId]),
    })),
  );
}

function newestBy(on: ReadTx, sender: string, target: string, after: number, among: number): number | null {
  const newest = plain(on, [{ target, after, upTo: Number.MAX_SAFE_INTEGER }], among, "newest");
  return newest.find(({ fromId }) => fromId === sender)?.id ?? null;
}

class Refused extends Error {}

type Step = { kind: "send" | "refused" | "part" | "merge" | "read" | "remove"; n: number };

/** Does one step; the index is compared with the log in writes, in reads, and in reads that go on over commits and merges. */
async function take(index: Index, { kind, n }: Step): Promise<unknown> {
  const { db, append, merges, store } = index;
  const write = (count: number) =>
    db.write(async (tx) => {
      for (let i = 0; i < count; i++) await append(tx, n + i);
      expectSame(index, tx, n);
    });
  if (kind === "send") return write(1 + (n % 30));
  if (kind === "merge") return n % 2 === 0 ? merges.all(true) : merges.notice();
  const refuse = async (tx: Tx) => {
    for (let i = 0; i <= n % 5; i++) await append(tx, n + i);
    throw new Refused();
  };
  // Three in one commit, one of which is rolled back.
  if (kind === "refused") return Promise.allSettled([write(2), db.write(refuse), write(3)]);
  if (kind === "part")
    return db.write(async (tx) => {
      await append(tx, n);
      await tx.attempt(() => refuse(tx)).catch(() => undefined);
      expectSame(index, tx, n);
      await append(tx, n + 1);
      expectSame(index, tx, n + 1);
    });
  if (kind === "remove")
    return db.write(async (tx) => {
      const upTo = Math.floor(store.mark(tx) / 2);
      const ids = tx.db.all<{ id: number }>(sql`select id from messages where id <= ${upTo}`).map(({ id }) => id);
      store.remove(tx, ids);
      tx.db.run(sql`delete from messages where id <= ${upTo}`);
    });
  return db.read(async (on) => {
    expectSame(index, on, n);
    for (let round = 0; round < n % 4; round++) {
      await Promise.all([write(40), merges.all(true)]);
      await merges.all(true);
      expectSame(index, on, n + round);
    }
  });
}

/** Copies the files as they are now: a machine without power would find them so. */
function copyOf({ dataDir }: Index): string {
  const folder = tempFolder();
  for (const name of ["signalbox.db", "signalbox.db-wal"])
    if (existsSync(join(dataDir, name))) copyFileSync(join(dataDir, name), join(folder, name));
  return folder;
}

async function expectWhole(index: Index): Promise<void> {
  for (const seed of [1, 7, 22, 39]) await index.db.read(async (on) => expectSame(index, on, seed));
}

const step = fc.record<Step>({
  kind: fc.constantFrom("send", "send", "send", "refused", "part", "merge", "merge", "read", "remove"),
  n: fc.nat(1000),
});

describe("the index of messages by target", () => {
  test("G2, G3: answers what the log itself says, in writes, in reads, and after a kill at any step", async () => {
    const property = fc.asyncProperty(
      fc.array(step, { minLength: 5, maxLength: 25 }),
      fc.nat(24),
      async (steps, at) => {
        const index = await openIndex();
        const running: Promise<unknown>[] = [];
        let crashed: string | undefined;
        for (const [n, one] of steps.entries()) {
          // A step in three goes on while the next ones begin.
          const done = take(index, one);
          if (n % 3 === 0) running.push(done);
          else await done;
          if (n === at % steps.length) crashed = copyOf(index);
        }
        await Promise.all(running);
        await expectWhole(index);
        const after = await openIndex(crashed);
        await expectWhole(after);
        await take(after, { kind: "send", n: 5 });
        await after.merges.all(true);
        await expectWhole(after);
        expect([...index.errors, ...after.errors]).toEqual([]);
        await Promise.all([index.close(), after.close()]);
      },
    );
    await fc.assert(property, { numRuns: 12 });
  });

  test("G3: a read that began before two merges still finds what they took out of memory", async () => {
    const index = await openIndex();
    await take(index, { kind: "send", n: 29 });
    await index.db.read(async (on) => {
      expectSame(index, on, 1);
      for (let round = 0; round < 4; round++) {
        await take(index, { kind: "send", n: round });
        await index.merges.all(true);
      }
      expectSame(index, on, 1);
      expect(index.tail.segments).toBeGreaterThan(4);
    });
    await take(index, { kind: "send", n: 1 });
    await index.merges.all(true);
    expect(index.tail.segments).toBe(2);
  });

  test("memory holds a bounded part of the log, however fast it grows", async () => {
    const index = await openIndex();
    let most = 0;
    for (let round = 0; round < 60; round++) {
      await take(index, { kind: "send", n: 29 });
      index.merges.notice();
      most = Math.max(most, index.tail.unmerged);
    }
    expect(most).toBeGreaterThan(128);
    expect(most).toBeLessThan(512);
  });

  test("a clean stop leaves nothing to read above the mark", async () => {
    const index = await openIndex();
    await take(index, { kind: "send", n: 29 });
    await index.merges.stop();
    await index.db.read(async (on) => expect(index.store.mark(on)).toBe(index.place.of(on)));
    await expectWhole(index);
  });
});

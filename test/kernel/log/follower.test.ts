import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { Follower, type Sink, type Source } from "../../../src/kernel/log/follower.ts";
import { createLog, type Log } from "../../../src/kernel/log/log.ts";
import type { Entry } from "../../../src/kernel/log/tail.ts";
import { turns } from "../../support/until.ts";

const entry = (id: number, key: string, expiresAt: number | null = null): Entry => ({
  ...{ id, key, event: "message", json: `{"id":${id}}`, expiresAt },
});

interface Membership {
  target: string;
  sinceId: number;
  untilId: number | null;
}

/** A log over a made-up database, and one follower of it whose far end can stall. */
function createWorld(log: Log, pageSize: number, pause: () => Promise<void>) {
  const stored: Entry[] = [];
  const members: Membership[] = [{ target: "me", sinceId: 0, untilId: null }];
  const got: number[] = [];
  const counts = { pages: 0, reloads: 0 };
  /** Entries that were delivered by the time it had caught up last. */
  let atHead: number[] = [];
  let known: Membership[] = [];
  let ready = true;
  const holds = (list: Membership[], { id, key }: Entry) =>
    list.some((m) => m.target === key && m.sinceId < id && (m.untilId === null || id <= m.untilId));
  const source: Source<Entry> = {
    keys: () => known.filter((m) => m.untilId === null).map((m) => m.target),
    wants: (one) => holds(known, one),
    async page(after) {
      counts.pages++;
      await pause();
      const head = stored.at(-1)?.id ?? 0;
      const found = stored.filter((one) => one.id > after && holds(members, one));
      const entries = found.slice(0, pageSize);
      await pause();
      return { entries, upTo: found.length > pageSize ? (entries.at(-1)?.id ?? head) : head };
    },
    async reload(after) {
      counts.reloads++;
      await pause();
      known = members.filter((m) => m.untilId === null || m.untilId > after).map((m) => ({ ...m }));
      await pause();
    },
  };
  const failures: unknown[] = [];
  const sink: Sink<Entry> = {
    ready: () => ready,
    deliver: (entries) => got.push(...entries.map((one) => one.id)),
    caughtUp() {
      atHead = [...got];
    },
    reset: () => undefined,
    fail: (error) => failures.push(error),
  };
  const follower = new Follower(log, source, sink, 0, () => 0);
  return {
    follower,
    got,
    counts,
    atHead: () => atHead,
    failures,
    append(target: string): void {
      const one = entry((stored.at(-1)?.id ?? 0) + 1, target);
      stored.push(one);
      log.publish([one]);
    },
    join(target: string): void {
      if (members.some((m) => m.target === target && m.untilId === null)) return;
      members.push({ target, sinceId: stored.at(-1)?.id ?? 0, untilId: null });
      follower.markStale();
    },
    leave(target: string): void {
      const open = members.find((m) => m.target === target && m.untilId === null);
      if (!open) return;
      open.untilId = stored.at(-1)?.id ?? 0;
      follower.markStale();
    },
    stall(): void {
      ready = false;
    },
    drain(): void {
      ready = true;
      follower.run();
    },
    wanted: () => stored.filter((one) => holds(members, one)).map((one) => one.id),
  };
}

const op = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record({ do: fc.constant("append" as const), target: fc.constantFrom("me", "g1", "g2", "other") }),
  },
  {
    weight: 1,
    arbitrary: fc.record({
      do: fc.constantFrom("join" as const, "leave" as const),
      target: fc.constantFrom("g1", "g2"),
    }),
  },
  { weight: 1, arbitrary: fc.record({ do: fc.constantFrom("stall" as const, "drain" as const) }) },
  { weight: 4, arbitrary: fc.record({ do: fc.constantFrom("wake" as const, "turn" as const) }) },
);

describe("a follower", () => {
  test("G3: a follower has every entry that was for it exactly once and in order, however reads, wakes, stalls and memberships interleave", async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.scheduler(),
        fc.array(op, { minLength: 10, maxLength: 120 }),
        fc.constantFrom(0, 900, 100_000),
        fc.integer({ min: 1, max: 4 }),
        async (scheduler, ops, tailBytes, pageSize) => {
          const log = createLog(0, tailBytes);
          const world = createWorld(log, pageSize, () => scheduler.schedule(Promise.resolve()));
          world.follower.run();
          for (const step of ops) {
            if (step.do === "append") world.append(step.target);
            else if (step.do === "join" || step.do === "leave") world[step.do](step.target);
            else if (step.do === "stall" || step.do === "drain") world[step.do]();
            else if (step.do === "wake") log.runWoken();
            else if (scheduler.count() > 0) await scheduler.waitOne();
            // A follower that resumes from here has had everything up to here.
            const { position } = world.follower;
            expect(world.wanted().filter((id) => id <= position && !world.got.includes(id))).toEqual([]);
          }
          world.drain();
          log.runWoken();
          await scheduler.waitIdle();
          expect(world.failures).toEqual([]);
          expect(world.got).toEqual(world.wanted());
          // It says so when it has caught up, also when nothing more was for it.
          expect(world.atHead()).toEqual(world.wanted());
        },
      ),
      { numRuns: 400 },
    );
  });

  test("a follower that is idle keeps its place while the tail moves on, and asks the database nothing", async () => {
    const log = createLog(0, 5000);
    const world = createWorld(log, 10, async () => undefined);
    world.follower.run();
    await turns();
    const before = { ...world.counts };
    for (let i = 0; i < 1000; i++) world.append("other");
    log.runWoken();
    expect(log.since(0, 10)).toBeUndefined();
    expect(world.follower.position).toBe(1000);
    world.append("me");
    log.runWoken();
    expect(world.got).toEqual([1001]);
    expect(world.counts).toEqual(before);
  });

  test("a follower that fell behind the tail reads on in the database, and then goes on in memory", async () => {
    const log = createLog(0, 5000);
    const world = createWorld(log, 10, async () => undefined);
    world.follower.run();
    await turns();
    world.stall();
    for (let i = 0; i < 1000; i++) world.append("me");
    log.runWoken();
    expect(world.got).toEqual([]);
    world.drain();
    await turns();
    expect(world.got).toHaveLength(1000);
    const { pages } = world.counts;
    for (let i = 0; i < 100; i++) {
      world.append("me");
      log.runWoken();
    }
    expect(world.got).toEqual(world.wanted());
    expect(world.counts.pages).toBe(pages);
  });

  test.each([1, 2, 3, 4])(
    "a follower that is closed in its %d. wait hands over nothing more, and listens no longer",
    async (wait) => {
      let listening = 0;
      const real = createLog(0, 0);
      const log: Log = {
        ...real,
        listen(keys, listener) {
          listening++;
          const unlisten = real.listen(keys, listener);
          return () => {
            listening--;
            unlisten();
          };
        },
      };
      let goOn: () => void = () => undefined;
      const world = createWorld(log, 10, () => new Promise((resolve) => (goOn = resolve)));
      world.append("me");
      world.follower.run();
      // Two waits belong to learning what it may see, two to reading a page of it.
      for (let i = 1; i < wait; i++) {
        goOn();
        await turns(2);
      }
      world.follower.close();
      for (let i = 0; i < 10; i++) {
        goOn();
        await turns(2);
      }
      expect(world.got).toEqual([]);
      expect(listening).toBe(0);
    },
  );

  test("G9: a follower hands over a bounded portion at a time, and asks each time whether there is room", async () => {
    const log = createLog(0);
    const portions: number[] = [];
    let room = 1;
    const source: Source<Entry> = {
      keys: () => ["me"],
      wants: () => true,
      page: async () => ({ entries: [], upTo: 0 }),
      reload: async () => undefined,
    };
    const sink: Sink<Entry> = {
      ready: () => room > 0,
      deliver(entries) {
        room--;
        portions.push(entries.reduce((sum, one) => sum + one.json.length, 0));
      },
      reset: () => undefined,
      fail: () => undefined,
    };
    const follower = new Follower(log, source, sink, 0, () => 0);
    const big = (id: number) => ({ ...entry(id, "me"), json: "x".repeat(100_000) });
    log.publish(Array.from({ length: 90 }, (_, i) => big(i + 1)));
    follower.run();
    await turns();
    expect(portions).toEqual([300_000]);
    expect(follower.position).toBe(3);
    room = 1000;
    follower.run();
    expect(portions.reduce((sum, size) => sum + size, 0)).toBe(9_000_000);
  });

  test("a follower whose source fails says so, with the place to resume from", async () => {
    const log = createLog(3);
    const failed: unknown[] = [];
    const source: Source<Entry> = {
      keys: () => [],
      wants: () => true,
      page: () => Promise.reject(new Error("no disk")),
      reload: async () => undefined,
    };
    const sink: Sink<Entry> = {
      ready: () => failed.length === 0,
      deliver: () => undefined,
      reset: () => undefined,
      fail: (error, resumeAfter) => failed.push(error, resumeAfter),
    };
    new Follower(log, source, sink, 1, () => 0).run();
    await turns();
    expect(failed).toEqual([new Error("no disk"), 1]);
  });

  test("a follower passes over what has expired since it was appended", async () => {
    const log = createLog(0);
    const got: number[] = [];
    const source: Source<Entry> = {
      keys: () => ["me"],
      wants: () => true,
      page: async () => ({ entries: [], upTo: 0 }),
      reload: async () => undefined,
    };
    const sink: Sink<Entry> = {
      ready: () => true,
      deliver: (entries) => got.push(...entries.map((one) => one.id)),
      reset: () => undefined,
      fail: () => undefined,
    };
    const follower = new Follower(log, source, sink, 0, () => 1000);
    log.publish([entry(1, "me", 1000), entry(2, "me", 1001), entry(3, "me")]);
    follower.run();
    await turns();
    expect(got).toEqual([2, 3]);
    expect(follower.position).toBe(3);
  });
});

describe("waking followers", () => {
  test("G9: a thousand listeners are run in several turns of the event loop, each of them once", async () => {
    const log = createLog(0);
    const ran: number[] = [];
    for (let i = 0; i < 1000; i++) log.listen(["broadcast"], { wake: () => undefined, run: () => ran.push(i) });
    log.publish([entry(1, "broadcast")]);
    log.runWoken();
    expect(ran).toHaveLength(256);
    await turns();
    expect(ran.toSorted((a, b) => a - b)).toEqual(Array.from({ length: 1000 }, (_, i) => i));
  });
});

import { describe, expect, test } from "bun:test";
import { Problem } from "../../../src/protocol/problem.ts";
import { mark, marks, openTestDatabase, stopCommitTimer } from "../../support/database.ts";
import { metric } from "../../support/metrics.ts";
import { startRelay } from "../../support/relay.ts";

const numbered = (n: number) => Array.from({ length: n }, (_, i) => `w${i}`);

describe("a group commit", () => {
  test("a group commit holds all writes that came in one turn, and answers each with its own value", async () => {
    stopCommitTimer();
    const { db, commits } = openTestDatabase();
    const names = numbered(200);
    expect(await Promise.all(names.map((name) => db.write((tx) => mark(tx, name))))).toEqual(names);
    expect(commits.reduce((sum, n) => sum + n, 0)).toBe(200);
    expect(commits.length).toBeLessThan(20);
    expect(await db.read(marks)).toEqual(names);
  });

  test("a group commit ends after 256 writes, and the rest follows in order", async () => {
    const { db, commits } = openTestDatabase();
    const names = numbered(600);
    await Promise.all(names.map((name) => db.write((tx) => mark(tx, name))));
    expect(Math.max(...commits)).toBeLessThanOrEqual(256);
    expect(await db.read(marks)).toEqual(names);
  });

  test("a group commit is what concurrent sends share", async () => {
    stopCommitTimer();
    const relay = await startRelay();
    const before = await metric(relay, "signalbox_commit_writes_count");
    const sent = await Promise.all(
      numbered(128).map((body) => relay.ask("POST", "/v1/messages", { to: "user", body })),
    );
    expect(sent.every((answer) => answer.status === 201)).toBe(true);
    // Others write too (the search index, in the background): what counts is that it is nowhere near 128.
    expect((await metric(relay, "signalbox_commit_writes_count")) - before).toBeLessThan(32);
  });

  test("a group commit lets a throwing write roll back alone, with its effects", async () => {
    stopCommitTimer();
    const { db, commits, reported } = openTestDatabase();
    const seen: string[] = [];
    const failing = async (name: string) =>
      db.write(async (tx) => {
        await mark(tx, name);
        tx.afterCommit(() => seen.push(name));
        throw new Problem("conflict", "no");
      });
    const fine = async (name: string) =>
      db.write(async (tx) => {
        tx.afterCommit(() => seen.push(name));
        return mark(tx, name);
      });
    const settled = await Promise.allSettled([fine("a"), failing("b"), fine("c"), failing("d"), fine("e")]);
    expect(settled.map((one) => one.status)).toEqual(["fulfilled", "rejected", "fulfilled", "rejected", "fulfilled"]);
    expect(settled[1]).toMatchObject({ reason: { code: "conflict" } });
    expect(commits).toEqual([5]);
    expect(await db.read(marks)).toEqual(["a", "c", "e"]);
    expect(seen).toEqual(["a", "c", "e"]);
    expect(reported).toEqual([]);
  });

  test("a group commit runs effects after the commit, in the order of the writes, before any of them is answered", async () => {
    stopCommitTimer();
    const { db } = openTestDatabase();
    const story: string[] = [];
    const visible: Promise<string[]>[] = [];
    await Promise.all(
      ["a", "b", "c"].map((name) =>
        db
          .write(async (tx) => {
            story.push(`write ${name}`);
            tx.afterCommit(() => story.push(`effect ${name}`));
            tx.afterCommit(() => visible.push(db.read(marks)));
            await mark(tx, name);
          })
          .then(() => story.push(`answer ${name}`)),
      ),
    );
    const steps = ["write", "effect", "answer"];
    expect(story).toEqual(steps.flatMap((step) => ["a", "b", "c"].map((name) => `${step} ${name}`)));
    // The first effect already finds all of the batch on disk.
    expect(await visible[0]).toEqual(["a", "b", "c"]);
  });

  test("a group commit is seen whole or not at all by reads", async () => {
    const { db } = openTestDatabase();
    const counts: number[] = [];
    const halves = Array.from({ length: 40 }, (_, i) =>
      db.write(async (tx) => {
        await mark(tx, `left${i}`);
        counts.push((await db.read(marks)).length);
        await mark(tx, `right${i}`);
      }),
    );
    await Promise.all(halves);
    expect(counts).toHaveLength(40);
    expect(counts.filter((n) => n % 2 === 1)).toEqual([]);
    expect(await db.read(marks)).toHaveLength(80);
  });

  test("a group commit goes on after an effect or a listener threw", async () => {
    stopCommitTimer();
    const { db, reported } = openTestDatabase();
    let listening = true;
    db.afterBatch(() => {
      if (listening) throw new Error("a listener broke");
    });
    const later: string[] = [];
    await Promise.all([
      db.write(async (tx) => tx.afterCommit(() => JSON.parse("{"))),
      db.write(async (tx) => tx.afterCommit(() => later.push("b"))),
    ]);
    listening = false;
    expect(await db.write((tx) => mark(tx, "c"))).toBe("c");
    expect(later).toEqual(["b"]);
    expect(reported.map((one) => String(one.error))).toEqual([
      expect.stringContaining("JSON"),
      "Error: a listener broke",
    ]);
  });
});

describe("the queue of writes", () => {
  test("the queue of writes refuses a write that is opened inside a write", async () => {
    const { db } = openTestDatabase();
    const nested = db.write(async (tx) => {
      await mark(tx, "outer");
      await db.write((inner) => mark(inner, "inner"));
    });
    expect(nested).rejects.toThrow("pass the tx on");
    expect(db.write(async () => db.background((inner) => mark(inner, "inner")))).rejects.toThrow("pass the tx on");
    await Promise.allSettled([nested]);
    expect(await db.read(marks)).toEqual([]);
    // Effects after the commit are outside of it.
    const after = Promise.withResolvers<string>();
    await db.write(async (tx) => tx.afterCommit(() => after.resolve(db.write((next) => mark(next, "after")))));
    expect(await after.promise).toBe("after");
  });

  test("the queue of writes is bounded: what comes beyond it is told to come back, and what waits is still written", async () => {
    const { db } = openTestDatabase();
    let done = 0;
    const add = async () => {
      await db.write(async () => undefined);
      done++;
    };
    const waiting = Array.from({ length: 20_000 }, add);
    const refused = await add().catch((error: unknown) => error);
    expect(refused).toBeInstanceOf(Problem);
    expect(refused).toMatchObject({ code: "overloaded", status: 503, extras: { retryAfterSeconds: 1 } });
    await Promise.all(waiting);
    expect(done).toBe(20_000);
    expect(await db.write((tx) => mark(tx, "later"))).toBe("later");
  });

  test("the queue of writes lets background work wait for the others, but not for ever", async () => {
    const { db } = openTestDatabase();
    const order: string[] = [];
    const background = db.background(async () => void order.push("background"));
    await Promise.all(numbered(10).map((name) => db.write(async () => void order.push(name))));
    await background;
    expect(order).toEqual([...numbered(10), "background"]);

    let done = false;
    const patient = db.background(async () => {
      done = true;
    });
    while (!done) await db.write((tx) => mark(tx, "busy"));
    await patient;
  });
});

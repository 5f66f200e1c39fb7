import type { Database as Sqlite } from "bun:sqlite";
import { describe, expect, test } from "bun:test";
import { sql } from "drizzle-orm";
import { Problem } from "../../../src/protocol/problem.ts";
import { startApproving, wanted } from "../../support/approvals.ts";
import { mark, marks, openTestDatabase, stopCommitTimer } from "../../support/database.ts";
import { listen } from "../../support/listen.ts";
import { SAMPLE_KEYS } from "../../support/push.ts";
import { startRelay, type TestRelay } from "../../support/relay.ts";
import { recordStatements } from "../../support/statements.ts";
import { openStream } from "../../support/stream.ts";

const MOST_PAGES = 1_073_741_823;

/** Leaves room for so many more pages, as a disk does that is nearly full. */
function leaveRoom(sqlite: Sqlite, pages: number): void {
  const { page_count: used } = sqlite.prepare("pragma page_count").get() as { page_count: number };
  sqlite.run(`pragma max_page_count = ${used + pages}`);
}
const makeRoom = (sqlite: Sqlite) => sqlite.run(`pragma max_page_count = ${MOST_PAGES}`);

const LARGE = "x".repeat(200_000);

describe("a full disk", () => {
  test("a full disk takes the whole batch back, whoever of it had already been carried out", async () => {
    stopCommitTimer();
    const recorder = recordStatements();
    const { db, reported, commits } = openTestDatabase();
    leaveRoom(recorder.writer(), 4);
    const effects: string[] = [];
    const small = (name: string) =>
      db.write(async (tx) => {
        tx.afterCommit(() => effects.push(name));
        return mark(tx, name);
      });
    const large = () =>
      db.write(async (tx) => {
        tx.db.run(sql`insert into marks (name, position) values (${LARGE}, 1)`);
      });
    const settled = await Promise.allSettled([small("a"), small("b"), large()]);
    for (const one of settled) {
      if (one.status === "fulfilled") throw new Error("a write of the lost batch was answered as stored");
      expect(one.reason).toBeInstanceOf(Problem);
      expect(one.reason).toMatchObject({ code: "storage-unavailable", status: 503, extras: { retryAfterSeconds: 5 } });
    }
    expect(effects).toEqual([]);
    expect(commits).toEqual([]);
    expect(await db.read(marks)).toEqual([]);
    expect(reported.map((one) => one.stage)).toEqual(["commit"]);

    // Writes behind the lost batch, and later ones, go on: first what fits, then, with room, all of it.
    expect(await small("c")).toBe("c");
    makeRoom(recorder.writer());
    await large();
    expect(effects).toEqual(["c"]);
    expect((await db.read(marks)).map((name) => name.length)).toEqual([1, LARGE.length]);
  });

  test("a full disk does not take what waits behind the batch", async () => {
    const recorder = recordStatements();
    const { db } = openTestDatabase();
    leaveRoom(recorder.writer(), 4);
    const large = db.write(async (tx) => tx.db.run(sql`insert into marks (name, position) values (${LARGE}, 1)`));
    const behind = ["a", "b", "c"].map((name) => db.write((tx) => mark(tx, name)));
    expect(large).rejects.toMatchObject({ code: "storage-unavailable" });
    expect(await Promise.all(behind)).toEqual(["a", "b", "c"]);
    expect(await db.read(marks)).toEqual(["a", "b", "c"]);
  });

  test("a full disk leaves the list of threads readable, without the newest", async () => {
    const recorder = recordStatements();
    const { ask } = await startRelay();
    const { body: first } = await ask("POST", "/v1/messages", { to: "user", body: "before" });
    expect((await ask("GET", "/v1/threads")).body.items).toHaveLength(1);
    const messages = Array.from({ length: 900 }, () => ({ to: "user", body: "x" }));
    await ask("POST", "/v1/messages/batch", { messages });
    leaveRoom(recorder.writer(), 0);
    const { status, body } = await ask("GET", "/v1/threads");
    expect({ status, ids: body.items.map(({ id }: { id: number }) => id) }).toEqual({ status: 200, ids: [first.id] });
    makeRoom(recorder.writer());
    expect((await ask("GET", "/v1/threads?limit=2")).body.items).toHaveLength(2);
  });

  test("G1: a full disk is answered 503 to every send of the batch; nothing of it is seen, and the retries are stored once", async () => {
    const recorder = recordStatements();
    const relay = await startRelay();
    const stream = await openStream(`${listen(relay)}/v1/agents/user/inbox/stream`, {
      token: relay.relay.operatorToken,
    });
    await stream.first("hello");
    const first = await relay.ask("POST", "/v1/messages", { to: "user", body: "before" });
    const all = () =>
      Promise.all(
        Array.from({ length: 12 }, (_, i) =>
          relay.ask("POST", "/v1/messages", { to: "user", body: i === 9 ? LARGE : `${i}`, idempotencyKey: `k${i}` }),
        ),
      );
    leaveRoom(recorder.writer(), 1);
    const refused = await all();
    const lost = refused.filter((answer) => answer.status === 503);
    expect(lost.length).toBeGreaterThan(0);
    for (const { body, headers } of lost) {
      expect(body).toMatchObject({ code: "storage-unavailable" });
      expect(headers.get("retry-after")).toBe("5");
    }
    expect(await storedKeys(relay)).toEqual(keysOf(refused.filter((answer) => answer.status === 201)));
    expect((await relay.ask("GET", "/readyz")).status).toBe(200);

    makeRoom(recorder.writer());
    const again = await all();
    expect(again.every((answer) => answer.status === 200 || answer.status === 201)).toBe(true);
    const ids = [first, ...again].map((answer) => answer.body.id).sort((a, b) => a - b);
    await stream.until((seen) => seen.ids().length >= 13);
    expect(stream.ids()).toEqual(ids);
    expect(await storedKeys(relay)).toEqual(Array.from({ length: 12 }, (_, i) => `k${i}`).sort());
  });

  test("G1: a full disk takes views, subscriptions, notes and bulk actions back whole, and each is stored once with room", async () => {
    const recorder = recordStatements();
    const { ask, ada, asks, pass, clock } = await startApproving();
    const lines = Array.from({ length: 60 }, (_, n) => `make ${n}`);
    for (const line of lines) await asks(ada, wanted(line));
    const [first] = (await ask("GET", "/v1/attention")).body.items;
    const until = new Date(clock.now() + 3_600_000).toISOString();
    const push = { endpoint: "https://push.example.org/1", keys: SAMPLE_KEYS, device: "phone" };
    const keyed = (key: string) => ({ headers: { "idempotency-key": `"${key}"` } });
    const all = () =>
      Promise.all([
        ask("PUT", "/v1/views/mine", { page: "work", search: { topic: "x".repeat(500) } }),
        ask("POST", "/v1/push/subscriptions", push),
        ask("POST", `/v1/attention/${first.id}/snooze`, { until }),
        ask("POST", "/v1/bulk", { action: "answer", filter: {}, decision: "deny" }, keyed("bulk")),
        ask("POST", "/v1/messages", { to: "user", body: LARGE }, keyed("large")),
      ]);
    const there = async () => [
      (await ask("GET", "/v1/views")).body.items.length,
      (await ask("GET", "/v1/push/subscriptions")).body.items.length,
      60 - (await ask("GET", "/v1/attention")).body.items.length,
      (await ask("GET", "/v1/bulk")).body.items.length,
      (await ask("GET", "/v1/messages?from=user&limit=500")).body.items.length,
    ];
    leaveRoom(recorder.writer(), 1);
    const refused = await all();
    expect(refused.map(({ status }) => status)).toContain(503);
    expect(await there()).toEqual(refused.map(({ status }) => (status === 503 ? 0 : 1)));
    makeRoom(recorder.writer());
    expect((await all()).filter(({ status }) => status >= 300)).toEqual([]);
    expect(await there()).toEqual([1, 1, 1, 1, 1]);

    // Numbers wait in memory meanwhile, and the bulk action for the next try of its step.
    leaveRoom(recorder.writer(), 0);
    for (let n = 0; n < 20; n++) await pass(1000);
    const [stuck] = (await ask("GET", "/v1/bulk")).body.items;
    expect(stuck).toMatchObject({ state: "running", matched: 60, failed: 0 });
    expect(stuck.done).toBeLessThan(60);
    makeRoom(recorder.writer());
    for (let n = 0; n < 120; n++) await pass(1000);
    expect((await ask("GET", "/v1/bulk")).body.items).toMatchObject([{ state: "done", done: 60, failed: 0 }]);
    const controls = (await ask("GET", "/v1/messages?to=ada&kind=control&limit=500")).body.items;
    const told = controls.map(({ payload }: { payload: { approval: { id: string } } }) => payload.approval.id);
    expect([told.length, new Set(told).size]).toEqual([60, 60]);
    const { items } = (await ask("GET", "/v1/messages?limit=500")).body;
    const counted = (await ask("GET", "/v1/stats?series=messages")).body.items;
    expect(counted).toMatchObject([{ total: items.length }]);
  });
});

const keysOf = (answers: { body: { idempotencyKey: string } }[]) =>
  answers.map((answer) => answer.body.idempotencyKey).sort();

async function storedKeys({ ask }: TestRelay): Promise<string[]> {
  const { body } = await ask("GET", "/v1/messages?from=user&limit=500");
  return body.items.flatMap((item: { idempotencyKey: string | null }) => item.idempotencyKey ?? []).sort();
}

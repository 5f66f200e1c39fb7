import type { Database as Sqlite } from "bun:sqlite";
import { describe, expect, test } from "bun:test";
import { sql } from "drizzle-orm";
import { Problem } from "../../../src/protocol/problem.ts";
import { mark, marks, openTestDatabase, stopCommitTimer } from "../../support/database.ts";
import { listen } from "../../support/listen.ts";
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
});

const keysOf = (answers: { body: { idempotencyKey: string } }[]) =>
  answers.map((answer) => answer.body.idempotencyKey).sort();

async function storedKeys({ ask }: TestRelay): Promise<string[]> {
  const { body } = await ask("GET", "/v1/messages?from=user&limit=500");
  return body.items.flatMap((item: { idempotencyKey: string | null }) => item.idempotencyKey ?? []).sort();
}

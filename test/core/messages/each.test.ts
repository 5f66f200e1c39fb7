import { beforeEach, describe, expect, test } from "bun:test";
import { startRelay, type TestRelay } from "../../support/relay.ts";

const EACH = "/v1/messages/batch?atomic=false";
let made: TestRelay;
let ann: { id: string; token: string };
beforeEach(async () => {
  made = await startRelay({ messagesPerDay: 3 });
  ann = await made.agent("ann");
  await made.agent("ben");
});

const send = (messages: unknown, how: object = ann) => made.ask("POST", EACH, { messages }, how);
const bodiesFor = async (agent: string) =>
  (await made.ask("GET", `/v1/messages?to=${agent}`)).body.items.map((item: { body: string }) => item.body).reverse();

describe("a batch with atomic=false", () => {
  test("a batch with atomic=false answers each message as if it came alone, in order", async () => {
    const { status, body } = await send(
      [
        { to: "ben", body: "one" },
        { to: "bem", body: "lost" },
        { to: "ben", body: 7, extra: true },
        { to: "ben", body: "later", deliverAt: "2099-01-01T00:00:00Z" },
        { from: "ben", to: "ann", body: "in another's name" },
        { to: "ben", body: "two", claimable: true },
      ],
      ann,
    );
    expect(status).toBe(200);
    expect(body.items).toMatchObject([
      { from: "ann", body: "one", matched: 1, replayed: false, status: 201 },
      { problem: { code: "unknown-target", status: 422, suggestions: ["ben"] } },
      { problem: { code: "invalid", errors: [{ pointer: "/body" }, { pointer: "/extra" }] } },
      { scheduleId: expect.any(String), status: 202 },
      { problem: { code: "forbidden", status: 403 } },
      { body: "two", state: "open", status: 201 },
    ]);
    expect(body.items[5].id).toBe(body.items[0].id + 1);
    expect(body.items[1].problem.requestId).not.toBe("");
    expect(await bodiesFor("ben")).toEqual(["one", "two"]);
  });

  test("G5: a batch with atomic=false that is sent again stores each key once, and tells of a key with other content", async () => {
    const one = { to: "ben", body: "one", idempotencyKey: "k-1" };
    const two = { to: "ben", body: "two", idempotencyKey: "k-2" };
    const first = await send([one, { ...one, to: "nobody" }]);
    expect(first.body.items).toMatchObject([{ status: 201 }, { problem: { code: "idempotency-mismatch" } }]);
    const again = await send([one, one, two]);
    const { id } = first.body.items[0];
    expect(again.body.items).toMatchObject([
      { id, status: 200, replayed: true },
      { id, status: 200, replayed: true },
      { status: 201, replayed: false },
    ]);
    expect(await bodiesFor("ben")).toEqual(["one", "two"]);
  });

  test("a batch with atomic=false takes of the quota what is stored, and says when to go on", async () => {
    const lost = Array(5).fill({ to: "nobody", body: "lost" });
    const { body } = await send([...lost, ...Array(4).fill({ to: "ben", body: "x" })]);
    expect(body.items.map((item: { status?: number }) => item.status)).toEqual([
      ...Array(5).fill(undefined),
      ...[201, 201, 201, undefined],
    ]);
    expect(body.items[8]).toMatchObject({ problem: { code: "quota-exceeded" }, retryAfterSeconds: expect.any(Number) });
  });

  test("a batch with atomic=false is refused whole for a superseded instance, and for a body that is no batch", async () => {
    for (const instance of ["i-1", "i-2"])
      await made.ask("PUT", "/v1/agents/ann", { name: "ann", instanceId: instance }, { token: ann.token });
    const sound = { to: "ben", body: "x" };
    const old = await send([{ to: "nobody", body: "x" }, sound], { ...ann, instance: "i-1" });
    expect(old).toMatchObject({ status: 409, body: { code: "superseded" } });
    expect((await send([])).status).toBe(422);
    expect((await send(Array(1001).fill(sound))).status).toBe(422);
    expect((await made.ask("POST", EACH, { messages: [sound], more: 1 }, ann)).body.errors[0].pointer).toBe("/more");
    expect((await made.ask("POST", "/v1/messages/batch?atomic=no", { messages: [sound] }, ann)).status).toBe(422);
    expect((await made.ask("POST", EACH, { messages: [sound] }, { token: "none" })).status).toBe(401);
    expect(await bodiesFor("ben")).toEqual([]);
  });

  test("a batch with atomic=false of a thousand leaves the event loop free while it is written", async () => {
    const messages = Array.from({ length: 1000 }, (_, i) => ({
      to: i % 2 ? "nobody" : "user",
      body: "x".repeat(4000),
    }));
    let done = false;
    const sent = made.ask("POST", EACH, { messages }).finally(() => {
      done = true;
    });
    let turns = 0;
    while (!done) {
      await new Promise((resolve) => setImmediate(resolve));
      turns++;
    }
    expect((await sent).body.items.filter((item: { status?: number }) => item.status === 201)).toHaveLength(500);
    expect(turns).toBeGreaterThan(6);
  });
});

describe("many completes", () => {
  test("many completes are answered each by itself, and a repeat is answered as before", async () => {
    await send(["one", "two", "three"].map((body) => ({ to: "ben", body, claimable: true })));
    const { token } = (await made.ask("POST", "/v1/tokens", { role: "agent", agentId: "ben" })).body;
    const claims = await made.ask("POST", "/v1/agents/ben/claims", { max: 3 }, { token });
    const [one, two, three] = claims.body.items.map((held: { message: { id: number }; claim: { token: string } }) => ({
      id: held.message.id,
      token: held.claim.token,
    }));
    const items = [
      { ...one, result: "did one" },
      { ...two, token: "clm_9_9" },
      { ...three, result: { text: "wrong" } },
      { id: 999_999, token: "clm_1_1" },
    ];
    const complete = (how: object) => made.ask("POST", "/v1/messages/complete", { items }, how);
    const first = await complete({ token });
    expect(first.status).toBe(200);
    expect(first.body.items).toMatchObject([
      { message: { id: one.id, state: "done" } },
      { problem: { code: "claim-lost" } },
      { problem: { code: "invalid", errors: [{ pointer: "/result/text" }] } },
      { problem: { code: "not-found" } },
    ]);
    expect((await complete({ token })).body.items[0]).toEqual(first.body.items[0]);
    expect(await bodiesFor("ann")).toEqual(["did one"]);
    expect((await complete(ann)).body.items[0].problem.code).toBe("claim-lost");
  });
});

import { describe, expect, test } from "bun:test";
import { startRelay } from "../../support/relay.ts";
import { until } from "../../support/until.ts";
import type { Worker } from "../../support/work.ts";

/** A relay with agents who may work in twos. */
async function startCouple(overrides: Parameters<typeof startRelay>[0] = {}) {
  const relay = await startRelay({ durability: "normal", ...overrides });
  const [ann, ben, cat] = [await relay.agent("ann"), await relay.agent("ben"), await relay.agent("cat")];
  const { ask } = relay;
  const inbox = async ({ id, token }: Worker) =>
    (await ask("GET", `/v1/agents/${id}/inbox?after=0`, undefined, { token })).body.items;
  return {
    ...relay,
    ...{ ann, ben, cat, inbox },
    /** Subjects of the steps, as told to one of them. */
    events: async (worker: Worker) =>
      (await inbox(worker)).map(({ payload }: { payload: { pairEvent: string } }) => payload.pairEvent),
    request: (by: Worker, target: string, fields = {}) => ask("POST", "/v1/pairs", { target, ...fields }, by),
    step: (verb: string, by: Worker, { id }: { id: string }, body: object = {}) =>
      ask("POST", `/v1/pairs/${id}/${verb}`, body, by),
    look: async ({ id }: { id: string }) => (await ask("GET", `/v1/pairs/${id}`)).body,
  };
}

describe("a pair", () => {
  test("a pair is asked for, accepted, talked in and ended; both are told of every step, in one thread", async () => {
    const { ann, ben, request, step, inbox, events, look } = await startCouple();
    const asked = await request(ann, "ben", { objective: "fix the build" });
    expect(asked).toMatchObject({
      status: 201,
      body: { requester: "ann", target: "ben", objective: "fix the build", status: "pending", acceptedAt: null },
    });
    const pair = asked.body;
    const [first] = await inbox(ben);
    expect(first).toMatchObject({
      ...{ kind: "pair", from: "system", id: pair.threadId, threadId: pair.threadId },
      payload: { pairId: pair.id, pairEvent: "requested", requesterId: "ann" },
    });
    expect(first.body).toContain("fix the build");
    expect(await step("accept", ben, pair)).toMatchObject({ status: 200, body: { status: "active" } });
    const said = await step("messages", ann, pair, { body: "you take the tests", payload: { pairId: "mine", n: 1 } });
    expect(said).toMatchObject({
      status: 201,
      body: { kind: "pair", from: "ann", to: "ben", subject: `Pair ${pair.id}`, threadId: pair.threadId },
    });
    expect(said.body.payload).toEqual({ pairId: pair.id, n: 1, pairEvent: "message", requesterId: "ann" });
    await step("messages", ben, pair, { body: "I do", subject: "Yes", replyTo: said.body.id });
    expect(await step("end", ben, pair, { reason: "all green" })).toMatchObject({
      status: 200,
      body: { status: "ended", endedBy: "ben", reason: "all green" },
    });
    expect(await events(ann)).toEqual(["requested", "accepted", "message", "ended"]);
    expect(await events(ben)).toEqual(["requested", "accepted", "message", "ended"]);
    for (const message of [...(await inbox(ann)), ...(await inbox(ben))])
      expect(message.threadId).toBe((await look(pair)).threadId);
  });

  test("a pair may be rejected, by who was asked alone", async () => {
    const { ann, ben, cat, request, step, events } = await startCouple();
    const pair = (await request(ann, "ben")).body;
    for (const who of [ann, cat])
      for (const verb of ["accept", "reject"]) expect((await step(verb, who, pair)).status).toBe(403);
    expect(await step("reject", ben, pair, { reason: "busy" })).toMatchObject({
      body: { status: "rejected", endedBy: "ben", reason: "busy" },
    });
    expect(await events(ann)).toEqual(["requested", "rejected"]);
    expect(await events(ben)).toEqual(["requested", "rejected"]);
  });

  test("a pair that is not accepted in time expires, over a restart too", async () => {
    const relay = await startCouple();
    const { ann, ben, request, step, events, look, pass, restart } = relay;
    const pair = (await request(ann, "ben", { timeoutSeconds: 60 })).body;
    await restart();
    await pass(61_000);
    expect(await look(pair)).toMatchObject({ status: "expired", endedBy: "system" });
    expect(await events(ann)).toEqual(["requested", "expired"]);
    expect(await events(ben)).toEqual(["requested", "expired"]);
    expect(await step("accept", ben, pair)).toMatchObject({ status: 409, body: { code: "conflict" } });
  });

  test("a pair that was accepted does not expire", async () => {
    const { ann, ben, request, step, look, pass } = await startCouple();
    const pair = (await request(ann, "ben", { timeoutSeconds: 60 })).body;
    await step("accept", ben, pair);
    await pass(120_000);
    expect(await look(pair)).toMatchObject({ status: "active" });
  });

  test("a pair is taken back by who asked for it", async () => {
    const { ann, ben, request, step, events } = await startCouple();
    const pair = (await request(ann, "ben")).body;
    expect(await step("end", ann, pair)).toMatchObject({ status: 200, body: { status: "ended", endedBy: "ann" } });
    expect(await events(ben)).toEqual(["requested", "ended"]);
    expect((await step("accept", ben, pair)).status).toBe(409);
  });

  test("a pair ends when a member is deleted, and the other is told", async () => {
    const { ann, ben, cat, request, step, look, ask, events } = await startCouple();
    const active = (await request(ann, "ben")).body;
    await step("accept", ben, active);
    const pending = (await request(cat, "ben")).body;
    await ask("DELETE", "/v1/agents/ben");
    for (const pair of [active, pending])
      expect(await look(pair)).toMatchObject({ status: "ended", endedBy: "system", reason: "ben was deleted" });
    expect(await events(ann)).toEqual(["requested", "accepted", "ended"]);
    expect(await events(cat)).toEqual(["requested", "ended"]);
    expect((await step("messages", ann, active, { body: "hello?" })).status).toBe(409);
  });
});

describe("one live pair per couple", () => {
  test("one live pair is there per couple, whoever asks, also when both ask at once", async () => {
    const { ann, ben, request } = await startCouple();
    const both = await Promise.all([request(ann, "ben"), request(ben, "ann"), request(ann, "ben")]);
    expect(both.map(({ status }) => status).sort()).toEqual([201, 409, 409]);
  });

  test("a couple may have another pair when one is over", async () => {
    const { ann, ben, cat, request, step } = await startCouple();
    const pair = (await request(ann, "ben")).body;
    await step("accept", ben, pair);
    expect(await request(ben, "ann")).toMatchObject({ status: 409, body: { code: "conflict" } });
    expect((await request(ben, "cat")).status).toBe(201);
    await step("end", ann, pair);
    expect((await request(ben, "ann")).status).toBe(201);
    expect((await request(cat, "ann")).status).toBe(201);
  });
});

describe("what is asked twice, wrongly, or by others", () => {
  test("each step of a pair done again answers as before, and is told once", async () => {
    const { ann, ben, request, step, events, ask } = await startCouple();
    const keyed = { ...ann, headers: { "idempotency-key": "k" } };
    const pair = (await ask("POST", "/v1/pairs", { target: "ben" }, keyed)).body;
    expect(await ask("POST", "/v1/pairs", { target: "ben" }, keyed)).toMatchObject({
      status: 200,
      body: { id: pair.id },
    });
    for (let n = 0; n < 2; n++) expect((await step("accept", ben, pair)).status).toBe(200);
    const path = `/v1/pairs/${pair.id}/messages`;
    const again = { ...ann, headers: { "idempotency-key": "m" } };
    const [one, two] = [await ask("POST", path, { body: "x" }, again), await ask("POST", path, { body: "x" }, again)];
    expect([one.status, two.status]).toEqual([201, 200]);
    expect(two.body.id).toBe(one.body.id);
    for (let n = 0; n < 2; n++) expect((await step("end", ben, pair)).status).toBe(200);
    expect(await events(ben)).toEqual(["requested", "accepted", "message", "ended"]);
    expect((await step("reject", ben, pair)).status).toBe(409);
    await request(ann, "cat");
  });

  test("nobody pairs with itself, with nobody, or with system", async () => {
    const { ann, request } = await startCouple();
    expect((await request(ann, "ann")).status).toBe(422);
    expect(await request(ann, "bem")).toMatchObject({
      status: 422,
      body: { code: "unknown-target", suggestions: ["ben"] },
    });
    expect((await request(ann, "system")).status).toBe(422);
    expect((await request(ann, "ben", { requester: "cat" })).status).toBe(403);
    expect((await request(ann, "ben", { timeoutSeconds: 0 })).status).toBe(422);
  });

  test("others neither read, end nor talk in a pair", async () => {
    const { ann, ben, cat, request, step, ask } = await startCouple();
    const pair = (await request(ann, "ben")).body;
    expect(await step("messages", ann, pair, { body: "too early" })).toMatchObject({ status: 409 });
    await step("accept", ben, pair);
    expect((await step("end", cat, pair)).status).toBe(403);
    expect((await step("messages", cat, pair, { body: "hi" })).status).toBe(403);
    expect((await step("messages", cat, pair, { body: "hi", from: "ann" })).status).toBe(403);
    expect((await ask("GET", `/v1/pairs/${pair.id}`, undefined, cat)).status).toBe(403);
    expect((await ask("GET", "/v1/pairs", undefined, cat)).body.items).toEqual([]);
    expect((await ask("GET", "/v1/pairs?agent=ann", undefined, cat)).body.items).toEqual([]);
  });

  test("a reply in a pair has to be of its thread", async () => {
    const { ann, ben, request, step, ask } = await startCouple();
    const pair = (await request(ann, "ben")).body;
    await step("accept", ben, pair);
    const other = (await ask("POST", "/v1/messages", { to: "ann", body: "else" }, ben)).body;
    expect((await step("messages", ann, pair, { body: "x", replyTo: other.id })).status).toBe(422);
  });

  test("an operator acts for the members of a pair, which is written down", async () => {
    const { ann, request, ask } = await startCouple();
    const pair = (await request(ann, "ben")).body;
    expect((await ask("POST", `/v1/pairs/${pair.id}/accept`)).body.status).toBe("active");
    const { items } = (await ask("GET", `/v1/activity?subject=${pair.id}`)).body;
    expect(items).toMatchObject([{ verb: "pair.accepted", data: { agentId: "ben" } }]);
  });

  test("a person is a member of a pair like any other", async () => {
    const { ann, ask } = await startCouple();
    const pair = (await ask("POST", "/v1/pairs", { target: "ann" })).body;
    expect(pair.requester).toBe("user");
    await ask("POST", `/v1/pairs/${pair.id}/accept`, {}, ann);
    expect((await ask("POST", `/v1/pairs/${pair.id}/messages`, { body: "hello" })).body).toMatchObject({
      from: "user",
      to: "ann",
    });
  });
});

describe("lists", () => {
  test("pairs are listed by member and status, newest first, page by page", async () => {
    const { ann, ben, cat, request, step, ask, clock } = await startCouple();
    const made = [];
    for (const [by, target] of [
      [ann, "ben"],
      [ben, "cat"],
      [cat, "ann"],
    ] as const) {
      made.push((await request(by, target)).body);
      clock.advance(10);
    }
    await step("accept", ben, made[0]);
    const ids = async (query: string, who?: Worker) =>
      (await ask("GET", `/v1/pairs${query}`, undefined, who ?? {})).body.items.map(({ id }: { id: string }) => id);
    const [one, two, three] = made.map(({ id }) => id);
    expect(await ids("")).toEqual([three, two, one]);
    expect(await ids("?agent=ann")).toEqual([three, one]);
    expect(await ids("?status=active")).toEqual([one]);
    expect(await ids("", ben)).toEqual([two, one]);
    expect(await ids("?agent=cat", ben)).toEqual([two]);
    const page = await ask("GET", "/v1/pairs?limit=2");
    expect(page.body.nextPage).toBe(two);
    expect(page.headers.get("link")).toContain("page=");
    expect(await ids(`?limit=2&page=${two}`)).toEqual([one]);
  });
});

describe("retention", () => {
  test("pairs that ended go by retention, live ones stay and go on in a new thread", async () => {
    const { ann, ben, cat, request, step, look, pass, ask } = await startCouple({ retentionDays: 1 });
    const live = (await request(ann, "ben")).body;
    await step("accept", ben, live);
    const over = (await request(ann, "cat")).body;
    await step("reject", cat, over);
    const gone = async (path: string) => (await ask("GET", path)).status === 404;
    await pass(25 * 3_600_000);
    await until(() => gone(`/v1/pairs/${over.id}`), "retention has run");
    await until(() => gone(`/v1/messages/${live.threadId}`), "the messages are gone");
    const said = await step("messages", ann, live, { body: "still here" });
    expect(said.status).toBe(201);
    expect((await look(live)).threadId).toBe(said.body.threadId);
  });
});

import { describe, expect, test } from "bun:test";
import { startCrew } from "../../support/work.ts";

const KEY = { "idempotency-key": "k1" };

describe("G5: the same sender, key and content", () => {
  test("G5: the same sender, key and content give the same answer: 201 the first time, then 200 and said so, and one message", async () => {
    const { ask, boss, inbox, ann } = await startCrew();
    const draft = { to: "ann", body: "once", payload: { a: 1, b: [2] } };
    const first = await ask("POST", "/v1/messages", draft, { ...boss, headers: KEY });
    expect(first).toMatchObject({ status: 201, body: { idempotencyKey: "k1" } });
    expect(first.headers.get("idempotent-replayed")).toBeNull();
    for (let i = 0; i < 3; i++) {
      const again = await ask("POST", "/v1/messages", draft, { ...boss, headers: KEY });
      expect(again.status).toBe(200);
      expect(again.headers.get("idempotent-replayed")).toBe("true");
      expect(again.body).toEqual(first.body);
    }
    expect(await inbox(ann)).toHaveLength(1);
  });

  test("G5: the same sender, key and content give the same answer also when the key stands in the body, and whatever the order of its fields", async () => {
    const { ask, boss } = await startCrew();
    const first = await ask("POST", "/v1/messages", { to: "ann", body: "x", idempotencyKey: "k1" }, boss);
    const ways = [
      ask("POST", "/v1/messages", { idempotencyKey: "k1", body: "x", to: "ann" }, boss),
      ask("POST", "/v1/messages", { to: "ann", body: "x" }, { ...boss, headers: KEY }),
      ask("POST", "/v1/messages", { to: "ann", body: "x" }, { ...boss, headers: { "idempotency-key": '"k1"' } }),
      ask("POST", "/v1/messages", { to: "ann", body: "x", idempotencyKey: "k1" }, { ...boss, headers: KEY }),
      // A default may be said or left out.
      ask(
        "POST",
        "/v1/messages",
        { to: "ann", body: "x", idempotencyKey: "k1", claimable: false, urgent: false },
        boss,
      ),
      ask("POST", "/v1/messages", { from: "boss", to: "ann", body: "x", idempotencyKey: "k1", topic: null }, boss),
    ];
    for (const again of await Promise.all(ways))
      expect(again).toMatchObject({ status: 200, body: { id: first.body.id } });
  });

  test("G5: the same sender, key and content give it 64 times at once, and one message", async () => {
    const { ask, boss, inbox, ann } = await startCrew();
    const draft = { to: "ann", body: "once", idempotencyKey: "k1" };
    const answers = await Promise.all(Array.from({ length: 64 }, () => ask("POST", "/v1/messages", draft, boss)));
    expect(answers.filter((answer) => answer.status === 201)).toHaveLength(1);
    expect(answers.filter((answer) => answer.status === 200)).toHaveLength(63);
    expect(new Set(answers.map((answer) => answer.body.id)).size).toBe(1);
    expect(await inbox(ann)).toHaveLength(1);
  });

  test("G5: the same sender, key and content give it over a restart, with the state that the work has now", async () => {
    const crew = await startCrew();
    const draft = { to: "tag:crew", body: "once", claimable: true, idempotencyKey: "k1" };
    const first = await crew.ask("POST", "/v1/messages", draft, crew.boss);
    await crew.end("complete", crew.ann, await crew.take(crew.ann));
    await crew.restart();
    const again = await crew.ask("POST", "/v1/messages", draft, crew.boss);
    expect(again).toMatchObject({ status: 200, body: { id: first.body.id, state: "done", matched: 2 } });
  });

  test("G5: the same sender, key and content give it whatever changed meanwhile: the key is looked up before anything else is checked", async () => {
    const { ask, boss, pass, clock } = await startCrew();
    const { id: parent } = (await ask("POST", "/v1/messages", { to: "boss", body: "parent" }, boss)).body;
    const expiresAt = new Date(clock.now() + 60_000).toISOString();
    const drafts = [
      { to: "ann", body: "x", idempotencyKey: "gone", expiresAt },
      { to: "tag:crew", body: "x", idempotencyKey: "smaller", replyTo: parent },
      { to: "ann", body: "x", idempotencyKey: "work", claimable: true },
    ];
    const first = [];
    for (const draft of drafts) first.push((await ask("POST", "/v1/messages", draft, boss)).body);
    await pass(60_000);
    await ask("DELETE", "/v1/agents/ann");
    for (const [i, draft] of drafts.entries()) {
      const again = await ask("POST", "/v1/messages", draft, boss);
      expect(again).toMatchObject({ status: 200, body: { id: first[i].id, matched: first[i].matched } });
    }
    expect(await ask("POST", "/v1/messages", { to: "ann", body: "x", idempotencyKey: "new" }, boss)).toMatchObject({
      status: 422,
      body: { code: "unknown-target" },
    });
  });

  test("G5: the same sender, key and content give it to a superseded instance too, which can send nothing new", async () => {
    const { ask } = await startCrew();
    await ask("PUT", "/v1/agents/old", { name: "old", instanceId: "one" });
    const { token } = (await ask("POST", "/v1/tokens", { role: "agent", agentId: "old" })).body;
    const as = { token, instance: "one" };
    const draft = { to: "ann", body: "x", idempotencyKey: "k1" };
    const first = await ask("POST", "/v1/messages", draft, as);
    expect(first.status).toBe(201);
    await ask("PUT", "/v1/agents/old", { name: "old", instanceId: "two" });
    expect(await ask("POST", "/v1/messages", draft, as)).toMatchObject({ status: 200, body: { id: first.body.id } });
    const fresh = await ask("POST", "/v1/messages", { ...draft, idempotencyKey: "k2" }, as);
    expect(fresh).toMatchObject({ status: 409, body: { code: "superseded" } });
  });
});

describe("G5: a caller that names itself", () => {
  const message = { to: "ann", body: "x" };
  test.each([
    ["a task", "/v1/tasks", { title: "x", target: "ann" }, "from"],
    ["a schedule", "/v1/schedules", { cron: "0 0 * * *", message }, "agentId"],
    ["a webhook", "/v1/webhooks", { url: "http://127.0.0.1:1/", events: ["message.created"] }, "agentId"],
    ["a delegation", "/v1/delegations", { to: "ann", text: "x" }, "from"],
    ["a pair", "/v1/pairs", { target: "ann" }, "requester"],
    ["a run", "/v1/runs", { task: "x" }, "agentId"],
    ["a run of another", "/v1/runs", { agentId: "ann", task: "x" }, "from"],
    [
      "an approval",
      "/v1/approvals",
      {
        kind: "question",
        subject: { type: "question", text: "x" },
        title: "x",
        options: [{ id: "a", label: "A", decision: "answer" }],
        default: "a",
        expiresInSeconds: 600,
      },
      "agentId",
    ],
  ])("G5: a caller that names itself in %s says the same as without", async (_, path, body, field) => {
    const { ask, boss } = await startCrew();
    const first = await ask("POST", path, body, { ...boss, headers: KEY });
    expect(first.body).toMatchObject({ id: expect.any(String) });
    const again = await ask("POST", path, { ...body, [field]: "boss" }, { ...boss, headers: KEY });
    expect(again).toMatchObject({ status: 200, body: { id: first.body.id } });
  });

  test("G5: a caller that names itself in what it says to a pair, or to who has asked it, says the same as without", async () => {
    const { ask, boss, ann } = await startCrew();
    const same = async (path: string, body: object, field: string, by: { id: string; token: string }) => {
      const first = await ask("POST", path, body, { ...by, headers: KEY });
      const again = await ask("POST", path, { ...body, [field]: by.id }, { ...by, headers: KEY });
      expect([path, first.status, again.status]).toEqual([path, 201, 200]);
    };
    const pair = (await ask("POST", "/v1/pairs", { target: "ann" }, boss)).body.id;
    await ask("POST", `/v1/pairs/${pair}/accept`, {}, ann);
    await same(`/v1/pairs/${pair}/messages`, { body: "x" }, "from", boss);
    const asked = (await ask("POST", "/v1/delegations", { to: "ann", text: "x" }, boss)).body.id;
    await same(`/v1/delegations/${asked}/progress`, { text: "half" }, "agentId", ann);
  });
});

describe("G5: the same key", () => {
  test.each([
    ["body", { body: "other" }],
    ["target", { to: "ben" }],
    ["payload", { payload: { a: 2 } }],
    ["claimable", { claimable: true }],
    ["subject", { subject: "s" }],
  ])("G5: the same key with another %s is refused, and changes nothing", async (_, other) => {
    const { ask, boss, inbox, ann, ben } = await startCrew();
    const draft = { to: "ann", body: "once", payload: { a: 1 }, idempotencyKey: "k1" };
    await ask("POST", "/v1/messages", draft, boss);
    const refused = await ask("POST", "/v1/messages", { ...draft, ...other }, boss);
    expect(refused).toMatchObject({ status: 422, body: { code: "idempotency-mismatch" } });
    expect([await inbox(ann), await inbox(ben)]).toMatchObject([[{ body: "once" }], []]);
  });

  test("G5: the same key of another sender is another key", async () => {
    const { ask, boss, ben, inbox, ann } = await startCrew();
    const draft = { to: "ann", body: "once", idempotencyKey: "k1" };
    const both = [await ask("POST", "/v1/messages", draft, boss), await ask("POST", "/v1/messages", draft, ben)];
    expect(both.map((answer) => answer.status)).toEqual([201, 201]);
    // An operator who writes in somebody's name has that one's keys.
    const as = await ask("POST", "/v1/messages", { ...draft, body: "other", from: "boss" });
    expect(as).toMatchObject({ status: 422, body: { code: "idempotency-mismatch" } });
    expect(await inbox(ann)).toHaveLength(2);
  });

  test("G5: a key in header and body has to be one and the same", async () => {
    const { ask, boss } = await startCrew();
    const draft = { to: "ann", body: "x", idempotencyKey: "k2" };
    const refused = await ask("POST", "/v1/messages", draft, { ...boss, headers: KEY });
    expect(refused).toMatchObject({ status: 422, body: { errors: [{ pointer: "/idempotencyKey" }] } });
    for (const key of ["", "x".repeat(256), '""']) {
      const bad = await ask(
        "POST",
        "/v1/messages",
        { to: "ann", body: "x" },
        { ...boss, headers: { "idempotency-key": key } },
      );
      expect(bad).toMatchObject({ status: 422, body: { errors: [{ pointer: "Idempotency-Key" }] } });
    }
  });
});

describe("G5: in a batch", () => {
  const item = (key: string | undefined, body = "x") => ({ to: "ann", body, ...(key ? { idempotencyKey: key } : {}) });

  test("G5: each item of a batch says whether it was sent before", async () => {
    const { ask, boss, inbox, ann } = await startCrew();
    const alone = (await ask("POST", "/v1/messages", item("a"), boss)).body.id;
    const send = () => ask("POST", "/v1/messages/batch", { messages: [item("a"), item("b"), item(undefined)] }, boss);
    const [first, again] = [await send(), await send()];
    const flags = (answer: typeof first) => answer.body.items.map((sent: { replayed: boolean }) => sent.replayed);
    expect([flags(first), flags(again)]).toEqual([
      [true, false, false],
      [true, true, false],
    ]);
    expect(first.body.items[0].id).toBe(alone);
    expect(again.body.items[1].id).toBe(first.body.items[1].id);
    expect(await inbox(ann)).toHaveLength(4);
  });

  test("G5: two equal keys in a batch are refused with the place of the second, and nothing is sent", async () => {
    const { ask, boss, inbox, ann } = await startCrew();
    const twice = await ask("POST", "/v1/messages/batch", { messages: [item("a"), item("b"), item("a")] }, boss);
    expect(twice).toMatchObject({ status: 422, body: { errors: [{ pointer: "/messages/2/idempotencyKey" }] } });
    // The sender may be left out or named: it is the same one.
    const named = { messages: [item("a"), { ...item("a"), from: "boss" }] };
    expect(await ask("POST", "/v1/messages/batch", named, boss)).toMatchObject({
      status: 422,
      body: { errors: [{ pointer: "/messages/1/idempotencyKey" }] },
    });
    expect(await inbox(ann)).toEqual([]);
  });

  test("G5: a used key with other content takes the whole batch back", async () => {
    const { ask, boss, inbox, ann } = await startCrew();
    await ask("POST", "/v1/messages", item("a"), boss);
    const refused = await ask("POST", "/v1/messages/batch", { messages: [item("b"), item("a", "other")] }, boss);
    expect(refused).toMatchObject({ status: 422, body: { code: "idempotency-mismatch" } });
    expect(refused.body.errors[0].pointer).toStartWith("/messages/1");
    expect(await inbox(ann)).toHaveLength(1);
  });
});

import { describe, expect, test } from "bun:test";
import { startTeam } from "../../support/delegations.ts";

describe("a request that owes an answer", () => {
  test("a request that owes an answer is a message to the target, with what the answer needs", async () => {
    const { delegate, ada, bob, inbox } = await startTeam();
    const context = { summary: "the build is red", constraints: ["no force push"], expectedOutput: "a diff" };
    const asked = await delegate(ada, "bob", { text: "fix it", context, timeoutSeconds: 60 });
    expect(asked).toMatchObject({
      ...{ from: "ada", to: "bob", text: "fix it", context, depth: 1, rootId: asked.id, parentId: null, holder: null },
      ...{ status: "pending", answer: null, late: false, queued: false, endedAt: null },
      threadId: asked.messageId,
    });
    expect(Date.parse(asked.deadlineAt) - Date.parse(asked.createdAt)).toBe(60_000);
    const [request] = await inbox(bob);
    expect(request).toMatchObject({
      ...{ id: asked.messageId, kind: "request", from: "ada", body: "fix it", claimable: false },
      payload: { delegationId: asked.id, depth: 1, context },
    });
  });

  test("a request that owes an answer carries a payload of its asker's, beside the members of the relay's", async () => {
    const { delegate, ada, bob, inbox, look, ask } = await startTeam();
    const payload = { build: 7, parts: ["a"] };
    const asked = await delegate(ada, "bob", { text: "fix it", payload });
    expect(asked.payload).toEqual(payload);
    expect((await inbox(bob))[0].payload).toEqual({ ...payload, delegationId: asked.id, depth: 1, context: null });
    expect((await look(asked)).payload).toEqual(payload);
    expect((await delegate(ada, "bob")).payload).toBeNull();
    for (const name of ["delegationId", "depth", "context", "question", "delegation", "command", "run"])
      expect(
        await ask("POST", "/v1/delegations", { to: "bob", text: "x", payload: { [name]: "forged" } }, ada),
      ).toMatchObject({ status: 422, body: { code: "reserved", errors: [{ pointer: `/payload/${name}` }] } });
  });

  test("a request that owes an answer is answered by a call: the asker gets one response, by who answered", async () => {
    const { delegate, ada, bob, on, inbox, look } = await startTeam();
    const asked = await delegate(ada, "bob");
    const answered = await on(asked, "response", bob, { text: "done", payload: { lines: 3 } });
    expect(answered).toMatchObject({ status: 201, body: { status: "answered", late: false, answer: { from: "bob" } } });
    expect(await inbox(ada)).toEqual([
      expect.objectContaining({
        ...{ kind: "response", from: "bob", body: "done", replyTo: asked.messageId, threadId: asked.threadId },
        payload: {
          ...{ lines: 3, delegationId: asked.id },
          delegation: { status: "answered", late: false, error: null },
        },
      }),
    ]);
    expect((await look(asked)).answer).toMatchObject({ text: "done", error: null, payload: { lines: 3 } });
  });

  test("G11: a request that owes an answer is not answered by a reply that tells of progress", async () => {
    const { delegate, ada, bob, inbox, look, ask } = await startTeam();
    const asked = await delegate(ada, "bob");
    const reply = { to: "ada", body: "I go on.", replyTo: asked.messageId };
    await ask("POST", "/v1/messages", { ...reply, payload: { progress: true } }, bob);
    expect(await look(asked)).toMatchObject({ status: "pending", answer: null });
    expect(await inbox(ada)).toMatchObject([{ kind: "chat", threadId: asked.threadId }]);
    expect((await inbox(bob))[0]).not.toHaveProperty("settled");
    await ask("POST", "/v1/messages", { ...reply, body: "Done." }, bob);
    expect(await look(asked)).toMatchObject({ status: "answered", answer: { text: "Done." } });
    expect((await inbox(bob))[0]).toMatchObject({ settled: true });
  });

  test("a request that owes an answer may be encrypted by the clients, its answer and progress too: carried untouched, not found and not shown", async () => {
    const { delegate, ada, bob, on, inbox, look, ask } = await startTeam();
    const secret = "SGVsbG8 wörld\n\u0007";
    const asked = await delegate(ada, "bob", { text: secret, encoding: "opaque" });
    expect(asked).toMatchObject({ text: secret, encoding: "opaque" });
    expect((await inbox(bob))[0]).toMatchObject({ kind: "request", body: secret, encoding: "opaque" });
    await on(asked, "progress", bob, { text: secret, encoding: "opaque" });
    const answered = await on(asked, "response", bob, { text: secret, payload: { part: 1 }, encoding: "opaque" });
    expect(answered.body.answer).toMatchObject({ text: secret, encoding: "opaque", payload: { part: 1 } });
    expect((await inbox(ada)).map(({ kind, body, encoding }) => [kind, body, encoding])).toEqual([
      ["control", secret, "opaque"],
      ["response", secret, "opaque"],
    ]);
    expect(await look(asked)).toMatchObject({ encoding: "opaque", answer: { encoding: "opaque" } });
    const found = await ask("GET", `/v1/messages?q=${encodeURIComponent("SGVsbG8")}`);
    expect(found.body.items).toEqual([]);
    const digest = await ask("GET", "/v1/agents/bob/inbox/digest", undefined, bob);
    expect(JSON.stringify(digest.body)).not.toContain("SGVsbG8");
    const plain = await delegate(ada, "bob");
    expect(plain.encoding).toBe("plain");
    const wrong = await on(plain, "response", bob, { text: "x", encoding: "secret" });
    expect(wrong.body.errors).toMatchObject([{ pointer: "/encoding" }]);
  });

  test("a request that owes an answer may be answered with an error", async () => {
    const { delegate, ada, bob, on, responses } = await startTeam();
    const asked = await delegate(ada, "bob");
    const failed = await on(asked, "response", bob, { error: "no such branch" });
    expect(failed.body).toMatchObject({ status: "failed", answer: { from: "bob", error: "no such branch" } });
    expect(await responses(ada)).toMatchObject([
      { from: "bob", body: "no such branch", payload: { delegation: { status: "failed", error: "no such branch" } } },
    ]);
  });

  test("a request that owes an answer is answered by a plain reply, for agents that cannot name a delegation", async () => {
    const { delegate, ada, bob, reply, look, responses } = await startTeam();
    const asked = await delegate(ada, "bob");
    const sent = await reply(bob, asked, { body: "42", payload: { status: "mine" } });
    expect(sent).toMatchObject({ status: 201, body: { kind: "response" } });
    expect(await look(asked)).toMatchObject({
      status: "answered",
      answer: { messageId: sent.body.id, from: "bob", text: "42", payload: { status: "mine" } },
    });
    expect(await responses(ada)).toMatchObject([{ id: sent.body.id, payload: { delegationId: asked.id } }]);
  });

  test("a request that owes an answer is not answered by a reply to somebody else, of another kind, or by somebody else", async () => {
    const { delegate, ada, bob, reply, look, ask } = await startTeam();
    const asked = await delegate(ada, "bob");
    await reply(bob, { ...asked, from: "cid" });
    await reply(bob, asked, { kind: "task" });
    await reply(ada, asked, { to: "bob" });
    await ask("POST", "/v1/messages", { to: "ada", body: "I, the operator", replyTo: asked.messageId });
    expect(await look(asked)).toMatchObject({ status: "pending", answer: null });
  });

  test("a request that owes an answer is answered once: a second answer is refused, a further reply is talk", async () => {
    const { delegate, ada, bob, on, reply, responses, look } = await startTeam();
    const asked = await delegate(ada, "bob");
    await on(asked, "response", bob, { text: "first" });
    expect(await on(asked, "response", bob, { text: "second" })).toMatchObject({
      status: 409,
      body: { code: "not-open" },
    });
    expect((await reply(bob, asked, { body: "by the way" })).body).toMatchObject({ kind: "chat", payload: null });
    expect((await look(asked)).answer.text).toBe("first");
    expect(await responses(ada)).toHaveLength(1);
  });

  test("a request that owes an answer takes answers and progress from nobody but the target", async () => {
    const { delegate, ada, cid, on, look } = await startTeam();
    const asked = await delegate(ada, "bob");
    for (const verb of ["response", "progress"] as const) {
      expect(await on(asked, verb, cid, { text: "me" })).toMatchObject({ status: 403, body: { code: "forbidden" } });
      expect((await on(asked, verb, ada, { text: "me" })).status).toBe(403);
      expect((await on(asked, verb, cid, { text: "me", agentId: "bob" })).status).toBe(403);
    }
    expect(await look(asked)).toMatchObject({ status: "pending" });
  });

  test("a request that owes an answer lets the target tell how far it is", async () => {
    const { delegate, ada, bob, on, inbox, look } = await startTeam();
    const asked = await delegate(ada, "bob");
    expect(await on(asked, "progress", bob, { text: "half" })).toMatchObject({
      status: 201,
      body: { status: "pending" },
    });
    expect(await inbox(ada)).toMatchObject([
      { kind: "control", from: "bob", body: "half", replyTo: asked.messageId, payload: { delegationId: asked.id } },
    ]);
    await on(asked, "response", bob, { text: "done" });
    expect((await on(asked, "progress", bob, { text: "late" })).status).toBe(409);
    expect(await look(asked)).toMatchObject({ status: "answered" });
  });

  test("a request that owes an answer may be answered in a target's name by an operator, which is seen", async () => {
    const { delegate, ada, on, responses } = await startTeam();
    const asked = await delegate(ada, "bob");
    expect((await on(asked, "response", undefined, { text: "for bob" })).body).toMatchObject({
      answer: { from: "bob" },
    });
    expect((await responses(ada))[0].via).toStartWith("tok_");
  });

  test("a request that owes an answer can be asked of a person, who replies", async () => {
    const { delegate, ada, look, ask } = await startTeam();
    const asked = await delegate(ada, "user", { text: "may I?" });
    await ask("POST", "/v1/messages", { to: "ada", body: "yes", replyTo: asked.messageId });
    expect(await look(asked)).toMatchObject({ status: "answered", answer: { from: "user", text: "yes" } });
  });

  test("a request that owes an answer is asked, answered and reported once for each idempotency key", async () => {
    const { ask, ada, bob, inbox, on, delegate } = await startTeam();
    const keyed = { ...ada, headers: { "idempotency-key": "k1" } };
    const draft = { to: "bob", text: "once" };
    const first = await ask("POST", "/v1/delegations", draft, keyed);
    const again = await ask("POST", "/v1/delegations", draft, keyed);
    expect([first.status, again.status]).toEqual([201, 200]);
    expect(again.headers.get("idempotent-replayed")).toBe("true");
    expect(again.body.id).toBe(first.body.id);
    expect(await ask("POST", "/v1/delegations", { ...draft, text: "twice" }, keyed)).toMatchObject({
      status: 422,
      body: { code: "idempotency-mismatch" },
    });
    expect(await inbox(bob)).toHaveLength(1);
    const how = { ...bob, headers: { "idempotency-key": "k2" } };
    const path = `/v1/delegations/${first.body.id}/response`;
    expect((await ask("POST", path, { text: "yes" }, how)).status).toBe(201);
    expect(await ask("POST", path, { text: "yes" }, how)).toMatchObject({ status: 200, body: { status: "answered" } });
    expect(await inbox(ada)).toHaveLength(1);
    const other = await delegate(ada, "bob");
    const path2 = `/v1/delegations/${other.id}/progress`;
    const third = { ...bob, headers: { "idempotency-key": "k3" } };
    await ask("POST", path2, { text: "half" }, third);
    expect((await ask("POST", path2, { text: "half" }, third)).status).toBe(200);
    expect(await inbox(ada)).toHaveLength(2);
    expect((await on(other, "response", bob, {})).status).toBe(422);
  });
});

describe("asked of a group", () => {
  test("a request to a group is work: who claims it answers, nobody else", async () => {
    const { delegate, ada, pat, pia, claim, on, look, responses } = await startTeam();
    const asked = await delegate(ada, "tag:pool");
    expect((await on(asked, "response", pat, { text: "mine" })).status).toBe(403);
    const held = await claim(pat);
    expect(held.message).toMatchObject({ id: asked.messageId, kind: "request", payload: { delegationId: asked.id } });
    expect(await look(asked)).toMatchObject({ status: "claimed", holder: "pat" });
    expect((await on(asked, "response", pia, { text: "mine" })).status).toBe(403);
    expect((await on(asked, "response", pat, { text: "done" })).body).toMatchObject({ status: "answered" });
    expect(await responses(ada)).toMatchObject([{ from: "pat", body: "done" }]);
  });

  test("answering a group's request ends the claim", async () => {
    const { delegate, ada, pat, claim, on, ask } = await startTeam();
    const asked = await delegate(ada, "tag:pool");
    const held = await claim(pat);
    await on(asked, "response", pat, { text: "done" });
    const message = (await ask("GET", `/v1/messages/${asked.messageId}`)).body;
    expect(message).toMatchObject({ state: "done", attempts: [{ agentId: "pat", outcome: "completed" }] });
    // Answering both ways costs the agent nothing.
    const path = `/v1/messages/${held.message.id}/complete`;
    expect((await ask("POST", path, { token: held.claim.token }, pat)).status).toBe(200);
  });

  for (const result of [{ body: "42", payload: { n: 1 } }, undefined])
    test(`completing the claim of a group's request ${result ? "with a result" : "without one"} answers, once`, async () => {
      const { delegate, ada, pat, claim, end, look, inbox } = await startTeam();
      const asked = await delegate(ada, "tag:pool");
      const done = await end("complete", pat, await claim(pat), result ? { result } : {});
      expect(done).toMatchObject({ status: 200, body: { message: { state: "done" } } });
      expect(await look(asked)).toMatchObject({
        status: "answered",
        answer: { from: "pat", text: result?.body ?? "", payload: result?.payload ?? null },
      });
      expect(await inbox(ada)).toHaveLength(1);
    });

  test("replying to a group's request answers as well", async () => {
    const { delegate, ada, pat, pia, claim, reply, look } = await startTeam();
    const asked = await delegate(ada, "tag:pool");
    await claim(pat);
    expect((await reply(pia, asked)).body.kind).toBe("chat");
    expect((await reply(pat, asked, { body: "yes" })).body.kind).toBe("response");
    expect(await look(asked)).toMatchObject({ status: "answered", answer: { from: "pat", text: "yes" } });
  });

  test("a group's request that is given back is pending again, for the next", async () => {
    const { delegate, ada, pat, pia, claim, end, look, on, pass } = await startTeam();
    const asked = await delegate(ada, "tag:pool", { timeoutSeconds: 3600 });
    await end("release", pat, await claim(pat));
    expect(await look(asked)).toMatchObject({ status: "pending", holder: null });
    await claim(pia);
    expect(await look(asked)).toMatchObject({ status: "claimed", holder: "pia" });
    await pass(601_000);
    expect(await look(asked)).toMatchObject({ status: "pending", holder: null });
    expect((await on(asked, "response", pia, { text: "too slow" })).status).toBe(403);
  });

  test("a group's request that was given up is an error answer, and the asker is told once", async () => {
    const { delegate, ada, pat, claim, end, look, inbox } = await startTeam();
    const asked = await delegate(ada, "tag:pool");
    await end("fail", pat, await claim(pat), { error: "cannot be built", final: true });
    expect(await look(asked)).toMatchObject({ status: "failed", answer: { from: "system", error: "cannot be built" } });
    expect(await inbox(ada)).toMatchObject([{ kind: "response", from: "system", replyTo: asked.messageId }]);
  });
});

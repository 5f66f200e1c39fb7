import { describe, expect, test } from "bun:test";
import { startTeam } from "../../support/delegations.ts";

const MINUTE = 60_000;

describe("the asker always gets an answer, once", () => {
  test("G7: the asker always gets an answer, once, when the time is up, also when the target never came", async () => {
    const { delegate, ada, look, inbox, pass } = await startTeam();
    const asked = await delegate(ada, "bob", { timeoutSeconds: 60 });
    await pass(59_000);
    expect(await look(asked)).toMatchObject({ status: "pending" });
    await pass(2000);
    const error = "bob did not answer within 60 seconds";
    expect(await look(asked)).toMatchObject({ status: "timed-out", late: false, answer: { from: "system" } });
    await pass(10 * MINUTE);
    const got = await inbox(ada);
    expect(got).toHaveLength(1);
    expect(got[0]).toMatchObject({
      ...{ kind: "response", from: "system", replyTo: asked.messageId },
      payload: { delegationId: asked.id, delegation: { status: "timed-out", late: false } },
    });
    expect(got[0].body).toContain(error);
  });

  test("a group's request expires unclaimed, times out when held, and one answer comes each time", async () => {
    const { delegate, ada, pat, claim, look, inbox, pass, ask } = await startTeam();
    const open = await delegate(ada, "tag:pool", { timeoutSeconds: 60 });
    await pass(61_000);
    expect(await look(open)).toMatchObject({ status: "timed-out", holder: null });
    expect((await ask("GET", `/v1/messages/${open.messageId}`)).body.state).toBe("expired");
    const held = await delegate(ada, "tag:pool", { timeoutSeconds: 60 });
    await claim(pat);
    await pass(61_000);
    expect(await look(held)).toMatchObject({ status: "timed-out", holder: "pat" });
    // Its lease runs out later, and nobody gets it again.
    await pass(11 * MINUTE);
    expect((await ask("GET", `/v1/messages/${held.messageId}`)).body.state).toBe("expired");
    expect(await inbox(ada)).toMatchObject([{ replyTo: open.messageId }, { replyTo: held.messageId }]);
  });

  test("the asker always gets an answer, once, when the target is deleted", async () => {
    const { delegate, ada, look, responses, ask } = await startTeam();
    const asked = await delegate(ada, "bob");
    await ask("DELETE", "/v1/agents/bob");
    expect(await look(asked)).toMatchObject({ status: "failed", answer: { from: "system", error: "bob was deleted" } });
    expect(await responses(ada)).toHaveLength(1);
  });

  test("the asker always gets an answer, once, when many wait for who is deleted", async () => {
    const { delegate, ada, dan, ask, relay, responses } = await startTeam({ delegationsPerAgent: 10_000 });
    for (let n = 0; n < 230; n++) await delegate(ada, "bob");
    await delegate(dan, "bob");
    await ask("DELETE", "/v1/agents/bob");
    await relay.settle();
    expect(await responses(ada)).toHaveLength(230);
    expect(await responses(dan)).toHaveLength(1);
    expect((await ask("GET", "/v1/delegations?status=pending")).body.items).toEqual([]);
  });

  test("a group's request is open again when who of the group had it is deleted", async () => {
    const { delegate, ada, pat, pia, claim, look, ask, responses, on } = await startTeam();
    const asked = await delegate(ada, "tag:pool");
    await claim(pat);
    await ask("DELETE", "/v1/agents/pat");
    expect(await look(asked)).toMatchObject({ status: "pending", holder: null });
    await claim(pia);
    await on(asked, "response", pia, { text: "done" });
    expect(await responses(ada)).toMatchObject([{ from: "pia" }]);
  });

  test("the asker always gets an answer, once, when the message is cancelled as work", async () => {
    const { delegate, ada, look, ask, responses } = await startTeam();
    const asked = await delegate(ada, "tag:pool");
    expect((await ask("POST", `/v1/messages/${asked.messageId}/cancel`, undefined, ada)).status).toBe(200);
    expect(await look(asked)).toMatchObject({ status: "cancelled" });
    expect(await responses(ada)).toHaveLength(1);
  });

  test("whoever works for an asker that is deleted is told, and its answer is for nobody", async () => {
    const { delegate, ada, bob, look, ask, inbox, on } = await startTeam();
    const asked = await delegate(ada, "bob");
    await ask("DELETE", "/v1/agents/ada");
    expect(await look(asked)).toMatchObject({ status: "cancelled" });
    expect((await inbox(bob)).at(-1)).toMatchObject({ from: "system", payload: { delegationId: asked.id } });
    expect(await on(asked, "response", bob, { text: "done" })).toMatchObject({ status: 410 });
  });
});

describe("a late answer still reaches the asker, marked late", () => {
  for (const way of ["response", "reply"] as const)
    test(`a late answer still reaches the asker, marked late by ${way}, once`, async () => {
      const { delegate, ada, bob, on, reply, look, responses, pass } = await startTeam();
      const asked = await delegate(ada, "bob", { timeoutSeconds: 60 });
      await pass(2 * MINUTE);
      if (way === "reply") await reply(bob, asked, { body: "sorry" });
      else expect((await on(asked, "response", bob, { text: "sorry" })).status).toBe(201);
      const late = { status: "timed-out", late: true, error: null };
      expect(await responses(ada)).toMatchObject([
        { from: "system" },
        { from: "bob", body: "sorry", subject: `Late answer to ${asked.id}`, payload: { delegation: late } },
      ]);
      expect(await look(asked)).toMatchObject({
        status: "timed-out",
        late: true,
        answer: { from: "bob", text: "sorry" },
      });
      expect((await on(asked, "response", bob, { text: "again" })).status).toBe(409);
    });

  test("a late answer still reaches the asker, marked late by completing the claim that was held on beyond the deadline", async () => {
    const { delegate, ada, pat, claim, end, look, responses, pass } = await startTeam();
    const asked = await delegate(ada, "tag:pool", { timeoutSeconds: 60 });
    const held = await claim(pat);
    await pass(2 * MINUTE);
    const done = await end("complete", pat, held, { result: "late" });
    expect(done).toMatchObject({ status: 200, body: { message: { state: "done" } } });
    expect(await look(asked)).toMatchObject({ status: "timed-out", late: true, answer: { from: "pat" } });
    expect(await responses(ada)).toHaveLength(2);
  });
});

describe("what comes after the end", () => {
  test("a request whose dead letter is put back is answered late, by who took it then", async () => {
    const { delegate, ada, pat, pia, claim, end, look, ask, responses } = await startTeam();
    const asked = await delegate(ada, "tag:pool");
    await end("fail", pat, await claim(pat), { error: "no", final: true });
    await ask("POST", `/v1/messages/${asked.messageId}/requeue`);
    await end("complete", pia, await claim(pia), { result: "yes" });
    expect(await look(asked)).toMatchObject({ status: "failed", late: true, answer: { from: "pia", error: null } });
    expect(await responses(ada)).toMatchObject([
      { from: "system" },
      { from: "pia", payload: { delegation: { late: true } } },
    ]);
  });

  test("an answer after the end is a restored target's to give, late, and nobody takes its id for that", async () => {
    const { delegate, ada, ask, on, responses } = await startTeam();
    const asked = await delegate(ada, "bob");
    await ask("DELETE", "/v1/agents/bob");
    expect((await ask("PUT", "/v1/agents/bob", { name: "other" })).body.code).toBe("deleted");
    await ask("POST", "/v1/agents/bob/restore");
    const bob = (await ask("POST", "/v1/tokens", { role: "agent", agentId: "bob" })).body;
    expect((await on(asked, "response", bob, { text: "me" })).body).toMatchObject({ status: "failed", late: true });
    expect(await responses(ada)).toHaveLength(2);
  });

  test("an asker that was away finds the answer in its inbox", async () => {
    const { delegate, ada, bob, on, ask, responses } = await startTeam();
    const asked = await delegate(ada, "bob");
    await ask("PATCH", "/v1/agents/ada", { status: "offline" });
    await on(asked, "response", bob, { text: "done" });
    expect(await responses(ada)).toMatchObject([{ from: "bob", body: "done" }]);
  });
});

describe("a target that is offline", () => {
  test("G8: a target that is offline is queued for until the deadline, and the asker is told at once", async () => {
    const { delegate, ada, bob, ask, inbox, on, responses } = await startTeam();
    await ask("PATCH", "/v1/agents/bob", { status: "offline" });
    const asked = await delegate(ada, "bob");
    expect(asked.queued).toBe(true);
    expect(await inbox(ada)).toMatchObject([
      { kind: "system", replyTo: asked.messageId, payload: { delegationId: asked.id, queued: true } },
    ]);
    // It comes back.
    expect(await inbox(bob)).toMatchObject([{ id: asked.messageId }]);
    await on(asked, "response", bob, { text: "back" });
    expect(await responses(ada)).toMatchObject([{ from: "bob", body: "back" }]);
  });

  test("a target that is offline is offered nothing that timed out meanwhile", async () => {
    const { delegate, ada, bob, ask, inbox, pass } = await startTeam();
    await ask("PATCH", "/v1/agents/bob", { status: "offline" });
    await delegate(ada, "bob", { timeoutSeconds: 60 });
    await pass(2 * MINUTE);
    expect(await inbox(bob)).toEqual([]);
  });

  test("a group of which nobody is here counts as offline", async () => {
    const { delegate, ada, ask } = await startTeam();
    expect((await delegate(ada, "tag:pool")).queued).toBe(false);
    for (const id of ["pat", "pia"]) await ask("PATCH", `/v1/agents/${id}`, { status: "offline" });
    expect((await delegate(ada, "tag:pool")).queued).toBe(true);
    expect((await delegate(ada, "tag:nobody")).queued).toBe(true);
  });
});

describe("cancelling", () => {
  test("cancelling a request tells whoever works on it, and the asker gets its one answer", async () => {
    const { delegate, ada, bob, on, inbox, responses } = await startTeam();
    const asked = await delegate(ada, "bob");
    const cancelled = await on(asked, "cancel", ada, { reason: "no need" });
    expect(cancelled).toMatchObject({
      status: 200,
      body: { cancelled: [asked.id], delegation: { status: "cancelled" } },
    });
    expect((await inbox(bob)).at(-1)).toMatchObject({ kind: "system", replyTo: asked.messageId });
    expect(await responses(ada)).toMatchObject([{ from: "system", payload: { delegation: { status: "cancelled" } } }]);
    expect(await on(asked, "cancel", ada)).toMatchObject({ status: 200, body: { cancelled: [] } });
    expect(await responses(ada)).toHaveLength(1);
  });

  test("cancelling a group's request takes the claim away from who holds it", async () => {
    const { delegate, ada, pat, claim, on, end, inbox } = await startTeam();
    const asked = await delegate(ada, "tag:pool");
    const held = await claim(pat);
    await on(asked, "cancel", ada);
    expect((await end("complete", pat, held, { result: "x" })).status).toBe(409);
    expect((await inbox(pat)).at(-1)).toMatchObject({ kind: "system", payload: { state: "cancelled" } });
    expect(await inbox(ada)).toHaveLength(1);
  });

  test("cancelling a request is for the asker and operators alone", async () => {
    const { delegate, ada, bob, cid, on, look } = await startTeam();
    const asked = await delegate(ada, "bob");
    for (const who of [bob, cid]) expect((await on(asked, "cancel", who)).status).toBe(403);
    expect(await look(asked)).toMatchObject({ status: "pending" });
    expect((await on(asked, "cancel", undefined)).status).toBe(200);
    expect((await on({ id: "dlg_none" }, "cancel", ada)).status).toBe(404);
  });

  test("a request that has ended otherwise cannot be cancelled", async () => {
    const { delegate, ada, bob, on } = await startTeam();
    const asked = await delegate(ada, "bob");
    await on(asked, "response", bob, { text: "done" });
    expect(await on(asked, "cancel", ada)).toMatchObject({ status: 409, body: { code: "not-open" } });
  });

  test("cancelling a request ends what is open below, at any depth, and nothing beside", async () => {
    const { delegate, ada, bob, cid, dan, on, look, responses, ask } = await startTeam();
    const root = await delegate(ada, "bob");
    const child = await delegate(bob, "cid", { parentId: root.id });
    const grandchild = await delegate(cid, "dan", { parentId: child.id });
    const beside = await delegate(ada, "pat");
    await on(child, "response", cid, { text: "done, but dan goes on" });
    const { body } = await on(root, "cancel", undefined, { tree: true });
    expect(body.cancelled.sort()).toEqual([root.id, grandchild.id].sort());
    expect(await look(grandchild)).toMatchObject({ status: "cancelled" });
    expect(await look(beside)).toMatchObject({ status: "pending" });
    expect(await responses(cid)).toHaveLength(1);
    expect(await responses(dan)).toHaveLength(0);
    const { items } = (await ask("GET", "/v1/activity?verb=delegation.cancelled")).body;
    expect(items).toMatchObject([{ subject: root.id }]);
  });
});

test("G4: a lease that has run out answers no request any more, noticed or not", async () => {
  const { ada, pat, ask, clock, delegate, on, look } = await startTeam();
  const asked = await delegate(ada, "tag:pool", { timeoutSeconds: 600 });
  await ask("POST", `/v1/messages/${asked.messageId}/claim`, { leaseSeconds: 5 }, pat);
  clock.advance(6000);
  expect([403, 409]).toContain((await on(asked, "response", pat, { text: "late" })).status);
  expect((await look(asked)).status).not.toBe("answered");
});

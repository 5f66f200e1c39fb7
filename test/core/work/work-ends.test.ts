import { describe, expect, test } from "bun:test";
import { startCrew } from "../../support/work.ts";

describe("an attempt", () => {
  test("an attempt that fails counts; the last one makes a dead letter, and the sender is told once", async () => {
    const { open, take, end, claim, inbox, ask, ann, boss } = await startCrew();
    const id = await open({ maxAttempts: 2 });
    await end("fail", ann, await take(ann), { error: "first" });
    const second = await take(ann);
    expect(second.claim.attempt).toBe(2);
    expect((await end("fail", ann, second, { error: "second" })).body.message).toMatchObject({
      state: "dead",
      claim: null,
    });
    expect(await claim(ann)).toEqual([]);
    const told = (await inbox(boss)).filter((item) => item.from === "system");
    expect(told).toHaveLength(1);
    expect(told[0]).toMatchObject({ kind: "system", replyTo: id, payload: { messageId: id, state: "dead" } });
    expect(told[0].body).toContain("second");
    const dead = await ask("GET", "/v1/dead-letters");
    expect(dead.body.items).toMatchObject([{ id, state: "dead", error: "second" }]);
    expect(await ask("GET", "/v1/dead-letters", undefined, ann)).toMatchObject({ status: 403 });
  });

  test("an attempt whose lease runs out counts as well", async () => {
    const { open, take, pass, look, inbox, ann, boss } = await startCrew();
    const id = await open({ maxAttempts: 1 });
    await take(ann, { leaseSeconds: 60 });
    await pass(60_000);
    expect(await look(id)).toMatchObject({ state: "dead", attempts: [{ outcome: "expired" }] });
    expect((await inbox(boss)).map((item) => item.payload)).toEqual([{ messageId: id, state: "dead" }]);
  });

  test("an attempt that is given back does not count", async () => {
    const { open, take, end, look, ann } = await startCrew();
    const id = await open({ maxAttempts: 1 });
    for (let i = 0; i < 4; i++) {
      const held = await take(ann);
      expect(held.claim.attempt).toBe(1);
      await end("release", ann, held, { reason: "busy" });
    }
    const { state, attempts } = await look(id);
    expect(state).toBe("open");
    expect(attempts.map((one: { outcome: string; error: string }) => [one.outcome, one.error])).toEqual(
      Array(4).fill(["released", "busy"]),
    );
  });

  test("an attempt that fails for good makes a dead letter at once", async () => {
    const { open, take, end, ann } = await startCrew();
    await open({ maxAttempts: 5 });
    const failed = await end("fail", ann, await take(ann), { error: "no such repository", final: true });
    expect(failed.body.message.state).toBe("dead");
  });

  test.each([
    ["fail", { error: "busy", retryAfterSeconds: 90 }],
    ["release", { delaySeconds: 90 }],
  ] as const)("%s with a delay is open again at that time, over a restart", async (how, body) => {
    const crew = await startCrew();
    await crew.open();
    expect((await crew.end(how, crew.ann, await crew.take(crew.ann), body)).body.message.state).toBe("delayed");
    await crew.pass(45_000);
    await crew.restart();
    await crew.pass(44_999);
    expect(await crew.claim(crew.ben)).toEqual([]);
    await crew.pass(1);
    expect(await crew.claim(crew.ben)).toHaveLength(1);
  });

  test("an attempt can be made longer: renewing counts from now, by the lease's own length or a new one", async () => {
    const crew = await startCrew();
    await crew.open();
    const held = await crew.take(crew.ann, { leaseSeconds: 60 });
    await crew.pass(50_000);
    const renewed = await crew.end("renew", crew.ann, held);
    expect(Date.parse(renewed.body.claim.expiresAt)).toBe(crew.clock.now() + 60_000);
    expect(renewed.body.claim.token).toBe(held.claim.token);
    await crew.pass(59_999);
    expect((await crew.end("renew", crew.ann, held, { leaseSeconds: 3600 })).status).toBe(200);
    await crew.pass(3_599_999);
    expect(await crew.claim(crew.ben)).toEqual([]);
    await crew.pass(1);
    expect(await crew.claim(crew.ben)).toHaveLength(1);
  });

  test("an attempt shows while it goes on, after a renewal and after its end, once each time", async () => {
    const { open, take, end, look, clock, pass, ann, ben } = await startCrew();
    const id = await open();
    await end("release", ben, await take(ben));
    const held = await take(ann);
    const claimedAt = new Date(clock.now()).toISOString();
    const seen = async () => (await look(id)).attempts;
    const [given, going] = await seen();
    expect(given).toMatchObject({ agentId: "ben", outcome: "released" });
    expect(going).toMatchObject({ agentId: "ann", attempt: 1, claimedAt, renewedAt: null, endedAt: null });
    await pass(1000);
    await end("renew", ann, held);
    const renewedAt = new Date(clock.now()).toISOString();
    expect(await seen()).toEqual([given, { ...going, renewedAt }]);
    await end("complete", ann, held);
    expect(await seen()).toEqual([given, { ...going, renewedAt, endedAt: renewedAt, outcome: "completed" }]);
  });
});

describe("a dead letter", () => {
  test("a dead letter is opened again by an operator alone, with fresh attempts", async () => {
    const { open, take, end, ask, claim, ann, boss } = await startCrew();
    const id = await open({ maxAttempts: 2 });
    for (let i = 0; i < 2; i++) await end("fail", ann, await take(ann), { error: "no" });
    expect(await ask("POST", `/v1/messages/${id}/requeue`, undefined, boss)).toMatchObject({ status: 403 });
    expect((await ask("POST", `/v1/messages/${id}/requeue`)).body.message.state).toBe("open");
    expect(await ask("POST", `/v1/messages/${id}/requeue`)).toMatchObject({ status: 409, body: { code: "not-open" } });
    const held = await take(ann);
    expect(held.claim.attempt).toBe(1);
    await end("fail", ann, held, { error: "still no" });
    await end("fail", ann, await take(ann), { error: "never" });
    expect(await claim(ann)).toEqual([]);
    expect((await ask("GET", "/v1/dead-letters")).body.items).toMatchObject([{ id, error: "never" }]);
  });

  test("G8: a dead letter for a deleted agent is not opened again, until that agent is restored", async () => {
    const { open, take, end, look, pass, ask, ann } = await startCrew();
    const id = await open({ to: "ann", maxAttempts: 1 });
    await end("fail", ann, await take(ann), { error: "no" });
    await ask("DELETE", "/v1/agents/ann");
    const refused = await ask("POST", `/v1/messages/${id}/requeue`);
    expect(refused.body).toMatchObject({ status: 422, code: "unknown-target" });
    expect(refused.body.detail).toBe(`ann was deleted. Restore it first, or cancel message ${id}.`);
    const { body } = await ask("POST", "/v1/bulk", { action: "requeue", filter: { target: "ann" } });
    await pass(0);
    const bulk = (await ask("GET", `/v1/bulk/${body.id}`)).body;
    expect(bulk).toMatchObject({ done: 0, failed: 1, failures: [{ id: String(id), code: "unknown-target" }] });
    expect((await look(id)).state).toBe("dead");
    await ask("POST", "/v1/agents/ann/restore");
    expect((await ask("POST", `/v1/messages/${id}/requeue`)).body.message.state).toBe("open");
    const token = (await ask("POST", "/v1/tokens", { role: "agent", agentId: "ann" })).body;
    await ask("PUT", "/v1/agents/ann", { name: "ann" }, token);
    expect((await take({ id: "ann", token: token.token })).message.id).toBe(id);
  });

  test("G8: a dead letter for a group without members waits for one, as a message to it does", async () => {
    const { open, take, end, ask, agent, ann, ben } = await startCrew();
    const id = await open({ maxAttempts: 1 });
    await end("fail", ann, await take(ann), { error: "no" });
    for (const one of [ann, ben]) await ask("DELETE", `/v1/agents/${one.id}`);
    expect((await ask("POST", `/v1/messages/${id}/requeue`)).body.message.state).toBe("open");
    const cat = await agent("cat", { tags: ["crew"] });
    expect((await take(cat)).message.id).toBe(id);
  });
});

describe("what an agent holds", () => {
  test("what an agent holds it can list, with tokens, for itself alone: a lost answer costs nothing", async () => {
    const crew = await startCrew();
    const ids = [await crew.open(), await crew.open()];
    const claimed = await crew.claim(crew.ann, { max: 2, leaseSeconds: 60 });
    const listed = await crew.ask("GET", "/v1/agents/ann/claims", undefined, crew.ann);
    expect(listed.body.items).toEqual(claimed);
    expect(await crew.ask("GET", "/v1/agents/ann/claims", undefined, crew.ben)).toMatchObject({ status: 403 });
    await crew.restart();
    const [first] = (await crew.ask("GET", "/v1/agents/ann/claims", undefined, crew.ann)).body.items;
    expect((await crew.end("complete", crew.ann, first)).status).toBe(200);
    expect((await crew.ask("GET", "/v1/agents/ann/claims", undefined, crew.ann)).body.items).toMatchObject([
      { message: { id: ids[1] } },
    ]);
    await crew.pass(61_000);
    expect((await crew.ask("GET", "/v1/agents/ann/claims", undefined, crew.ann)).body.items).toEqual([]);
  });

  test("what an agent holds is open again when the agent is deleted, and counts as an attempt", async () => {
    const { open, take, ask, look, ann, ben } = await startCrew();
    const id = await open();
    await take(ann);
    expect((await ask("DELETE", "/v1/agents/ann")).status).toBeLessThan(300);
    expect(await look(id)).toMatchObject({ state: "open", attempts: [{ agentId: "ann", outcome: "expired" }] });
    expect((await take(ben)).claim.attempt).toBe(2);
  });
});

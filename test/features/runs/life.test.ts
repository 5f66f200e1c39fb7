import { describe, expect, test } from "bun:test";
import { startCrew } from "../../support/runs.ts";

describe("a run that an agent makes for itself", () => {
  test("an agent's own run is running at once, with a token that nobody else sees", async () => {
    const crew = await startCrew();
    const run = await crew.run(crew.bob, { label: "Own" });
    expect(run).toMatchObject({ status: "running", agentId: "bob", depth: 0, requester: null, parentId: null });
    expect(run).toMatchObject({ sessionKey: run.id, rootRunId: run.id, cause: "chat", outcome: null, result: null });
    expect(run.token).toBe(run.turnId.replace("trn_", "rnt_"));
    expect(await crew.see(run, crew.bob)).toEqual(run);
    expect((await crew.see(run)).token).toBe(run.token);
    await crew.finish(crew.bob, run);
  });

  test("a run ends with its finish, and a repeat changes nothing", async () => {
    const crew = await startCrew();
    const run = await crew.run(crew.bob);
    const done = await crew.finish(crew.bob, run, { result: "Done.", links: [{ kind: "commit", ref: "abc" }] });
    expect(done).toMatchObject({ status: "ended", outcome: "ok", result: { text: "Done.", cut: false } });
    expect(done.links).toEqual([{ kind: "commit", ref: "abc", evidence: "said" }]);
    expect(done.turns).toMatchObject([{ turnId: run.turnId, outcome: "ok", late: false }]);
    expect(done).not.toHaveProperty("token");
    expect(await crew.finish(crew.bob, run, { result: "Done." })).toEqual(done);
    const other = await crew.does(crew.bob, run, "finish", { outcome: "error" }, run);
    expect(other).toMatchObject({ status: 409, body: { code: "not-open" } });
    const another = await crew.does(crew.bob, run, "finish", { outcome: "ok", result: "Else." }, run);
    expect(another).toMatchObject({ status: 409, body: { code: "not-open" } });
    expect(await crew.see(run, crew.bob)).toEqual(done);
  });

  test("a runner without, or with a foreign or an old token, changes nothing", async () => {
    const crew = await startCrew();
    const run = await crew.run(crew.bob);
    const foreign = await crew.run(crew.cid);
    for (const verb of ["renew", "finish"])
      for (const token of [undefined, foreign.token, "rnt_", "rnt_nosuchturn", run.turnId]) {
        const refused = await crew.does(crew.bob, run, verb, verb === "finish" ? { outcome: "ok" } : {}, token);
        expect(refused).toMatchObject({ status: 409, body: { code: "claim-lost" } });
      }
    for (const by of [crew.cid, crew.ada]) {
      const refused = await crew.does(by, run, "finish", { outcome: "ok" }, run);
      expect(refused).toMatchObject({ status: 403, body: { code: "forbidden" } });
    }
    expect(await crew.see(run, crew.bob)).toEqual(run);
    await crew.finish(crew.bob, run);
    const late = await crew.does(crew.bob, run, "renew", {}, run);
    expect(late).toMatchObject({ status: 409, body: { code: "claim-lost" } });
    await crew.finish(crew.cid, foreign);
  });

  test("one run of an agent and a session key runs at a time; the refusal names it", async () => {
    const crew = await startCrew();
    const one = await crew.run(crew.bob, { sessionKey: "main" });
    const second = await crew.tryRun(crew.bob, { sessionKey: "main" });
    expect(second).toMatchObject({ status: 409, body: { code: "already-running", runId: one.id } });
    const elsewhere = await crew.run(crew.cid, { sessionKey: "main" });
    await crew.finish(crew.bob, one);
    await crew.finish(crew.cid, elsewhere);
    await crew.finish(crew.bob, await crew.run(crew.bob, { sessionKey: "main" }));
  });

  test("G5: an idempotency key makes a repeat the same run", async () => {
    const crew = await startCrew();
    const key = { "idempotency-key": "k1" };
    const first = await crew.tryRun(crew.bob, { task: "Once." }, key);
    const again = await crew.tryRun(crew.bob, { task: "Once." }, key);
    expect(first.status).toBe(201);
    expect(again).toMatchObject({ status: 200, body: first.body });
    expect(await crew.tryRun(crew.bob, { task: "Twice." }, key)).toMatchObject({
      body: { code: "idempotency-mismatch" },
    });
    await crew.finish(crew.bob, first.body);
  });
});

describe("a run that somebody else asks for", () => {
  test("its agent hears of it by an urgent control message, and takes it once", async () => {
    const crew = await startCrew();
    const run = await crew.run(crew.ada, { agentId: "dan", task: "Read the parser." });
    expect(run).toMatchObject({ status: "queued", agentId: "dan" });
    expect(run).not.toHaveProperty("token");
    const [told] = (await crew.inbox(crew.dan)).slice(-1);
    expect(told).toMatchObject({ kind: "control", from: "system", urgent: true, body: "Read the parser." });
    expect(told.payload.run).toEqual({ id: run.id, turnId: run.turnId, do: "start" });
    expect(told.expiresAt).toBe(run.deadlineAt);
    const refused = await crew.does(crew.ada, run, "start");
    expect(refused).toMatchObject({ status: 403, body: { code: "forbidden" } });
    const taken = await crew.take(crew.dan, run);
    expect(taken).toMatchObject({ status: "running", deadlineAt: null });
    expect(await crew.take(crew.dan, run)).toEqual(taken);
    expect(await crew.finish(crew.dan, taken, { result: "Fine." })).toMatchObject({ status: "ended" });
    expect(await crew.does(crew.dan, run, "start")).toMatchObject({ status: 409, body: { code: "not-open" } });
  });

  test("a queued run waits a day, and ends as no-runner", async () => {
    const crew = await startCrew();
    const run = await crew.run(undefined, { agentId: "dan" });
    await crew.pass(23 * 3_600_000);
    expect(await crew.see(run)).toMatchObject({ status: "queued" });
    await crew.pass(3_601_000);
    expect(await crew.see(run)).toMatchObject({ status: "ended", outcome: "error", errorCode: "no-runner" });
  });

  test("a queued run in a session that is busy is refused until that is free", async () => {
    const crew = await startCrew();
    const busy = await crew.run(crew.dan, { sessionKey: "main" });
    const run = await crew.run(crew.ada, { agentId: "dan", sessionKey: "main" });
    const early = await crew.does(crew.dan, run, "start");
    expect(early).toMatchObject({ status: 409, body: { code: "already-running", runId: busy.id } });
    await crew.finish(crew.dan, busy);
    await crew.finish(crew.dan, await crew.take(crew.dan, run));
  });
});

test("a requester is an agent that is there", async () => {
  const crew = await startCrew();
  await crew.ask("DELETE", "/v1/agents/dan");
  for (const agentId of ["nobody", "dan"]) {
    const refused = await crew.tryRun(undefined, { agentId: "bob", requester: { agentId } });
    expect(refused).toMatchObject({ status: 422, body: { errors: [{ pointer: "/requester/agentId" }] } });
  }
});

describe("the lease of a turn", () => {
  test("G7: a runner that is not heard of any more has lost its run", async () => {
    const crew = await startCrew();
    const run = await crew.run(crew.bob, { leaseSeconds: 60 });
    await crew.pass(50_000);
    expect((await crew.does(crew.bob, run, "renew", {}, run)).status).toBe(200);
    await crew.pass(59_000);
    expect(await crew.see(run)).toMatchObject({ status: "running" });
    await crew.pass(2000);
    expect(await crew.see(run)).toMatchObject({ status: "ended", outcome: "error", errorCode: "lost", late: false });
  });

  test("a timeout ends a run however often its lease is renewed", async () => {
    const crew = await startCrew();
    const run = await crew.run(crew.bob, { timeoutSeconds: 100 });
    await crew.pass(60_000);
    const renewed = await crew.does(crew.bob, run, "renew", { leaseSeconds: 600 }, run);
    expect(renewed.body).toMatchObject({ status: "running", expiresAt: run.deadlineAt });
    await crew.pass(41_000);
    expect(await crew.see(run)).toMatchObject({ status: "ended", outcome: "timeout", errorCode: "timeout" });
  });

  test("one finish after the run was lost is taken as late, and becomes the result", async () => {
    const crew = await startCrew();
    const run = await crew.run(crew.bob);
    await crew.pass(121_000);
    const done = await crew.finish(crew.bob, run, { result: "After all." });
    expect(done).toMatchObject({
      status: "ended",
      outcome: "ok",
      errorCode: null,
      late: true,
      result: { text: "After all." },
    });
    expect(done.turns).toMatchObject([{ outcome: "ok", late: true }]);
    const second = await crew.does(crew.bob, run, "finish", { outcome: "error" }, run);
    expect(second).toMatchObject({ status: 409, body: { code: "not-open" } });
    expect(await crew.see(run, crew.bob)).toEqual(done);
  });

  test("a lost run begins again in a new turn; the late result of the old one is no longer its result", async () => {
    const crew = await startCrew();
    const run = await crew.run(crew.bob);
    expect(await crew.does(crew.bob, run, "start", { again: true })).toMatchObject({
      status: 200,
      body: { token: run.token },
    });
    await crew.pass(121_000);
    const again = await crew.take(crew.bob, run, { again: true });
    expect(again).toMatchObject({ status: "running", outcome: null, errorCode: null });
    expect(again.turnId).not.toBe(run.turnId);
    const late = await crew.finish(crew.bob, { ...again, token: run.token }, { result: "Old." });
    expect(late).toMatchObject({ status: "running", result: null, turns: [{ late: true }, { outcome: null }] });
    const done = await crew.finish(crew.bob, again, { result: "New." });
    expect(done).toMatchObject({ outcome: "ok", result: { text: "New." }, late: false });
    const twice = await crew.does(crew.bob, run, "start", { again: true });
    expect(twice).toMatchObject({ status: 409, body: { code: "not-open" } });
  });
});

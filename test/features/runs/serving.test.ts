import { describe, expect, test } from "bun:test";
import { startCrew } from "../../support/runs.ts";

describe("a run that serves a delegation", () => {
  test("its result answers the asker in the write that ends it, and it has no requester", async () => {
    const crew = await startCrew();
    const asked = await crew.delegate(crew.ada, "bob");
    const run = await crew.run(crew.bob, { messageId: asked.messageId });
    expect(run).toMatchObject({ delegationId: asked.id, depth: 1, requester: null, cause: "message" });
    expect(run.sessionKey).toBe(`msg:${asked.messageId}`);
    await crew.finish(crew.bob, run, { result: "Here." });
    expect(await crew.look(asked)).toMatchObject({ status: "answered", answer: { from: "bob", text: "Here." } });
    expect(await crew.responses(crew.ada)).toMatchObject([{ from: "bob", body: "Here.", replyTo: asked.messageId }]);
    const named = await crew.tryRun(crew.bob, { messageId: asked.messageId, requester: { agentId: "ada" } });
    expect(named.status).toBe(201);
    const open = await crew.delegate(crew.ada, "bob");
    const refused = await crew.tryRun(crew.bob, { messageId: open.messageId, requester: { agentId: "ada" } });
    expect(refused).toMatchObject({ status: 422, body: { errors: [{ pointer: "/requester" }] } });
  });

  test("a failure that the runner reports is its answer", async () => {
    const crew = await startCrew();
    const asked = await crew.delegate(crew.ada, "bob");
    const run = await crew.run(crew.bob, { messageId: asked.messageId });
    await crew.finish(crew.bob, run, { outcome: "error", errorCode: "refused", error: "Too risky." });
    expect(await crew.look(asked)).toMatchObject({ status: "failed", answer: { from: "bob", error: "Too risky." } });
  });

  test("a lost run fails it in the relay's name, and the late result is its late answer", async () => {
    const crew = await startCrew();
    const asked = await crew.delegate(crew.ada, "bob", { timeoutSeconds: 3600 });
    const run = await crew.run(crew.bob, { messageId: asked.messageId });
    await crew.pass(121_000);
    expect(await crew.look(asked)).toMatchObject({ status: "failed", late: false, answer: { from: "system" } });
    await crew.finish(crew.bob, run, { result: "After all." });
    expect(await crew.look(asked)).toMatchObject({ late: true, answer: { from: "bob", text: "After all." } });
    expect(await crew.responses(crew.ada)).toHaveLength(2);
  });

  test("the asker tells and stops it; an abort that ends it fails the delegation", async () => {
    const crew = await startCrew();
    const asked = await crew.delegate(crew.ada, "bob");
    const run = await crew.run(crew.bob, { messageId: asked.messageId });
    expect((await crew.does(crew.ada, run, "messages", { text: "Be quick." })).status).toBe(200);
    expect((await crew.does(crew.ada, run, "abort")).body.status).toBe("stopping");
    await crew.finish(crew.bob, run, { outcome: "aborted" });
    expect(await crew.look(asked)).toMatchObject({ status: "failed" });
  });

  test("a delegation that a run makes hangs on it, and so do the run that serves it and its depth", async () => {
    const crew = await startCrew();
    const asked = await crew.delegate(crew.ada, "bob");
    const run = await crew.run(crew.bob, { messageId: asked.messageId });
    await crew.ack(crew.bob);
    const below = await crew.delegate(crew.bob, "cid");
    expect(below).toMatchObject({ parentId: run.id, rootId: asked.id, depth: 2 });
    const child = await crew.run(crew.cid, { messageId: below.messageId });
    expect(child).toMatchObject({ parentId: run.id, rootRunId: run.id, depth: 2, delegationId: below.id });
    const back = await crew.tryDelegate(crew.cid, "ada", { parentId: below.id });
    expect(back).toMatchObject({ status: 422, body: { code: "cycle" } });
    const cancelled = await crew.on(asked, "cancel", crew.ada, { tree: true });
    expect(cancelled.body.cancelled).toEqual([asked.id, below.id]);
  });

  test("the header Signalbox-Run names the run that a delegation hangs on; a wrong one is refused", async () => {
    const crew = await startCrew();
    const run = await crew.run(crew.bob);
    const ask = (by: typeof crew.bob, token: string) =>
      crew.ask(
        "POST",
        "/v1/delegations",
        { to: "cid", text: "please" },
        { ...by, headers: { "signalbox-run": token } },
      );
    expect((await ask(crew.bob, run.token)).body).toMatchObject({ parentId: run.id, rootId: run.id, depth: 1 });
    expect(await ask(crew.ada, run.token)).toMatchObject({ status: 403 });
    await crew.finish(crew.bob, run);
    for (const token of [run.token, "rnt_none", "x"])
      expect(await ask(crew.bob, token)).toMatchObject({ status: 409, body: { code: "claim-lost" } });
  });
});

describe("a run on held work", () => {
  const send = (crew: Awaited<ReturnType<typeof startCrew>>) =>
    crew.ask("POST", "/v1/messages", { to: "tag:pool", body: "Do it.", claimable: true }, crew.ada);

  test("its result completes the work", async () => {
    const crew = await startCrew();
    await send(crew);
    const { message } = await crew.claim(crew.pat);
    const run = await crew.run(crew.pat, { messageId: message.id });
    expect(run).toMatchObject({ delegationId: null, requester: null });
    await crew.finish(crew.pat, run, { result: "Did it." });
    expect((await crew.ask("GET", `/v1/messages/${message.id}`)).body.state).toBe("done");
    expect(await crew.responses(crew.ada)).toMatchObject([{ from: "pat", body: "Did it.", replyTo: message.id }]);
  });

  test("a runner that gives it back as lost leaves it to others at once", async () => {
    const crew = await startCrew();
    await send(crew);
    const { message } = await crew.claim(crew.pat);
    const run = await crew.run(crew.pat, { messageId: message.id });
    await crew.finish(crew.pat, run, { outcome: "error", errorCode: "lost", error: "It was cut off 4 times." });
    expect((await crew.ask("GET", `/v1/messages/${message.id}`)).body.state).toBe("open");
    expect((await crew.claim(crew.pia)).message.id).toBe(message.id);
  });

  test("a failure counts as an attempt, and leaves it to others; a lost runner's lease ends by itself", async () => {
    const crew = await startCrew();
    await send(crew);
    const { message } = await crew.claim(crew.pat);
    await crew.finish(crew.pat, await crew.run(crew.pat, { messageId: message.id }), { outcome: "error" });
    expect((await crew.ask("GET", `/v1/messages/${message.id}`)).body.state).toBe("open");
    await crew.claim(crew.pia);
    const run = await crew.run(crew.pia, { messageId: message.id });
    await crew.pass(121_000);
    expect(await crew.see(run)).toMatchObject({ errorCode: "lost" });
    expect((await crew.ask("GET", `/v1/messages/${message.id}`)).body.state).toBe("claimed");
  });

  test("a delegation to a group is answered by the run of the member that took it", async () => {
    const crew = await startCrew();
    const asked = await crew.delegate(crew.ada, "tag:pool");
    await crew.claim(crew.pat);
    const run = await crew.run(crew.pat, { messageId: asked.messageId });
    expect(run).toMatchObject({ delegationId: asked.id });
    await crew.finish(crew.pat, run, { result: "Here." });
    expect(await crew.look(asked)).toMatchObject({ status: "answered", answer: { from: "pat", text: "Here." } });
    expect(await crew.responses(crew.ada)).toHaveLength(1);
  });
});

describe("an agent that knows nothing of runs", () => {
  test("an agent ends a queued run by replying to the word that it waits", async () => {
    const crew = await startCrew();
    const run = await crew.run(crew.ada, { agentId: "bob", task: "How many?" });
    const told = (await crew.inbox(crew.bob)).at(-1);
    const other = { to: "system", body: "Something else." };
    await crew.ask("POST", "/v1/messages", other, crew.bob);
    expect(await crew.see(run)).toMatchObject({ status: "queued" });
    const reply = { to: "system", body: "Forty-two.", replyTo: told.id };
    expect((await crew.ask("POST", "/v1/messages", reply, crew.bob)).status).toBe(201);
    expect(await crew.see(run)).toMatchObject({ status: "ended", outcome: "ok", result: { text: "Forty-two." } });
    expect((await crew.ask("POST", "/v1/messages", { ...reply, body: "Again." }, crew.bob)).status).toBe(201);
    expect(await crew.see(run)).toMatchObject({ result: { text: "Forty-two." } });
  });

  test("an agent ends a queued run by replying to its message; a request is answered once", async () => {
    const crew = await startCrew();
    const asked = await crew.delegate(crew.ada, "bob");
    const run = await crew.run(undefined, { agentId: "bob", messageId: asked.messageId });
    expect(run).toMatchObject({ status: "queued", delegationId: asked.id });
    expect((await crew.reply(crew.bob, asked)).status).toBe(201);
    expect(await crew.see(run)).toMatchObject({ status: "ended", outcome: "ok", result: { text: "here" } });
    expect(await crew.look(asked)).toMatchObject({ status: "answered" });
    expect(await crew.responses(crew.ada)).toHaveLength(1);
  });

  test("a reply that is silent leaves a run queued that owes a result", async () => {
    const crew = await startCrew();
    const run = await crew.run(crew.ada, { agentId: "bob", expectsResult: true });
    const { id: replyTo } = (await crew.inbox(crew.bob)).at(-1);
    await crew.ask("POST", "/v1/messages", { to: "system", body: "NO_REPLY", replyTo }, crew.bob);
    expect(await crew.see(run)).toMatchObject({ status: "queued" });
  });
});

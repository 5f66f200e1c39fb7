import { describe, expect, test } from "bun:test";
import { VERSION } from "../../../src/version.ts";
import { startCrew } from "../../support/runs.ts";

const CHAT = { channelId: "telegram:main", conversationId: "42" };

describe("the parent of a run", () => {
  test("it is named, else the run in the header, else the only one that runs; a foreign one is refused", async () => {
    const crew = await startCrew();
    const one = await crew.run(crew.bob);
    const guessed = await crew.run(crew.bob, { agentId: "cid" });
    expect(guessed).toMatchObject({ parentId: one.id, requester: { runId: one.id }, cause: "spawn", depth: 1 });
    const two = await crew.run(crew.bob, { cause: "chat" });
    expect(two).toMatchObject({ parentId: null, requester: null });
    expect(await crew.run(crew.bob, { agentId: "cid" })).toMatchObject({
      parentId: null,
      requester: null,
      cause: "chat",
    });
    const named = await crew.run(crew.bob, { agentId: "cid", parentId: two.id }, { "signalbox-run": one.token });
    expect(named).toMatchObject({ parentId: two.id, requester: { runId: two.id } });
    expect(await crew.tryRun(crew.ada, { agentId: "cid", parentId: two.id })).toMatchObject({ status: 403 });
    expect(await crew.tryRun(crew.ada, { agentId: "cid" }, { "signalbox-run": two.token })).toMatchObject({
      status: 403,
    });
    const missing = await crew.tryRun(crew.bob, { agentId: "cid", parentId: "run_none" });
    expect(missing).toMatchObject({ status: 422, body: { errors: [{ pointer: "/parentId" }] } });
    await crew.finish(crew.bob, two, { outcome: "error" });
    expect(await crew.tryRun(crew.bob, { agentId: "cid", parentId: two.id })).toMatchObject({
      status: 409,
      body: { code: "not-open" },
    });
    for (const token of [two.token, "rnt_none", ""])
      expect(await crew.tryRun(crew.bob, { agentId: "cid" }, { "signalbox-run": token })).toMatchObject({
        status: 409,
        body: { code: "claim-lost" },
      });
  });

  test("an agent that works on a delegation of a run may name that run", async () => {
    const crew = await startCrew();
    const run = await crew.run(crew.bob);
    const headers = { "signalbox-run": run.token };
    await crew.ask("POST", "/v1/delegations", { to: "cid", text: "please" }, { ...crew.bob, headers });
    expect(await crew.run(crew.cid, { agentId: "dan", parentId: run.id })).toMatchObject({
      ...{ parentId: run.id, rootRunId: run.id, requester: { runId: run.id } },
    });
    expect(await crew.tryRun(crew.dan, { agentId: "ada", parentId: run.id })).toMatchObject({ status: 403 });
  });

  test("an agent's further run of its own is no spawn, unless it says so", async () => {
    const crew = await startCrew();
    const main = await crew.run(crew.bob, { sessionKey: "main" });
    expect(await crew.run(crew.bob, { sessionKey: "side" })).toMatchObject({ requester: null, depth: 0 });
    const spawned = await crew.run(crew.bob, { cause: "spawn", sessionKey: "bg:1" }, { "signalbox-run": main.token });
    expect(spawned).toMatchObject({ status: "running", requester: { runId: main.id }, depth: 1 });
  });

  test("project and person go down the tree", async () => {
    const crew = await startCrew();
    const top = await crew.run(crew.bob, { project: "git@host:app", tags: ["ui", "ui"] });
    expect(top.tags).toEqual(["ui"]);
    const child = await crew.run(crew.bob, { agentId: "cid" });
    expect(child).toMatchObject({ project: "git@host:app", tags: [] });
    const { items } = (await crew.ask("GET", "/v1/runs?project=git@host:app")).body;
    expect(items.map(({ id }: { id: string }) => id)).toEqual([child.id, top.id]);
  });
});

describe("the requester of a run", () => {
  test("an agent names the sender of the message, its chat, its parent, or itself; an operator anybody", async () => {
    const crew = await startCrew();
    const { id: messageId } = (await crew.ask("POST", "/v1/messages", { to: "bob", body: "Hello." }, crew.ada)).body;
    const refused = async (requester: object, code: string, by: typeof crew.bob | undefined = crew.bob) => {
      const { body } = await crew.tryRun(by, { agentId: "bob", messageId, requester, sessionKey: "x" });
      expect(body).toMatchObject({ code });
    };
    for (const requester of [{ agentId: "cid" }, { agentId: "user" }, { conversation: CHAT }])
      await refused(requester, "forbidden");
    await refused({ agentId: "bob" }, "invalid");
    await refused({ runId: "run_none" }, "invalid");
    expect(await crew.run(crew.bob, { messageId, requester: { agentId: "ada" } })).toMatchObject({
      requester: { agentId: "ada" },
    });
    const own = { agentId: "dan", requester: { agentId: "cid" } };
    expect(await crew.run(crew.cid, own)).toMatchObject({ status: "queued", requester: { agentId: "cid" } });
    for (const requester of [{ agentId: "user" }, { agentId: "cid" }, { conversation: CHAT }])
      expect(await crew.run(undefined, { agentId: "bob", requester })).toMatchObject({ requester });
    const other = await crew.run(crew.ada, { cause: "chat" });
    expect(await crew.tryRun(crew.bob, { agentId: "cid", requester: { runId: other.id } })).toMatchObject({
      status: 403,
    });
    expect(await crew.run(undefined, { agentId: "cid", requester: { runId: other.id } })).toMatchObject({
      parentId: other.id,
    });
  });

  test("a run on a message that ends something has none", async () => {
    const crew = await startCrew();
    const asked = await crew.delegate(crew.ada, "bob");
    await crew.reply(crew.bob, asked);
    const [answer] = await crew.responses(crew.ada);
    const refused = await crew.tryRun(crew.ada, { messageId: answer.id, requester: { agentId: "bob" } });
    expect(refused).toMatchObject({ status: 422, body: { errors: [{ pointer: "/requester" }] } });
    expect(await crew.run(crew.ada, { messageId: answer.id })).toMatchObject({ requester: null });
  });

  test("a run names an agent that can run, and a message that both may read", async () => {
    const crew = await startCrew();
    expect(await crew.tryRun(undefined)).toMatchObject({ status: 422, body: { errors: [{ pointer: "/agentId" }] } });
    for (const agentId of ["nobody", "bobb"])
      expect(await crew.tryRun(crew.ada, { agentId })).toMatchObject({ status: 422, body: { code: "unknown-target" } });
    for (const agentId of ["user", "system"])
      expect(await crew.tryRun(crew.ada, { agentId })).toMatchObject({ status: 422, body: { code: "invalid" } });
    const { id: messageId } = (await crew.ask("POST", "/v1/messages", { to: "bob", body: "Secret." }, crew.ada)).body;
    expect(await crew.tryRun(crew.cid, { messageId })).toMatchObject({ status: 403 });
    expect(await crew.tryRun(crew.ada, { agentId: "cid", messageId })).toMatchObject({ status: 422 });
    const viewer = (await crew.ask("POST", "/v1/tokens", { role: "viewer" })).body;
    expect(await crew.tryRun({ id: "", token: viewer.token }, { agentId: "bob" })).toMatchObject({ status: 403 });
  });

  test("nobody writes payload.run but the relay", async () => {
    const crew = await startCrew();
    const payload = { run: { id: "run_x", turnId: "trn_x", do: "start" } };
    const sent = await crew.ask("POST", "/v1/messages", { to: "bob", body: "Go.", payload }, crew.ada);
    expect(sent).toMatchObject({ status: 422, body: { code: "reserved" } });
  });
});

describe("reading runs", () => {
  test("a run is read by its agent, those above it, and the readers of its message; others do not find it", async () => {
    const crew = await startCrew();
    const { id: messageId } = (await crew.ask("POST", "/v1/messages", { to: "cid", body: "Hello." }, crew.ada)).body;
    const top = await crew.run(crew.bob);
    const run = await crew.take(crew.cid, await crew.run(crew.bob, { agentId: "cid" }));
    const own = await crew.run(crew.cid, { messageId });
    const seen = async (by: typeof crew.ada) => {
      const { items } = (await crew.ask("GET", "/v1/runs", undefined, by)).body;
      return items.map(({ id }: { id: string }) => id);
    };
    expect(await seen(crew.ada)).toEqual([own.id]);
    expect(await seen(crew.bob)).toEqual([run.id, top.id]);
    expect(await seen(crew.cid)).toEqual([own.id, run.id]);
    expect(await seen(crew.dan)).toEqual([]);
    const status = async (by: typeof crew.ada, path: string) => (await crew.ask("GET", path, undefined, by)).status;
    expect(await status(crew.dan, `/v1/runs/${run.id}`)).toBe(403);
    expect(await status(crew.ada, `/v1/runs/${own.id}`)).toBe(200);
    expect(await status(crew.ada, `/v1/runs/${own.id}/events`)).toBe(403);
    expect(await status(crew.dan, `/v1/runs/${run.id}/tree`)).toBe(403);
    expect(await status(crew.dan, "/v1/runs/run_none")).toBe(404);
    expect((await crew.see(own, crew.ada)).token).toBeUndefined();
  });

  test("lists are filtered by each of their filters, and paged", async () => {
    const crew = await startCrew();
    const { id: messageId } = (await crew.ask("POST", "/v1/messages", { to: "bob", body: "Hello." }, crew.ada)).body;
    const requester = { conversation: { ...CHAT, threadId: "7" } };
    const one = await crew.run(crew.bob, { messageId, sessionId: "ses_1", tags: ["a"] });
    const two = await crew.run(undefined, { agentId: "cid", sessionKey: "main", requester, tags: ["b"] });
    const ids = async (query: string) => {
      const { items } = (await crew.ask("GET", `/v1/runs?${query}`)).body;
      return items.map(({ id }: { id: string }) => id);
    };
    for (const query of [
      "agent=bob",
      "status=running",
      `message=${messageId}`,
      `thread=${messageId}`,
      "sessionId=ses_1",
      "tag=a",
    ])
      expect([query, await ids(query)]).toEqual([query, [one.id]]);
    const chat = encodeURIComponent("telegram:main/42/7");
    for (const query of ["agent=cid", "status=queued", "sessionKey=main", `requester=${chat}`, "tag=b"])
      expect([query, await ids(query)]).toEqual([query, [two.id]]);
    for (const query of ["status=ended", "person=per_1", `parent=${one.id}`, "tag=c"])
      expect(await ids(query)).toEqual([]);
    const first = (await crew.ask("GET", "/v1/runs?limit=1")).body;
    expect(first.items).toMatchObject([{ id: two.id }]);
    expect(await ids(`limit=1&page=${first.nextPage}`)).toEqual([one.id]);
  });

  test("an orchestrator runs what its agents run, and no other", async () => {
    const crew = await startCrew();
    const fleet = { hostname: "box", version: VERSION, providers: [], baseDir: "/srv" };
    const { token } = (
      await crew.ask("POST", "/v1/tokens", { role: "orchestrator", agentId: "orchestrator-fleet", prefix: "fleet-" })
    ).body;
    const daemon = { id: "orchestrator-fleet", token };
    const registered = await crew.ask("PUT", "/v1/orchestrators/fleet", fleet, daemon);
    expect(registered.status).toBe(201);
    const enrolled = await crew.ask("PUT", "/v1/agents/fleet-one", { name: "one" }, daemon);
    expect(enrolled.status).toBe(201);
    await crew.agent("fleet-two");
    const run = await crew.run(daemon, { agentId: "fleet-one" });
    expect(run).toMatchObject({ status: "running", orchestratorId: "fleet", agentId: "fleet-one" });
    expect((await crew.see(run, daemon)).token).toBe(run.token);
    expect(await crew.finish(daemon, run)).toMatchObject({ status: "ended" });
    expect(await crew.run(daemon, { agentId: "fleet-two" })).toMatchObject({ status: "queued" });
    const other = await crew.run(crew.ada, { agentId: "fleet-two" });
    expect(await crew.does(daemon, other, "start")).toMatchObject({ status: 403 });
  });
});

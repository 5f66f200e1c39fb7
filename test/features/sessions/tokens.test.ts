import { describe, expect, test } from "bun:test";
import { VERSION } from "../../../src/version.ts";
import { wanted } from "../../support/approvals.ts";
import { connect } from "../../support/mcp.ts";
import { startFleet } from "../../support/sessions.ts";

async function withSession() {
  const fleet = await startFleet();
  const { ask, put, lease, box } = fleet;
  const boss = await fleet.agent("boss");
  await put(box, "ses_a");
  const { fence } = await lease(box, "ses_a");
  const tokenFor = (draft: object = {}, by: { token: string } | undefined = box) =>
    ask("POST", "/v1/tokens", { role: "agent", agentId: "box-one", sessionId: "ses_a", ...draft }, by);
  const made = (await tokenFor()).body;
  return {
    ...fleet,
    boss,
    fence,
    tokenFor,
    session: { token: made.token as string },
    works: async () => (await ask("GET", "/v1/whoami", undefined, { token: made.token })).status === 200,
    send: async (fields: object = {}): Promise<number> =>
      (await ask("POST", "/v1/messages", { to: "box-one", body: "Count the lanterns", ...fields }, boss)).body.id,
  };
}

describe("a token of one session", () => {
  test("G10: a token of one session is made by the orchestrator that runs it, for its agent, and by operators", async () => {
    const { tokenFor, ask, put, session, orchestrator, enroll, box, one } = await withSession();
    expect((await ask("GET", "/v1/whoami", undefined, session)).body).toMatchObject({
      ...{ role: "agent", agentId: "box-one", sessionId: "ses_a", groups: [] },
    });
    const rack = await orchestrator("rack");
    await enroll(rack, "rack-one");
    for (const [by, draft] of [
      [rack, {}],
      [rack, { agentId: "rack-one" }],
      [one, {}],
      [session, {}],
      [box, { agentId: "box-two" }],
      [box, { sessionId: "ses_none" }],
      [box, { groups: ["*"] }],
      [box, { sessionId: undefined }],
      [box, { role: "operator", agentId: undefined, sessionId: undefined }],
    ] as const)
      expect((await tokenFor(draft, by)).status).toBeOneOf([403, 422]);
    await put(box, "ses_dead", { state: "dead" });
    expect((await tokenFor({ sessionId: "ses_dead" })).body.errors[0].pointer).toBe("/sessionId");
    expect((await tokenFor({}, {} as { token: string })).status).toBe(201);
    expect((await tokenFor({ role: "viewer", agentId: undefined })).status).toBe(422);
  });

  test("G14: a token of one session takes back and hands over no question of its orchestrator's", async () => {
    const { ask, session, box } = await withSession();
    const asked = (await ask("POST", "/v1/approvals", wanted("make", { agentId: "box-one" }), box)).body;
    const to = (verb: string) => `/v1/approvals/${asked.id}/${verb}`;
    expect((await ask("POST", to("withdraw"), {}, session)).status).toBe(403);
    expect((await ask("POST", to("applied"), { ok: true }, session)).status).toBe(403);
    expect((await ask("GET", `/v1/approvals/${asked.id}`)).body).toMatchObject({ state: "pending", applied: null });
    expect((await ask("POST", to("withdraw"), {}, box)).body.state).toBe("withdrawn");
  });

  test("a token of one session deletes no agent", async () => {
    const { ask, session } = await withSession();
    expect((await ask("DELETE", "/v1/agents/box-one", undefined, session)).status).toBe(403);
    expect((await ask("GET", "/v1/agents/box-one")).status).toBe(200);
  });

  test("G3: a token of one session reads the inbox and acknowledges nothing, by no way", async () => {
    const { session, send, ask, box } = await withSession();
    const id = await send();
    const own = (method: string, path: string, body?: object) => ask(method, path, body, session);
    expect((await own("GET", "/v1/agents/box-one/inbox")).body.items).toHaveLength(1);
    for (const [method, path, body] of [
      ["POST", "/v1/agents/box-one/inbox/ack", { upTo: id }],
      ["GET", `/v1/agents/box-one/inbox?ackUpTo=${id}`, undefined],
    ] as const)
      expect((await own(method, path, body)).body.code).toBe("forbidden");
    const headers = { "last-event-id": String(id) };
    const stream = await ask("GET", "/v1/agents/box-one/inbox/stream?ack=resume", undefined, { ...session, headers });
    expect(stream.status).toBe(403);
    expect((await ask("GET", "/v1/agents/box-one/inbox", undefined, box)).body.cursor).toBe(0);
    const acked = await ask("POST", "/v1/agents/box-one/inbox/ack", { upTo: id }, box);
    expect(acked.body.cursor).toBe(id);
  });

  test("G3: MCP tools with a token of one session show the inbox, and leave the cursor where it is", async () => {
    const fleet = await withSession();
    const id = await fleet.send();
    const peer = await connect(fleet, fleet.session.token);
    const first = await peer.call("inbox");
    expect([first.facts.unread, first.facts.ack]).toEqual([1, undefined]);
    expect(first.text).toContain("Count the lanterns");
    expect(first.text).not.toContain("When dealt with");
    const again = await peer.call("inbox", { ack: id });
    expect([again.isError, again.facts.unread]).toEqual([false, 1]);
    expect((await fleet.ask("GET", "/v1/agents/box-one/inbox")).body.cursor).toBe(0);
    const own = await connect(fleet, fleet.one.token);
    expect((await own.call("inbox")).facts.ack).toBe(id);
  });

  test("a token of one session sends, claims, delegates and runs as its agent", async () => {
    const { session, send, ask } = await withSession();
    const id = await send({ claimable: true });
    const own = (path: string, body: object) => ask("POST", path, body, session);
    const { claim } = (await own(`/v1/messages/${id}/claim`, {})).body;
    expect((await own(`/v1/messages/${id}/complete`, { token: claim.token })).status).toBe(200);
    expect((await own("/v1/messages", { to: "boss", body: "x" })).body.from).toBe("box-one");
    expect((await own("/v1/delegations", { to: "boss", text: "x" })).status).toBe(201);
    expect((await own("/v1/runs", { task: "x" })).status).toBe(201);
  });

  test("the live run of a session is the parent of what its tools ask for, and the cause of work that they send", async () => {
    const { session, box, boss, ask, send, put, lease, tokenFor } = await withSession();
    const messageId = await send();
    const fields = { agentId: "box-one", sessionId: "ses_a", orchestratorId: "box", messageId, sessionKey: "main" };
    const run = (await ask("POST", "/v1/runs", { ...fields, task: "Count" }, box)).body;
    // A second one makes the agent's only running run no guess.
    await ask("POST", "/v1/runs", { agentId: "box-one", task: "Beside", sessionKey: "beside", cause: "message" }, box);
    const own = async (path: string, body: object) => (await ask("POST", path, body, session)).body;
    const asked = await own("/v1/delegations", { to: "boss", text: "x" });
    expect(asked).toMatchObject({ parentId: run.id, rootId: run.id, depth: 1 });
    await ask("POST", `/v1/delegations/${asked.id}/response`, { text: "y" }, boss);
    await put(box, "ses_b");
    await lease(box, "ses_b");
    for (const [reader, settled] of [
      [{ token: (await tokenFor({ sessionId: "ses_b" })).body.token }, undefined],
      [session, true],
    ] as const) {
      expect((await ask("GET", `/v1/delegations/${asked.id}`, undefined, reader)).body.answer.text).toBe("y");
      const { items } = (await ask("GET", "/v1/agents/box-one/inbox?kind=response", undefined, box)).body;
      expect([items[0].settled, items[0].payload.delegation.runId]).toEqual([settled, run.id]);
    }
    const work = await own("/v1/messages", { to: "boss", body: "x", claimable: true });
    expect(work.causedBy).toBe(messageId);
    const spawn = await own("/v1/runs", { agentId: "box-two", task: "x" });
    expect([spawn.parentId, spawn.depth]).toEqual([run.id, 1]);
    const about = { hostname: "box", version: VERSION, baseDir: "/work", approvalMode: "open", spawners: ["*"] };
    await ask("PUT", "/v1/orchestrators/box", { ...about, providers: [{ name: "claude", capabilities: [] }] }, box);
    const command = { command: { do: "spawn", provider: "claude", prompt: "x" } };
    expect(await own("/v1/orchestrators/box/commands", command)).toMatchObject({ parentId: run.id, depth: 1 });
  });

  test("an answer that a session has read is settled for its agent, and a later one is not", async () => {
    const { session, boss, ask, one } = await withSession();
    const asked = (await ask("POST", "/v1/delegations", { to: "boss", text: "x", timeoutSeconds: 60 }, session)).body;
    const path = `/v1/delegations/${asked.id}`;
    const inbox = async () =>
      (await ask("GET", "/v1/agents/box-one/inbox?kind=response", undefined, session)).body.items.map(
        ({ body, settled }: { body: string; settled?: true }) => [body, settled],
      );
    await ask("POST", `${path}/response`, { error: "Not now." }, boss);
    await ask("GET", path, undefined, one);
    expect(await inbox()).toEqual([["Not now.", undefined]]);
    for (let times = 0; times < 2; times++) await ask("GET", `${path}?waitSeconds=5`, undefined, session);
    expect(await inbox()).toEqual([["Not now.", true]]);
    const forged = { payload: { delegation: { runId: "run_x" } } };
    const second = (await ask("POST", "/v1/delegations", { to: "boss", text: "y" }, session)).body;
    expect((await ask("POST", `/v1/delegations/${second.id}/response`, forged, boss)).body.code).toBe("reserved");
    await ask("POST", `/v1/delegations/${second.id}/response`, { text: "Seven." }, boss);
    expect(await inbox()).toEqual([
      ["Not now.", true],
      ["Seven.", undefined],
    ]);
  });

  test("G12: a token of one session ends with its process: by a release, a death, another lease, and its agent", async () => {
    for (const end of ["release", "dead", "seenDead", "force", "agent", "orchestrator"] as const) {
      const { works, does, put, lease, ask, fence, box } = await withSession();
      expect(await works()).toBe(true);
      await put(box, "ses_a", { state: "working", fence });
      await does(box, "ses_a", "renew", { fence });
      expect(await works()).toBe(true);
      if (end === "release") await does(box, "ses_a", "release", { fence });
      if (end === "dead") await put(box, "ses_a", { state: "dead", fence });
      if (end === "seenDead") await lease(box, "ses_a", { seenDead: true });
      if (end === "force") await does(undefined, "ses_a", "lease", { force: true });
      if (end === "agent") await ask("DELETE", "/v1/agents/box-one", undefined, box);
      if (end === "orchestrator") await ask("DELETE", "/v1/orchestrators/box");
      expect([end, await works()]).toEqual([end, false]);
    }
  });

  test("an agent may still be enrolled again by its orchestrator while a token of one session is used", async () => {
    const { works, ask, box } = await withSession();
    await works();
    const again = await ask("PUT", "/v1/agents/box-one", { name: "one" }, box);
    expect([again.status, typeof again.body.token]).toEqual([200, "string"]);
  });
});

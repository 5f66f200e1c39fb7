import { describe, expect, test } from "bun:test";
import { listen } from "../../support/listen.ts";
import { startReceiver } from "../../support/receiver.ts";
import { startFleet } from "../../support/sessions.ts";
import { openStream } from "../../support/stream.ts";
import { until } from "../../support/until.ts";

const DAY_MS = 86_400_000;

describe("a session that its orchestrator reports", () => {
  test("a session is made and changed by one verb: what is left out stays, null clears", async () => {
    const { tryPut, see, box, one } = await startFleet();
    const said = {
      ...{ name: "fix the build", cwd: "/work/app", home: "box:/root/.claude", project: "github.com/acme/app" },
      ...{ tags: ["ci"], model: "opus", reason: "It begins.", evidence: { spawned: true }, pid: 4711, queued: 2 },
      place: { conversation: { channelId: "telegram:main", conversationId: "7" } },
      startedAt: "2026-03-01T11:00:00+01:00",
    };
    const first = await tryPut(box, "ses_a1", said);
    expect(first.status).toBe(201);
    expect(first.body).toMatchObject({
      ...said,
      ...{ id: "ses_a1", agentId: "box-one", orchestratorId: "box", state: "starting", nativeId: null, lease: null },
      ...{ startedAt: "2026-03-01T10:00:00.000Z", lastEventAt: null, endedAt: null, account: null, usage: null },
    });
    const again = await tryPut(box, "ses_a1", { nativeId: "n-1", state: "working", reason: null, name: "the build" });
    expect(again.status).toBe(200);
    expect(await see("ses_a1", one)).toMatchObject({
      ...{ nativeId: "n-1", state: "working", reason: null, name: "the build", cwd: "/work/app", queued: 2 },
    });
  });

  test("a native id of one provider and home belongs to one session", async () => {
    const { tryPut, put, box } = await startFleet();
    await put(box, "ses_a", { home: "box:/root/.claude", nativeId: "n-1" });
    const same = await tryPut(box, "ses_b", { home: "box:/root/.claude", nativeId: "n-1" });
    expect([same.status, same.body.code]).toEqual([409, "conflict"]);
    expect(same.body.detail).toContain("ses_a");
    await put(box, "ses_b", { home: "box:/home/eve/.claude", nativeId: "n-1" });
    await put(box, "ses_c", { home: "box:/root/.claude", nativeId: "n-1", provider: "codex" });
    await put(box, "ses_d", { nativeId: null });
    await put(box, "ses_e", { nativeId: null });
    const late = await tryPut(box, "ses_d", { home: "box:/root/.claude", nativeId: "n-1" });
    expect(late.body.code).toBe("conflict");
  });

  test("G10: its orchestrator alone reports a session, for agents that it enrolled", async () => {
    const { tryPut, put, does, orchestrator, agent, box, one, ask } = await startFleet();
    await put(box, "ses_a");
    const rack = await orchestrator("rack");
    const stranger = await agent("box-stranger");
    const member = (await ask("POST", "/v1/tokens", { role: "member" })).body;
    for (const by of [undefined, one, stranger, member])
      expect((await tryPut(by, "ses_b")).body.code).toBe("forbidden");
    for (const by of [undefined, one, member, rack])
      expect((await does(by, "ses_a", "release", { fence: 0 })).body.code).toBe("forbidden");
    expect((await tryPut(rack, "ses_a", { agentId: "box-one" })).body.code).toBe("forbidden");
    expect((await tryPut(box, "ses_b", { agentId: "box-stranger" })).body.code).toBe("forbidden");
    expect((await tryPut(box, "ses_b", { agentId: "orchestrator-box" })).body.code).toBe("forbidden");
    expect((await tryPut(box, "ses_b", { agentId: "box-nobody" })).body.errors[0].pointer).toBe("/agentId");
  });

  test("G10: people read every session, an orchestrator and an agent their own", async () => {
    const { put, see, ask, orchestrator, enroll, box, one, two } = await startFleet();
    const rack = await orchestrator("rack");
    await enroll(rack, "rack-one");
    await put(box, "ses_a");
    await put(box, "ses_b", { agentId: "box-two", lane: "background" });
    await put(rack, "ses_c", { agentId: "rack-one", project: "p" });
    const ids = async (query = "", by?: { token: string }) => {
      const { status, body } = await ask("GET", `/v1/sessions${query}`, undefined, by);
      return status === 200 ? body.items.map(({ id }: { id: string }) => id) : body.code;
    };
    const viewer = (await ask("POST", "/v1/tokens", { role: "viewer" })).body;
    expect(await ids()).toEqual(["ses_c", "ses_b", "ses_a"]);
    expect(await ids("?lane=background", viewer)).toEqual(["ses_b"]);
    expect(await ids("?project=p")).toEqual(["ses_c"]);
    expect(await ids("?agent=box-two")).toEqual(["ses_b"]);
    expect(await ids("", box)).toEqual(["ses_b", "ses_a"]);
    expect(await ids("?agent=box-two", box)).toEqual(["ses_b"]);
    expect(await ids("", two)).toEqual(["ses_b"]);
    expect(await ids("?agent=box-two", one)).toBe("forbidden");
    expect(await ids("?orchestrator=box", rack)).toBe("forbidden");
    expect((await see("ses_a", one)).id).toBe("ses_a");
    for (const [id, by] of [
      ["ses_a", two],
      ["ses_a", rack],
      ["ses_c", box],
    ] as const)
      expect((await ask("GET", `/v1/sessions/${id}`, undefined, by)).status).toBe(403);
    expect((await ask("GET", "/v1/sessions/ses_none")).status).toBe(404);
  });

  test("sessions are listed in pages, newest first", async () => {
    const { put, ask, box } = await startFleet();
    for (const id of ["ses_1", "ses_2", "ses_3"]) await put(box, id);
    const first = (await ask("GET", "/v1/sessions?limit=2")).body;
    expect(first.items.map(({ id }: { id: string }) => id)).toEqual(["ses_3", "ses_2"]);
    const rest = (await ask("GET", `/v1/sessions?limit=2&page=${first.nextPage}`)).body;
    expect([rest.items[0].id, rest.nextPage]).toEqual(["ses_1", null]);
  });

  test("a live session of an orchestrator that is not heard of is away, until that is heard of again", async () => {
    const { put, see, ask, pass, restart, box } = await startFleet();
    await put(box, "ses_a", { state: "working" });
    await put(box, "ses_b", { state: "dead" });
    const states = async () => [(await see("ses_a")).state, (await see("ses_b")).state];
    await pass(91_000);
    expect(await states()).toEqual(["away", "dead"]);
    const listed = async (state: string) =>
      (await ask("GET", `/v1/sessions?state=${state}`)).body.items.map(({ id }: { id: string }) => id);
    expect([await listed("away"), await listed("working"), await listed("dead")]).toEqual([["ses_a"], [], ["ses_b"]]);
    await restart();
    expect(await states()).toEqual(["away", "dead"]);
    await ask("POST", "/v1/orchestrators/box/heartbeat", {}, box);
    expect(await states()).toEqual(["working", "dead"]);
    expect([await listed("away"), await listed("working")]).toEqual([[], ["ses_a"]]);
  });

  test("G11: sessions and leases are there after a restart", async () => {
    const { put, lease, see, does, restart, box } = await startFleet();
    await put(box, "ses_a", { nativeId: "n-1" });
    const { fence } = await lease(box, "ses_a");
    const before = await see("ses_a");
    await restart();
    expect(await see("ses_a")).toEqual(before);
    expect((await does(box, "ses_a", "renew", { fence })).status).toBe(200);
  });
});

describe("what a session belongs to", () => {
  test("the deletion of an agent ends its sessions, the deletion of an orchestrator all of its own", async () => {
    const { put, see, tryPut, lease, ask, box } = await startFleet();
    await put(box, "ses_a");
    await put(box, "ses_b", { agentId: "box-two" });
    const { fence } = await lease(box, "ses_a");
    await ask("DELETE", "/v1/agents/box-one");
    expect(await see("ses_a")).toMatchObject({ state: "dead", reason: "box-one was deleted", lease: null });
    expect((await see("ses_b")).state).toBe("starting");
    expect((await tryPut(box, "ses_a", { state: "working", fence })).body.code).toBe("claim-lost");
    expect((await tryPut(box, "ses_a", { state: "working" })).body.errors[0].pointer).toBe("/agentId");
    await ask("DELETE", "/v1/orchestrators/box");
    expect(await see("ses_b")).toMatchObject({ state: "dead", reason: "orchestrator-box was deleted" });
  });

  test("dead sessions go by age, live ones stay", async () => {
    const { put, ask, pass, box } = await startFleet({ retentionDays: 1 });
    await put(box, "ses_a", { state: "dead" });
    await put(box, "ses_b");
    for (let hours = 0; hours < 30; hours++) await pass(3_600_000);
    await pass(DAY_MS);
    const { items } = (await ask("GET", "/v1/sessions")).body;
    expect(items.map(({ id }: { id: string }) => id)).toEqual(["ses_b"]);
  });

  test("the agents that an orchestrator manages are its live sessions, once it has reported one", async () => {
    const { put, ask, box } = await startFleet();
    const managed = async () => (await ask("GET", "/v1/orchestrators/box")).body.managedAgents;
    const said = { agentId: "box-one", provider: "claude", state: "running" };
    await ask("POST", "/v1/orchestrators/box/heartbeat", { managedAgents: [said] }, box);
    expect(await managed()).toMatchObject([said]);
    await put(box, "ses_a", { agentId: "box-two", pid: 7, cwd: "/work", state: "idle" });
    expect(await managed()).toMatchObject([
      { agentId: "box-two", provider: "claude", sessionId: "ses_a", pid: 7, cwd: "/work", state: "idle" },
    ]);
    await put(box, "ses_a", { agentId: "box-two", state: "dead" });
    expect(await managed()).toEqual([]);
  });

  test("an orchestrator's run names a session of its agent, and is found by it", async () => {
    const { put, ask, box } = await startFleet();
    await put(box, "ses_a");
    const run = (sessionId: string, agentId = "box-one") =>
      ask("POST", "/v1/runs", { agentId, task: "Look into it.", sessionId }, box);
    const { status, body } = await run("ses_a");
    expect([status, body.sessionId]).toEqual([201, "ses_a"]);
    for (const [id, agentId] of [
      ["ses_none", "box-one"],
      ["ses_a", "box-two"],
    ] as const) {
      const refused = await run(id, agentId);
      expect([refused.status, refused.body.errors[0].pointer]).toEqual([422, "/sessionId"]);
    }
    const found = (await ask("GET", "/v1/runs?sessionId=ses_a")).body.items;
    expect(found.map(({ id }: { id: string }) => id)).toEqual([body.id]);
    expect((await ask("GET", "/v1/runs?sessionId=ses_none")).body.items).toEqual([]);
  });
});

describe("news of sessions", () => {
  test("watchers, webhooks, gauges and the health report hear of each change of a session, and of its machine's absence", async () => {
    const fleet = await startFleet();
    const { put, ask, pass, box } = fleet;
    const receiver = startReceiver();
    await ask("POST", "/v1/webhooks", { url: receiver.url, events: ["session.changed"] });
    const stream = await openStream(`${listen(fleet)}/v1/messages/stream`, { token: fleet.relay.operatorToken });
    await stream.first("hello");
    await put(box, "ses_a", { lastEventAt: "2026-03-01T12:00:00Z" });
    await put(box, "ses_a", { lastEventAt: "2026-03-01T12:00:01Z" });
    await put(box, "ses_a", { state: "working" });
    await pass(91_000);
    const told = () => stream.of("session").map(({ data }) => [data.id, data.state]);
    await stream.until((so) => so.of("session").length === 3);
    expect(told()).toEqual([
      ["ses_a", "starting"],
      ["ses_a", "working"],
      ["ses_a", "away"],
    ]);
    const check = async () =>
      (await ask("GET", "/v1/health")).body.checks.find(({ name }: { name: string }) => name === "orchestrators");
    expect(await check()).toEqual({ name: "orchestrators", status: "warn", detail: "away with live sessions: box" });
    expect((await ask("GET", "/metrics")).body).toContain('signalbox_sessions{state="away"} 1');
    await fleet.restart();
    expect((await check()).status).toBe("warn");
    await ask("POST", "/v1/orchestrators/box/heartbeat", {}, box);
    expect((await ask("GET", "/metrics")).body).toContain('signalbox_sessions{state="working"} 1');
    await put(box, "ses_a", { state: "dead" });
    expect((await check()).status).toBe("ok");
    await pass(1000);
    const states = () => receiver.received.map(({ event }) => event.data.state);
    await until(() => states().length === 5);
    // Deliveries of one webhook overtake each other.
    expect(states().toSorted()).toEqual(["away", "dead", "starting", "working", "working"]);
  });
});

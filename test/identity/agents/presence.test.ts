import { describe, expect, test } from "bun:test";
import { startRelay } from "../../support/relay.ts";
import { until } from "../../support/until.ts";

async function withAgents() {
  const relay = await startRelay({ agentTtlSeconds: 90 });
  const bob = await relay.agent("bob");
  const ann = await relay.agent("ann");
  const look = async (id: string) => (await relay.ask("GET", `/v1/agents/${id}`)).body;
  return {
    ...relay,
    bob,
    ann,
    status: async (id: string) => (await look(id)).status as string,
    seen: async (id: string) => Date.parse((await look(id)).lastSeenAt),
  };
}

describe("heartbeat", () => {
  test("heartbeat says status and readiness; what it leaves out stays", async () => {
    const { ask, bob } = await withAgents();
    const beat = (body?: unknown) => ask("POST", "/v1/agents/bob/heartbeat", body, bob);
    expect((await beat({ status: "busy", ready: false })).body).toMatchObject({ status: "busy", ready: false });
    expect((await beat({})).body).toMatchObject({ status: "busy", ready: false });
    expect((await beat()).body).toMatchObject({ status: "busy", ready: false });
    expect((await beat({ ready: true })).body).toMatchObject({ status: "busy", ready: true });
    expect((await beat({ status: "asleep" })).body).toMatchObject({ status: 422, errors: [{ pointer: "/status" }] });
    expect((await beat({ tags: [] })).status).toBe(422);
  });

  test("heartbeat of an agent that is not there is 404, of a deleted one 410", async () => {
    const { ask } = await withAgents();
    expect((await ask("POST", "/v1/agents/nobody/heartbeat", {})).status).toBe(404);
    await ask("DELETE", "/v1/agents/ann");
    expect((await ask("POST", "/v1/agents/ann/heartbeat", {})).status).toBe(410);
  });

  test("who is not ready claims nothing, and gets its messages all the same", async () => {
    const { ask, bob, ann } = await withAgents();
    await ask("POST", "/v1/agents/bob/heartbeat", { ready: false }, bob);
    const { id } = (await ask("POST", "/v1/messages", { to: "bob", body: "work", claimable: true }, ann)).body;
    expect((await ask("POST", "/v1/agents/bob/claims", {}, bob)).body.items).toEqual([]);
    expect((await ask("POST", `/v1/messages/${id}/claim`, {}, bob)).status).toBe(409);
    expect((await ask("GET", "/v1/agents/bob/inbox", undefined, bob)).body.items).toHaveLength(1);
    await ask("POST", "/v1/agents/bob/heartbeat", { ready: true }, bob);
    expect((await ask("POST", "/v1/agents/bob/claims", {}, bob)).body.items).toHaveLength(1);
  });
});

describe("lastSeenAt", () => {
  test("lastSeenAt moves with whatever the agent asks, refused or not", async () => {
    const { ask, bob, clock, seen } = await withAgents();
    for (const [method, path, body] of [
      ["GET", "/v1/whoami"],
      ["GET", "/v1/agents/bob/inbox"],
      ["POST", "/v1/agents/bob/inbox/ack", { upTo: 0 }],
      ["POST", "/v1/messages", { to: "ann", body: "x" }],
      ["POST", "/v1/messages", { to: "nobody", body: "x" }],
      ["GET", "/v1/agents/ann/inbox"],
      ["POST", "/v1/agents/bob/heartbeat", {}],
    ] as const) {
      clock.advance(1000);
      await ask(method, path, body, bob);
      expect(await seen("bob")).toBe(clock.now());
    }
  });

  test("lastSeenAt does not move by what is sent to the agent, nor by what others do to it", async () => {
    const { ask, bob, ann, clock, seen } = await withAgents();
    await ask("GET", "/v1/whoami", undefined, bob);
    const before = await seen("bob");
    clock.advance(1000);
    await ask("POST", "/v1/messages", { to: "bob", body: "x" }, ann);
    await ask("GET", "/v1/agents/bob/inbox");
    await ask("PATCH", "/v1/agents/bob", { role: "x" });
    await ask("POST", "/v1/messages", { from: "bob", to: "ann", body: "x" });
    await ask("POST", "/v1/agents/bob/inbox/ack", { upTo: 1 });
    await ask("GET", "/v1/agents/bob", undefined, ann);
    expect(await seen("bob")).toBe(before);
  });

  test("lastSeenAt survives a restart, and a crash but for a few seconds", async () => {
    const { ask, bob, pass, restart, seen, clock } = await withAgents();
    await pass(10_000);
    await ask("GET", "/v1/whoami", undefined, bob);
    const at = clock.now();
    await restart();
    expect(await seen("bob")).toBe(at);
  });
});

describe("the reaper", () => {
  test("the reaper puts offline who was not heard of for the TTL, and no sooner", async () => {
    const { ask, bob, ann, pass, status } = await withAgents();
    await ask("GET", "/v1/whoami", undefined, bob);
    await pass(60_000);
    await ask("GET", "/v1/whoami", undefined, ann);
    await pass(30_000);
    expect([await status("bob"), await status("ann")]).toEqual(["online", "online"]);
    await pass(1);
    expect([await status("bob"), await status("ann")]).toEqual(["offline", "online"]);
    await pass(60_001);
    expect(await status("ann")).toBe("offline");
  });

  test("the reaper looks at every status but offline", async () => {
    const { ask, bob, pass, status } = await withAgents();
    for (const one of ["busy", "idle", "online"]) {
      await ask("POST", "/v1/agents/bob/heartbeat", { status: one }, bob);
      await pass(90_001);
      expect(await status("bob")).toBe("offline");
    }
  });

  test("the reaper brings back whoever is heard of again, and keeps its readiness", async () => {
    const { ask, bob, pass, status } = await withAgents();
    await ask("POST", "/v1/agents/bob/heartbeat", { ready: false }, bob);
    await pass(90_001);
    expect(await status("bob")).toBe("offline");
    await ask("GET", "/v1/whoami", undefined, bob);
    // That it is back is written down in the next commit.
    await until(async () => (await status("bob")) === "online");
    expect((await ask("GET", "/v1/agents/bob")).body.ready).toBe(false);
  });

  test("the reaper brings back who is registered again, by whomever, unless that says otherwise", async () => {
    const { ask, pass } = await withAgents();
    await pass(90_001);
    expect((await ask("PUT", "/v1/agents/bob", { name: "bob" })).body.status).toBe("online");
    expect((await ask("PUT", "/v1/agents/ann", { name: "ann", status: "offline" })).body.status).toBe("offline");
  });

  test("the reaper spares user and system, and nobody for what it says of itself", async () => {
    const { ask, agent, pass, status } = await withAgents();
    await agent("sly", { tags: ["system", "human", "orchestrator"], meta: { kind: "system" } });
    await agent("telegram:bot", { channel: { provider: "telegram", accountId: "bot" } });
    await pass(10 * 90_000);
    expect([await status("user"), await status("system")]).toEqual(["online", "online"]);
    expect([await status("sly"), await status("telegram:bot")]).toEqual(["offline", "offline"]);
    expect((await ask("GET", "/v1/agents?status=offline")).body.items).toHaveLength(4);
  });

  test("the reaper takes nothing away: an offline agent keeps its groups, its mail and its work", async () => {
    const { ask, bob, ann, pass, status } = await withAgents();
    await ask("PATCH", "/v1/agents/bob", { tags: ["crew"] }, bob);
    const held = (await ask("POST", "/v1/messages", { to: "bob", body: "w", claimable: true }, ann)).body.id;
    await ask("POST", `/v1/messages/${held}/claim`, { leaseSeconds: 600 }, bob);
    await pass(90_001);
    expect(await status("bob")).toBe("offline");
    expect((await ask("POST", "/v1/messages", { to: "tag:crew", body: "x" }, ann)).body.matched).toBe(1);
    expect((await ask("GET", `/v1/messages/${held}`)).body).toMatchObject({
      state: "claimed",
      claim: { agentId: "bob" },
    });
    expect((await ask("GET", "/v1/agents/bob/inbox", undefined, bob)).body.items).toHaveLength(2);
  });

  test("the reaper does not count the relay's own absence against anybody", async () => {
    const { pass, restart, status, clock } = await withAgents();
    clock.jump(3_600_000);
    await restart();
    await pass(0);
    expect(await status("bob")).toBe("online");
    await pass(90_000);
    expect(await status("bob")).toBe("online");
    await pass(1);
    expect(await status("bob")).toBe("offline");
  });
});

describe("a short time to live", () => {
  test("a short time to live is kept by an agent that appears while the relay has nothing else to wait for", async () => {
    const { relay, clock, ask, agent } = await startRelay({ agentTtlSeconds: 5 });
    await relay.settle();
    await agent("bob");
    const status = async () => (await ask("GET", "/v1/agents/bob")).body.status;
    await until(async () => (await status()) === "online");
    clock.advance(6000);
    await until(async () => (await status()) === "offline");
  });
});

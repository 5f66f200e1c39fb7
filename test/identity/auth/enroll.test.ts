import { describe, expect, test } from "bun:test";
import { startRelay } from "../../support/relay.ts";

async function withEnroll() {
  const relay = await startRelay();
  const { ask } = relay;
  const boss = await relay.agent("boss");
  const make = async (prefix = "ci-") =>
    (await ask("POST", "/v1/tokens", { role: "enroll", prefix, name: "CI" })).body as { id: string; token: string };
  const enroll = await make();
  return {
    ...relay,
    boss,
    enroll,
    make,
    register: (id: string, fields: Record<string, unknown> = {}, token = enroll.token) =>
      ask("PUT", `/v1/agents/${encodeURIComponent(id)}`, { name: id, ...fields }, { token }),
  };
}

describe("G10: enrolling", () => {
  test("G10: enrolling registers a provider under the prefix, and answers with that agent's own token, which works", async () => {
    const { register, ask } = await withEnroll();
    const made = await register("ci-1", { instanceId: "i-1" });
    expect(made.status).toBe(201);
    expect(made.body).toMatchObject({ id: "ci-1", kind: "provider", epoch: 1 });
    const { token } = made.body;
    expect((await ask("GET", "/v1/whoami", undefined, { token })).body).toMatchObject({
      role: "agent",
      agentId: "ci-1",
      groups: [],
    });
    const again = await ask("PUT", "/v1/agents/ci-1", { name: "again", instanceId: "i-1" }, { token });
    expect(again.status).toBe(200);
    expect(again.body).not.toHaveProperty("token");
  });

  test.each(["boss", "cix", "x-ci-1", "ci", "user", "orchestrator-ci"])(
    "G10: enrolling refuses ids outside the prefix: %s",
    async (id) => {
      const { register, ask } = await withEnroll();
      const before = (await ask("GET", "/v1/agents")).body.items.length;
      expect((await register(id)).status).toBeOneOf([403, 422]);
      expect((await ask("GET", "/v1/agents")).body.items.length).toBe(before);
    },
  );

  test.each([
    { kind: "channel", channel: { provider: "ci-chat", accountId: "1" } },
    { channel: { provider: "ci-chat", accountId: "1" } },
    { meta: { kind: "channel", provider: "ci-chat", accountId: "1" } },
  ])("G10: enrolling registers providers alone, however a channel is described: %j", async (fields) => {
    const { register, ask } = await withEnroll();
    expect((await register("ci-chat:1", fields)).status).toBe(403);
    expect((await ask("GET", "/v1/agents/ci-chat%3A1")).status).toBe(404);
  });

  test("G10: an enroll token and instance may ask again until the new token is used, and the lost one is void", async () => {
    const { register, ask, restart } = await withEnroll();
    const lost = (await register("ci-1", { instanceId: "i-1" })).body.token;
    const second = await register("ci-1", { instanceId: "i-1" });
    expect(second.status).toBe(200);
    expect(second.body.epoch).toBe(1);
    expect((await ask("GET", "/v1/whoami", undefined, { token: lost })).status).toBe(401);
    await restart();
    const third = await register("ci-1", { instanceId: "i-1" });
    expect(third.status).toBe(200);
    expect((await ask("GET", "/v1/whoami", undefined, { token: second.body.token })).status).toBe(401);
    expect((await ask("GET", "/v1/whoami", undefined, { token: third.body.token })).status).toBe(200);
    expect((await register("ci-1", { instanceId: "i-1" })).status).toBe(403);
    await restart();
    expect((await register("ci-1", { instanceId: "i-1" })).status).toBe(403);
    expect((await ask("GET", "/v1/whoami", undefined, { token: third.body.token })).status).toBe(200);
  });

  test("G10: another enroll token, another instance, or none is refused when an agent enrolls again, and takes nothing away", async () => {
    const { register, ask, make } = await withEnroll();
    const { token } = (await register("ci-1", { instanceId: "i-1" })).body;
    const other = await make();
    expect((await register("ci-1", { instanceId: "i-1" }, other.token)).status).toBe(403);
    expect((await register("ci-1", { instanceId: "i-2" })).status).toBe(403);
    expect((await register("ci-1")).status).toBe(403);
    expect((await ask("GET", "/v1/agents/ci-1", undefined, { token })).body).toMatchObject({ epoch: 1, name: "ci-1" });
  });

  test("G10: an agent that an operator registered is not taken over by enrolling, nor is one that was deleted", async () => {
    const { register, ask } = await withEnroll();
    await ask("PUT", "/v1/agents/ci-own", { name: "own" });
    expect((await register("ci-own")).status).toBe(403);
    const { token } = (await register("ci-1")).body;
    await ask("DELETE", "/v1/agents/ci-1", undefined, { token });
    expect((await register("ci-1")).body).toMatchObject({ status: 409, code: "deleted" });
    expect((await ask("GET", "/v1/agents/ci-1")).body.code).toBe("gone");
  });

  test("G10: a revoked enroll token enrolls nothing more; what it enrolled goes on", async () => {
    const { register, ask, enroll } = await withEnroll();
    const { token } = (await register("ci-1")).body;
    await ask("DELETE", `/v1/tokens/${enroll.id}`);
    expect((await register("ci-2")).status).toBe(401);
    expect((await ask("GET", "/v1/whoami", undefined, { token })).status).toBe(200);
  });
});

describe("G10: groups of an enrolled agent", () => {
  test("G10: an enrolled agent joins no group by enrolling: not by tag, label or capability", async () => {
    const { register, ask } = await withEnroll();
    for (const fields of [{ tags: ["team"] }, { label: "team" }, { capabilities: ["build"] }]) {
      const refused = await register("ci-1", fields);
      expect(refused.body).toMatchObject({ status: 403, code: "group-not-allowed" });
    }
    expect((await ask("GET", "/v1/agents/ci-1")).status).toBe(404);
  });

  test("G10: an enrolled agent joins no group afterwards with its own token; an operator may put it there, and then it may stay", async () => {
    const { register, ask } = await withEnroll();
    const { token } = (await register("ci-1")).body;
    const own = { token };
    expect((await ask("PATCH", "/v1/agents/ci-1", { tags: ["team"] }, own)).body.code).toBe("group-not-allowed");
    await ask("PATCH", "/v1/agents/ci-1", { tags: ["team"] });
    expect((await ask("PATCH", "/v1/agents/ci-1", { tags: ["team"], role: "x" }, own)).status).toBe(200);
    expect((await ask("PATCH", "/v1/agents/ci-1", { tags: [] }, own)).status).toBe(200);
    expect((await ask("PATCH", "/v1/agents/ci-1", { tags: ["team"] }, own)).body.code).toBe("group-not-allowed");
  });

  test("G10: an enrolled agent is not given the tag that the relay itself would add", async () => {
    const { register } = await withEnroll();
    expect((await register("ci-claude", { rig: "Claude Code" })).body).toMatchObject({ tags: [] });
  });

  test("G10: a broadcast reaches an enrolled agent all the same", async () => {
    const { register, ask, boss } = await withEnroll();
    const { token } = (await register("ci-1")).body;
    const { id } = (await ask("POST", "/v1/messages", { to: "broadcast", body: "all" }, boss)).body;
    const inbox = await ask("GET", "/v1/agents/ci-1/inbox", undefined, { token });
    expect(inbox.body.items).toMatchObject([{ id }]);
  });
});

import { describe, expect, test } from "bun:test";
import { startRelay } from "../../support/relay.ts";

const FULL = {
  name: "Bob",
  label: "team-a",
  role: "reviewer",
  description: "Reads what others wrote.",
  skills: [{ name: "review", description: "Reads diffs" }],
  tags: ["review", "night"],
  capabilities: ["build"],
  machine: "host-1",
  rig: "some harness",
  ready: false,
  status: "busy",
  reach: "mid-turn",
  meta: { a: 1 },
};

const put = async (body: Record<string, unknown> = FULL) => {
  const { ask } = await startRelay();
  const answer = await ask("PUT", "/v1/agents/bob", body);
  return { ask, answer };
};

describe("registering", () => {
  test("registering is 201 the first time and 200 again, with the same answer as GET", async () => {
    const { ask, answer } = await put();
    expect(answer.status).toBe(201);
    expect(answer.body).toEqual({
      id: "bob",
      kind: "provider",
      ...FULL,
      channel: null,
      instanceId: null,
      epoch: 0,
      connections: 0,
      lastSeenAt: "2026-03-01T12:00:00.000Z",
      createdAt: "2026-03-01T12:00:00.000Z",
    });
    expect((await ask("GET", "/v1/agents/bob")).body).toEqual(answer.body);
    const again = await ask("PUT", "/v1/agents/bob", FULL);
    expect(again.status).toBe(200);
    expect(again.body).toEqual(answer.body);
  });

  test("registering with a name alone has plain defaults", async () => {
    const { answer } = await put({ name: "Bob" });
    expect(answer.body).toMatchObject({
      label: null,
      role: null,
      description: null,
      skills: [],
      tags: [],
      capabilities: [],
      machine: null,
      rig: null,
      ready: true,
      status: "online",
      reach: "asked",
      meta: null,
    });
  });

  test("registering again keeps what is left out, whether by PUT or by PATCH", async () => {
    const { ask, answer } = await put();
    const registered = await ask("PUT", "/v1/agents/bob", { name: "Robert" });
    expect(registered.body).toEqual({ ...answer.body, name: "Robert" });
    expect((await ask("PATCH", "/v1/agents/bob", {})).body).toEqual(registered.body);
  });

  test.each(["PUT", "PATCH"])("registering with %s: [] empties and null clears", async (method) => {
    const { ask, answer } = await put();
    const nothing = {
      label: null,
      role: null,
      description: null,
      skills: [],
      tags: [],
      capabilities: [],
      machine: null,
      rig: null,
      meta: null,
    };
    const body = method === "PUT" ? { name: "Bob", ...nothing } : nothing;
    expect((await ask(method, "/v1/agents/bob", body)).body).toEqual({ ...answer.body, ...nothing });
  });

  test("null is refused where there is nothing to clear", async () => {
    const { ask } = await put();
    for (const field of ["skills", "tags", "capabilities", "ready", "status", "reach", "name"]) {
      const refused = await ask("PUT", "/v1/agents/bob", { name: "Bob", [field]: null });
      expect(refused.body).toMatchObject({ status: 422, errors: [{ pointer: `/${field}` }] });
    }
  });

  test("a word given twice is there once", async () => {
    const { answer } = await put({ name: "Bob", tags: ["a", "b", "a"] });
    expect(answer.body.tags).toEqual(["a", "b"]);
  });

  test("PATCH does not change name, kind or instance, and does not register", async () => {
    const { ask } = await put();
    for (const field of ["name", "kind", "instanceId", "epoch", "lastSeenAt"])
      expect((await ask("PATCH", "/v1/agents/bob", { [field]: "x" })).body).toMatchObject({
        status: 422,
        errors: [{ pointer: `/${field}`, message: "is not known here" }],
      });
    expect((await ask("PATCH", "/v1/agents/nobody", {})).body).toMatchObject({ status: 404, code: "not-found" });
  });

  test.each(["user", "system", "broadcast", "orchestrator-1", "label:x", "tag:x", "cap:x", "orchestrator:x"])(
    "the id %s is reserved",
    async (id) => {
      const { ask } = await startRelay();
      const refused = await ask("PUT", `/v1/agents/${encodeURIComponent(id)}`, { name: "x" });
      expect(refused.status).toBe(422);
      expect(JSON.stringify(refused.body.errors)).toContain("is reserved");
    },
  );

  test.each(["Bob", "-bob", ".bob", "bob smith", "bob/x", "b".repeat(129), "böb", "bob:"])(
    "%s is not an agent id",
    async (id) => {
      const { ask } = await startRelay();
      const refused = await ask("PUT", `/v1/agents/${encodeURIComponent(id)}`, { name: "x" });
      expect(refused.body).toMatchObject({ status: 422, code: "invalid", errors: [{ pointer: "id" }] });
    },
  );

  test("user and system are always there", async () => {
    const { ask } = await startRelay();
    const { items } = (await ask("GET", "/v1/agents")).body;
    expect(items).toMatchObject([
      { id: "system", kind: "system", tags: ["system"], status: "online", ready: true },
      { id: "user", kind: "user", tags: ["human"], status: "online", ready: true },
    ]);
  });
});

describe("kind", () => {
  test.each([
    [{}, "provider"],
    [{ kind: "provider" }, "provider"],
    [{ meta: { kind: "something" } }, "provider"],
    [{ tags: ["orchestrator"], meta: { kind: "orchestrator" } }, "provider"],
  ])("kind %j is a %s", async (fields, kind) => {
    const { answer } = await put({ name: "x", ...fields });
    expect(answer.body.kind).toBe(kind);
  });

  test.each([
    [{ kind: "channel", channel: { provider: "slack", accountId: "T1" } }],
    [{ channel: { provider: "slack", accountId: "T1" } }],
    [{ meta: { kind: "channel", provider: "slack", accountId: "T1" } }],
    [{ meta: { kind: "communication-channel", channelType: "slack" } }],
    [{ meta: { transport: "slack" }, tags: ["channel"] }],
    [{ tags: ["channel:slack"], capabilities: ["channel"] }],
  ])("kind %j is a channel", async (fields) => {
    const { ask } = await startRelay();
    const made = await ask("PUT", "/v1/agents/slack:T1", { name: "Slack", ...fields });
    expect(made.status).toBe(201);
    expect(made.body).toMatchObject({
      kind: "channel",
      channel: {
        provider: "slack",
        accountId: "T1",
        displayName: "Slack",
        transport: "slack",
        direction: "bidirectional",
      },
    });
  });

  test.each(["user", "system", "orchestrator", "god"])("kind cannot be %s", async (kind) => {
    const { answer } = await put({ name: "x", kind });
    expect(answer.body).toMatchObject({ status: 422, errors: [{ pointer: "/kind" }] });
  });

  test("kind is guessed once, and stays whatever is said later", async () => {
    const { ask } = await put({ name: "Bob" });
    const later = await ask("PUT", "/v1/agents/bob", { name: "Bob", tags: ["channel"], meta: { kind: "channel" } });
    expect(later.body.kind).toBe("provider");
    const changed = await ask("PUT", "/v1/agents/bob", { name: "Bob", kind: "channel" });
    expect(changed.body).toMatchObject({ status: 409, code: "conflict" });
    await ask("PUT", "/v1/agents/slack:T1", { name: "Slack", tags: ["channel:slack", "channel"] });
    expect((await ask("PUT", "/v1/agents/slack:T1", { name: "Slack", tags: [] })).body.kind).toBe("channel");
  });
});

describe("a channel agent", () => {
  test("a channel agent has exactly its provider and account as its id, and is told the right one", async () => {
    const { ask } = await startRelay();
    const channel = { provider: "telegram", accountId: "bot-1" };
    for (const id of ["telegram:bot-2", "slack:bot-1", "telegram"]) {
      const refused = await ask("PUT", `/v1/agents/${id}`, { name: "Bot", kind: "channel", channel });
      expect(refused.body).toMatchObject({ status: 422, errors: [{ pointer: "id" }] });
      expect(refused.body.errors[0].message).toContain("telegram:bot-1");
    }
  });

  test("a channel agent takes provider and account from its id where nothing else names them", async () => {
    const { ask } = await startRelay();
    for (const [id, more] of [
      ["telegram:main", {}],
      ["telegram:second", { meta: { transport: "long-polling" } }],
      ["telegram:third", { meta: { accountId: "third" } }],
    ] as const) {
      const made = await ask("PUT", `/v1/agents/${id}`, { name: "Bot", kind: "channel", ...more });
      expect(made.body).toMatchObject({ id, channel: { provider: "telegram", accountId: id.split(":")[1] } });
    }
    const channel = { provider: "slack", accountId: "x" };
    const patched = await ask("PATCH", "/v1/agents/telegram:main", { channel });
    expect(patched.body.errors[0].message).toBe(
      "is telegram:main, but the channel agent for that provider and account is slack:x",
    );
  });

  test("a channel agent is told when provider and account make no id", async () => {
    const { ask } = await startRelay();
    for (const channel of [
      { provider: "telegram", accountId: "My Bot" },
      { provider: "Telegram", accountId: "bot" },
    ]) {
      const { body } = await ask("PUT", "/v1/agents/telegram:bot", { name: "Bot", kind: "channel", channel });
      expect(body).toMatchObject({ status: 422, errors: [{ pointer: "/channel/accountId" }] });
    }
  });

  test("a channel agent needs an account, and a provider's name that is free", async () => {
    const { ask } = await startRelay();
    expect((await ask("PUT", "/v1/agents/bot", { name: "Bot", kind: "channel" })).body).toMatchObject({
      status: 422,
      errors: [{ pointer: "/channel" }],
    });
    const channel = { provider: "user", accountId: "1" };
    expect((await ask("PUT", "/v1/agents/user:1", { name: "Bot", channel })).body).toMatchObject({
      status: 422,
      errors: [{ pointer: "/channel/provider" }],
    });
  });

  test("a channel agent is the only one whose id has a colon, and the only one with a channel", async () => {
    const { ask } = await startRelay();
    expect((await ask("PUT", "/v1/agents/a:b", { name: "x" })).status).toBe(422);
    const channel = { provider: "slack", accountId: "T1" };
    expect((await ask("PUT", "/v1/agents/bob", { name: "x", kind: "provider", channel })).body).toMatchObject({
      status: 422,
      errors: [{ pointer: "/channel" }],
    });
  });
});

describe("the provider tag", () => {
  test.each([
    [{ name: "Claude" }, ["claude"]],
    [{ name: "x", rig: "Claude Code" }, ["claude"]],
    [{ name: "x", rig: "codex-cli" }, ["codex"]],
    [{ name: "x", meta: { model: "claude-x" } }, ["claude"]],
    [{ name: "x", meta: { note: "claude" } }, []],
    [{ name: "Claude", tags: ["claude", "a"] }, ["claude", "a"]],
    [{ name: "Codex", tags: ["a"] }, ["a", "codex"]],
    [{ name: "x" }, []],
  ])("the provider tag %j has %j", async (body, tags) => {
    const { answer } = await put(body);
    expect(answer.body.tags).toEqual(tags);
  });

  test("the provider tag is one that messages can be sent to", async () => {
    const { ask } = await put({ name: "x", rig: "Claude Code" });
    expect((await ask("POST", "/v1/messages", { to: "tag:claude", body: "x" })).body.matched).toBe(1);
  });
});

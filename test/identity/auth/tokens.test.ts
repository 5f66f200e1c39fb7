import { describe, expect, test } from "bun:test";
import { listen } from "../../support/listen.ts";
import { startRelay } from "../../support/relay.ts";
import { openSocket } from "../../support/socket.ts";
import { openStream } from "../../support/stream.ts";

async function withTokens() {
  const relay = await startRelay();
  await relay.agent("bob");
  const make = (draft: Record<string, unknown>) => relay.ask("POST", "/v1/tokens", draft);
  return {
    ...relay,
    make,
    /** A token for bob. */
    forBob: async (draft: Record<string, unknown> = {}) =>
      (await make({ role: "agent", agentId: "bob", ...draft })).body as { id: string; token: string },
  };
}

describe("making tokens", () => {
  test("the secret of a token is shown once, and listed nowhere", async () => {
    const { ask, forBob } = await withTokens();
    const made = await forBob({ name: "laptop" });
    expect(made.token).toMatch(/^sbx_[\w-]{43}$/);
    const list = await ask("GET", "/v1/tokens");
    const listed = list.body.items.find((token: { id: string }) => token.id === made.id);
    expect(listed).toMatchObject({ role: "agent", agentId: "bob", name: "laptop", groups: null, lastUsedAt: null });
    expect(listed).not.toHaveProperty("token");
    expect(JSON.stringify(list.body)).not.toContain(made.token);
    expect(JSON.stringify(list.body)).not.toContain("hash");
  });

  test("tokens are listed newest first, in pages without gaps or repeats", async () => {
    const { ask, make, clock } = await withTokens();
    for (let i = 0; i < 7; i++) {
      clock.advance(1);
      await make({ role: "viewer", name: `v${i}` });
    }
    const names: string[] = [];
    for (let page = ""; ; ) {
      const { body } = await ask("GET", `/v1/tokens?limit=2${page}`);
      names.push(...body.items.map((token: { name: string }) => token.name));
      if (body.nextPage === null) break;
      page = `&page=${body.nextPage}`;
    }
    expect(names.slice(0, 7)).toEqual(["v6", "v5", "v4", "v3", "v2", "v1", "v0"]);
    expect(names).toHaveLength(9);
  });

  test.each([
    [{ role: "agent" }, "/agentId"],
    [{ role: "enroll" }, "/prefix"],
    [{ role: "viewer", agentId: "bob" }, "/agentId"],
    [{ role: "operator", prefix: "x" }, "/prefix"],
    [{ role: "enroll", prefix: "x", groups: ["*"] }, "/groups"],
    [{ role: "agent", agentId: "user" }, "/agentId"],
    [{ role: "agent", agentId: "system" }, "/agentId"],
    [{ role: "agent", agentId: "broadcast" }, "/agentId"],
    [{ role: "agent", agentId: "orchestrator-1" }, "/agentId"],
    [{ role: "enroll", prefix: "user" }, "/prefix"],
    [{ role: "enroll", prefix: "system" }, "/prefix"],
    [{ role: "enroll", prefix: "broadcast" }, "/prefix"],
    [{ role: "enroll", prefix: "orchestrator-" }, "/prefix"],
    [{ role: "enroll", prefix: "orchestrator-mine" }, "/prefix"],
    [{ role: "enroll", prefix: "tag:" }, "/prefix"],
    [{ role: "enroll", prefix: "" }, "/prefix"],
    [{ role: "agent", agentId: "bob", groups: ["review"] }, "/groups/0"],
    [{ role: "agent", agentId: "bob", groups: ["broadcast"] }, "/groups/0"],
    [{ role: "god" }, "/role"],
    [{ role: "viewer", expiresAt: "tomorrow" }, "/expiresAt"],
  ])("making a token with %j is refused at %s", async (draft, pointer) => {
    const { make } = await withTokens();
    const refused = await make(draft);
    expect(refused.status).toBe(422);
    expect(refused.body.errors[0].pointer).toBe(pointer);
  });
});

describe("a token that has to be its agent's only one", () => {
  test("a token that has to be its agent's only one is refused beside another, made for one of many that ask at once, and made again when the other has ended", async () => {
    const { ask, make, clock } = await withTokens();
    await ask("PUT", "/v1/agents/new", { name: "new" });
    const alone = { role: "agent", agentId: "new", noneBut: [] };
    const tried = await Promise.all(Array.from({ length: 8 }, () => make(alone)));
    expect(tried.map(({ status }) => status).sort()).toEqual([201, ...Array(7).fill(409)]);
    expect(tried.find(({ status }) => status === 409)?.body).toMatchObject({
      code: "conflict",
      detail: "new has a token already. Choose another agent, or leave noneBut out.",
    });
    const { id } = tried.find(({ status }) => status === 201)?.body ?? {};
    expect((await make({ ...alone, noneBut: [id] })).status).toBe(201);
    expect((await make({ ...alone, noneBut: [id] })).status).toBe(409);
    for (const { id, agentId } of (await ask("GET", "/v1/tokens")).body.items)
      if (agentId === "new") await ask("DELETE", `/v1/tokens/${id}`);
    const brief = { ...alone, expiresAt: new Date(clock.now() + 1000).toISOString() };
    expect((await make(brief)).status).toBe(201);
    expect((await make(alone)).status).toBe(409);
    clock.advance(1000);
    expect((await make(alone)).status).toBe(201);
  });

  test("a token that has to be its agent's only one says so for an agent alone, by ids of tokens", async () => {
    const { make } = await withTokens();
    const enroll = await make({ role: "enroll", prefix: "x-", noneBut: [] });
    expect(enroll.body.errors).toMatchObject([{ pointer: "/noneBut" }]);
    const named = await make({ role: "agent", agentId: "bob", noneBut: ["bob"] });
    expect(named.body.errors).toMatchObject([{ pointer: "/noneBut/0" }]);
  });
});

describe("G10: what an agent may join", () => {
  test.each([
    [undefined, { tags: ["x"], label: "y", capabilities: ["z"] }, 200],
    [["*"], { tags: ["x"], label: "y", capabilities: ["z"] }, 200],
    [[], { tags: [] }, 200],
    [[], { tags: ["x"] }, 403],
    [[], { label: "x" }, 403],
    [["tag:review"], { tags: ["review"] }, 200],
    [["tag:review"], { tags: ["review2"] }, 403],
    [["tag:review"], { tags: ["review", "other"] }, 403],
    [["tag:review"], { label: "review" }, 403],
    [["label:team-*"], { label: "team-blue" }, 200],
    [["label:team-*"], { label: "team" }, 403],
    [["label:team-*"], { tags: ["team-blue"] }, 403],
    [["cap:*", "tag:a"], { capabilities: ["anything"], tags: ["a"] }, 200],
  ])("G10: an agent with groups %j that asks with %j is answered %i", async (groups, fields, status) => {
    const { ask, forBob } = await withTokens();
    const { token } = await forBob(groups ? { groups } : {});
    expect((await ask("PATCH", "/v1/agents/bob", fields, { token })).status).toBe(status);
    expect((await ask("PUT", "/v1/agents/bob", { name: "bob", ...fields }, { token })).status).toBe(status);
  });

  test("G10: groups that an agent belongs to already it may keep, and leave", async () => {
    const { ask, forBob } = await withTokens();
    const { token } = await forBob({ groups: ["tag:mine"] });
    await ask("PATCH", "/v1/agents/bob", { tags: ["given"] });
    const both = await ask("PATCH", "/v1/agents/bob", { tags: ["given", "mine"] }, { token });
    expect(both.body.tags).toEqual(["given", "mine"]);
    expect((await ask("PATCH", "/v1/agents/bob", { tags: ["mine"] }, { token })).status).toBe(200);
    expect((await ask("PATCH", "/v1/agents/bob", { tags: ["given"] }, { token })).body.code).toBe("group-not-allowed");
  });
});

describe("tokens that end", () => {
  test("an expired token is 401, to the millisecond", async () => {
    const { ask, forBob, clock } = await withTokens();
    const { token } = await forBob({ expiresAt: new Date(clock.now() + 60_000).toISOString() });
    const whoami = () => ask("GET", "/v1/whoami", undefined, { token });
    clock.advance(59_999);
    expect((await whoami()).status).toBe(200);
    clock.advance(1);
    expect((await whoami()).body).toMatchObject({ status: 401, code: "unauthorized" });
  });

  test("G10: streams and sockets that a token opened are closed when it expires", async () => {
    const { forBob, ...relay } = await withTokens();
    const url = listen(relay);
    const { token } = await forBob({ expiresAt: new Date(relay.clock.now() + 60_000).toISOString() });
    const stream = await openStream(`${url}/v1/agents/bob/inbox/stream`, { token });
    const socket = await openSocket(`${url}/v1/agents/bob/socket`, { token });
    await stream.first("hello");
    await socket.first("hello");
    await relay.pass(60_000);
    await stream.ended;
    expect(stream.events.at(-1)).toMatchObject({ type: "bye", data: { reason: "revoked" } });
    expect((await socket.closed).code).toBe(4001);
  });

  test("a revoked token is 401 at once and for ever; revoking again says the same", async () => {
    const { ask, forBob, restart } = await withTokens();
    const { id, token } = await forBob();
    expect((await ask("GET", "/v1/whoami", undefined, { token })).status).toBe(200);
    const revoked = await ask("DELETE", `/v1/tokens/${id}`);
    expect(revoked.body.revokedAt).toBe("2026-03-01T12:00:00.000Z");
    expect((await ask("GET", "/v1/whoami", undefined, { token })).status).toBe(401);
    expect((await ask("DELETE", `/v1/tokens/${id}`)).body).toEqual(revoked.body);
    await restart();
    expect((await ask("GET", "/v1/whoami", undefined, { token })).status).toBe(401);
    expect((await ask("DELETE", "/v1/tokens/tok_unknown")).status).toBe(404);
  });

  test("revoking one token of an agent leaves its others", async () => {
    const { ask, forBob } = await withTokens();
    const [first, second] = [await forBob(), await forBob()];
    await ask("DELETE", `/v1/tokens/${first.id}`);
    expect((await ask("GET", "/v1/whoami", undefined, { token: second.token })).status).toBe(200);
  });

  test("the relay's own token is not revoked over the API; another operator's is, whatever its name", async () => {
    const { ask, make } = await withTokens();
    const { tokenId } = (await ask("GET", "/v1/whoami")).body;
    expect((await ask("DELETE", `/v1/tokens/${tokenId}`)).body).toMatchObject({ status: 409, code: "conflict" });
    const other = (await make({ role: "operator", name: "relay operator" })).body;
    expect((await ask("GET", "/v1/whoami", undefined, { token: other.token })).body.role).toBe("operator");
    expect((await ask("DELETE", `/v1/tokens/${other.id}`)).status).toBe(200);
    expect((await ask("GET", "/v1/whoami", undefined, { token: other.token })).status).toBe(401);
  });

  test("the activity log has who made and revoked which token", async () => {
    const { ask, forBob } = await withTokens();
    const { id } = await forBob();
    await ask("DELETE", `/v1/tokens/${id}`);
    const { tokenId } = (await ask("GET", "/v1/whoami")).body;
    const { items } = (await ask("GET", `/v1/activity?subject=${id}`)).body;
    expect(items).toMatchObject([
      { verb: "token.revoked", actor: tokenId, data: { role: "agent", agentId: "bob" } },
      { verb: "token.created", actor: tokenId },
    ]);
  });
});

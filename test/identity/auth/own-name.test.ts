import { describe, expect, test } from "bun:test";
import { startRelay } from "../../support/relay.ts";

async function withThree() {
  const relay = await startRelay();
  const ann = await relay.agent("ann", { tags: ["team"] });
  const ben = await relay.agent("ben", { tags: ["team"] });
  const eve = await relay.agent("eve");
  return {
    ...relay,
    ann,
    ben,
    eve,
    send: (who: { token: string }, to: string, fields = {}) =>
      relay.ask("POST", "/v1/messages", { to, body: "x", ...fields }, who),
  };
}

describe("G10: in whose name", () => {
  test("G10: the sender is the token's agent, whatever the body says", async () => {
    const { send, ask, ann } = await withThree();
    expect((await send(ann, "ben")).body).toMatchObject({ from: "ann", via: null });
    expect((await send(ann, "ben", { from: "ann" })).body).toMatchObject({ from: "ann" });
    for (const from of ["ben", "user", "system", "nobody"])
      expect((await send(ann, "ben", { from })).body).toMatchObject({ status: 403, code: "forbidden" });
    expect((await ask("GET", "/v1/messages")).body.items).toHaveLength(2);
  });

  test("G10: one forged message in a batch refuses all of it, and says which", async () => {
    const { ask, ann } = await withThree();
    const messages = [
      { to: "ben", body: "1" },
      { from: "ben", to: "ann", body: "2" },
    ];
    const refused = await ask("POST", "/v1/messages/batch", { messages }, ann);
    expect(refused.body).toMatchObject({ status: 403, errors: [{ pointer: "/messages/1" }] });
    expect((await ask("GET", "/v1/messages")).body.items).toEqual([]);
  });

  test("G10: an operator writes as user, or in another's name, and then it shows", async () => {
    const { ask, relay, ben } = await withThree();
    const { tokenId } = (await ask("GET", "/v1/whoami")).body;
    expect(relay.operatorToken).not.toContain(tokenId);
    const own = await ask("POST", "/v1/messages", { to: "ben", body: "x" });
    expect(own.body).toMatchObject({ from: "user", via: null });
    const other = await ask("POST", "/v1/messages", { from: "ann", to: "ben", body: "x" });
    expect(other.body).toMatchObject({ from: "ann", via: tokenId });
    const seen = await ask("GET", "/v1/agents/ben/inbox", undefined, ben);
    expect(seen.body.items).toMatchObject([{ via: null }, { via: tokenId }]);
    expect((await ask("POST", "/v1/messages", { from: "nobody", to: "ben", body: "x" })).status).toBe(403);
  });

  test("G10: a token for an agent that is not registered may only register it", async () => {
    const { ask, send } = await withThree();
    const zed = (await ask("POST", "/v1/tokens", { role: "agent", agentId: "zed" })).body as { token: string };
    expect((await send(zed, "ann")).body).toMatchObject({ status: 403 });
    expect((await ask("GET", "/v1/messages", undefined, zed)).status).toBe(403);
    expect((await ask("GET", "/v1/agents/zed/inbox", undefined, zed)).status).toBe(404);
    expect((await ask("PUT", "/v1/agents/zed", { name: "Zed" }, zed)).status).toBe(201);
    expect((await send(zed, "ann")).status).toBe(201);
  });
});

describe("G10: what is not one's own", () => {
  test("G10: what is not one's own is 403 when it exists and 404 when it does not: message, story, thread", async () => {
    const { send, ask, ann, eve } = await withThree();
    const { id } = (await send(ann, "ben")).body;
    for (const path of [`/v1/messages/${id}`, `/v1/messages/${id}/explain`, `/v1/threads/${id}`])
      expect((await ask("GET", path, undefined, eve)).body).toMatchObject({ status: 403, code: "forbidden" });
    for (const path of ["/v1/messages/99", "/v1/messages/99/explain", "/v1/threads/99"])
      expect((await ask("GET", path, undefined, eve)).body).toMatchObject({ status: 404, code: "not-found" });
  });

  test("G10: a group's message is for who belonged when it was appended, and for nobody who came later", async () => {
    const { send, ask, ann, ben, eve } = await withThree();
    const { id } = (await send(ann, "tag:team")).body;
    await ask("PATCH", "/v1/agents/eve", { tags: ["team"] }, eve);
    await ask("PATCH", "/v1/agents/ben", { tags: [] }, ben);
    expect((await ask("GET", `/v1/messages/${id}`, undefined, ben)).status).toBe(200);
    expect((await ask("GET", `/v1/messages/${id}`, undefined, eve)).status).toBe(403);
  });

  test("G10: open work may be read by who may claim it, and a piece of work by who ever held it", async () => {
    const { send, ask, ann, ben, eve } = await withThree();
    const { id } = (await send(ann, "tag:team", { claimable: true })).body;
    await ask("PATCH", "/v1/agents/eve", { tags: ["team"] }, eve);
    expect((await ask("GET", `/v1/messages/${id}`, undefined, eve)).status).toBe(200);
    const { claim } = (await ask("POST", `/v1/messages/${id}/claim`, {}, eve)).body;
    expect((await ask("GET", `/v1/messages/${id}`, undefined, eve)).status).toBe(200);
    await ask("POST", `/v1/messages/${id}/release`, { token: claim.token }, eve);
    await ask("POST", `/v1/messages/${id}/claim`, {}, ben);
    await ask("PATCH", "/v1/agents/eve", { tags: [] }, eve);
    expect((await ask("GET", `/v1/messages/${id}`, undefined, eve)).status).toBe(200);
    const late = (await send(ann, "tag:team", { claimable: true })).body.id;
    expect((await ask("GET", `/v1/messages/${late}`, undefined, eve)).status).toBe(403);
  });

  test("G10: of a thread one sees the entries that are one's own to read", async () => {
    const { send, ask, ann, ben, eve } = await withThree();
    const root = (await send(ann, "ben")).body.id;
    const aside = (await send(ben, "eve", { replyTo: root })).body.id;
    await send(ben, "ann", { replyTo: root });
    const seen = (await ask("GET", `/v1/threads/${root}`, undefined, eve)).body;
    expect(seen.items.map((item: { id: number }) => item.id)).toEqual([aside]);
    expect(seen.root).toBeNull();
    expect(seen.participants).toEqual(["ben", "eve"]);
  });
});

describe("G10: replyTo and causedBy", () => {
  test.each(["replyTo", "causedBy"])("G10: %s names only what the sender may read", async (field) => {
    const { send, ann, ben, eve } = await withThree();
    const { id } = (await send(ann, "ben")).body;
    expect((await send(eve, "ann", { [field]: id })).body).toMatchObject({ status: 403 });
    expect((await send(ben, "ann", { [field]: id })).status).toBe(201);
    expect((await send(ann, "ben", { [field]: id })).status).toBe(201);
    const unknown = await send(ben, "ann", { [field]: 99 });
    expect(unknown.body).toMatchObject({ status: 422, errors: [{ pointer: `/${field}` }] });
  });

  test("G10: an operator that writes as an agent is held to what that agent may read", async () => {
    const { send, ask, ann } = await withThree();
    const { id } = (await send(ann, "ben")).body;
    const asEve = await ask("POST", "/v1/messages", { from: "eve", to: "ann", body: "x", replyTo: id });
    expect(asEve.status).toBe(403);
    expect((await ask("POST", "/v1/messages", { to: "ann", body: "x", replyTo: id })).status).toBe(201);
  });

  test("G10: the root of a chain is given away to nobody: rootId and hops are counted by the relay", async () => {
    const { send, ann, ben } = await withThree();
    const first = (await send(ann, "ben")).body;
    const second = (await send(ben, "ann", { replyTo: first.id })).body;
    const third = (await send(ann, "ben", { causedBy: second.id })).body;
    expect([first.hops, second.hops, third.hops]).toEqual([0, 1, 2]);
    expect([first.rootId, second.rootId, third.rootId]).toEqual([first.id, first.id, first.id]);
    expect((await send(ann, "ben", { hops: 0 })).body).toMatchObject({ status: 422, errors: [{ pointer: "/hops" }] });
  });
});

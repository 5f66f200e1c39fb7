import { describe, expect, test } from "bun:test";
import { startRelay } from "../../support/relay.ts";

async function withBob() {
  const relay = await startRelay();
  const ann = await relay.agent("ann", { tags: ["crew"] });
  const bob = await relay.agent("bob", { tags: ["crew"] });
  return {
    ...relay,
    ann,
    bob,
    send: async (to: string, fields = {}, who = ann) =>
      (await relay.ask("POST", "/v1/messages", { to, body: "x", ...fields }, who)).body.id as number,
    inbox: async (id: string) => (await relay.ask("GET", `/v1/agents/${id}/inbox?after=0`)).body.items,
    gone: () => relay.ask("DELETE", "/v1/agents/bob"),
  };
}

describe("deleting an agent", () => {
  test("deleting an agent leaves a tombstone: 410 wherever it is named, and its tokens are void", async () => {
    const { ask, bob, gone } = await withBob();
    expect((await gone()).status).toBe(204);
    expect((await ask("GET", "/v1/whoami", undefined, bob)).status).toBe(401);
    for (const [method, path, body] of [
      ["GET", "/v1/agents/bob"],
      ["PATCH", "/v1/agents/bob", {}],
      ["DELETE", "/v1/agents/bob"],
      ["POST", "/v1/agents/bob/heartbeat", {}],
      ["GET", "/v1/agents/bob/inbox"],
      ["GET", "/v1/agents/bob/inbox/stream"],
      ["POST", "/v1/agents/bob/inbox/ack", { upTo: 0 }],
      ["GET", "/v1/agents/bob/claims"],
      ["POST", "/v1/agents/bob/claims", {}],
    ] as const)
      expect((await ask(method, path, body)).body).toMatchObject({ status: 410, code: "gone" });
    const refused = await ask("POST", "/v1/messages", { to: "bob", body: "x" });
    expect(refused.body).toMatchObject({ code: "unknown-target", detail: expect.stringContaining("bob was deleted") });
    expect((await ask("POST", "/v1/messages", { from: "bob", to: "ann", body: "x" })).status).toBe(403);
  });

  test("deleting an agent tells an operator who waits for its work that it is gone, and leaves that token alone", async () => {
    const { ask, gone } = await withBob();
    const waiting = ask("POST", "/v1/agents/bob/claims", { waitSeconds: 60 });
    await Bun.sleep(0);
    await gone();
    expect((await waiting).body).toMatchObject({ status: 410, code: "gone" });
  });

  test("deleting an agent keeps its messages, sent and received", async () => {
    const { ask, send, bob, ann, gone } = await withBob();
    const ids = [await send("bob"), await send("ann", {}, bob)];
    await gone();
    for (const id of ids) expect((await ask("GET", `/v1/messages/${id}`, undefined, ann)).status).toBe(200);
    expect((await ask("GET", "/v1/messages?agent=bob")).body.items.length).toBeGreaterThanOrEqual(2);
  });

  test("G8: deleting an agent tells the senders of unread direct messages, once each, how many and which", async () => {
    const { ask, send, inbox, bob, gone, agent } = await withBob();
    const cleo = await agent("cleo");
    const read = await send("bob");
    await ask("POST", "/v1/agents/bob/inbox/ack", { upTo: read }, bob);
    const unread = [await send("bob"), await send("bob")];
    const cleos = await send("bob", {}, cleo);
    await send("tag:crew");
    await send("bob", {}, bob);
    await gone();
    const told = (await inbox("ann")).filter((item: { from: string }) => item.from === "system");
    expect(told).toMatchObject([{ kind: "system", payload: { agentId: "bob", undelivered: unread, count: 2 } }]);
    expect(told[0].body).toContain("bob");
    expect((await inbox("cleo")).filter((item: { from: string }) => item.from === "system")).toMatchObject([
      { payload: { undelivered: [cleos], count: 1 } },
    ]);
  });

  test("deleting an agent opens again what it held, for the others", async () => {
    const { ask, send, bob, ann, gone } = await withBob();
    const id = await send("tag:crew", { claimable: true });
    await ask("POST", `/v1/messages/${id}/claim`, {}, bob);
    await gone();
    expect((await ask("GET", `/v1/messages/${id}`)).body).toMatchObject({
      state: "open",
      attempts: [{ agentId: "bob", outcome: "expired" }],
    });
    expect((await ask("POST", `/v1/messages/${id}/claim`, {}, ann)).status).toBe(200);
  });

  test("deleting an agent may be done by itself or an operator; built-ins stay", async () => {
    const { ask, ann, bob } = await withBob();
    expect((await ask("DELETE", "/v1/agents/bob", undefined, ann)).status).toBe(403);
    for (const id of ["user", "system"]) expect((await ask("DELETE", `/v1/agents/${id}`)).status).toBe(403);
    expect((await ask("DELETE", "/v1/agents/bob", undefined, bob)).status).toBe(204);
    expect((await ask("DELETE", "/v1/agents/nobody")).status).toBe(404);
  });
});

test("a tombstone survives a restart", async () => {
  const { ask, gone, restart } = await withBob();
  await gone();
  await restart();
  expect((await ask("GET", "/v1/agents/bob")).body.code).toBe("gone");
  expect((await ask("GET", "/v1/agents")).body.items.map((one: { id: string }) => one.id)).not.toContain("bob");
});

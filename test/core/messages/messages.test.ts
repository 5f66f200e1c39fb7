import { describe, expect, test } from "bun:test";
import { startRelay } from "../../support/relay.ts";

describe("sending and reading", () => {
  test("a direct message is stored, matched, and in the target's inbox", async () => {
    const { ask, agent } = await startRelay();
    const alice = await agent("alice");
    const bob = await agent("bob");
    const sent = await ask("POST", "/v1/messages", { to: "bob", body: "hello" }, alice);
    expect(sent.status).toBe(201);
    expect(sent.body).toMatchObject({ from: "alice", to: "bob", kind: "chat", state: null, matched: 1 });
    const inbox = await ask("GET", "/v1/agents/bob/inbox", undefined, bob);
    expect(inbox.body.items.map((item: { body: string }) => item.body)).toEqual(["hello"]);
    expect(inbox.body).toMatchObject({ next: sent.body.id, cursor: sent.body.id - 1, head: sent.body.id, more: false });
  });

  test("an unknown target is refused with the nearest names", async () => {
    const { ask, agent } = await startRelay();
    const alice = await agent("alice");
    await agent("reviewer");
    const refused = await ask("POST", "/v1/messages", { to: "reviwer", body: "x" }, alice);
    expect(refused.status).toBe(422);
    expect(refused.body).toMatchObject({ code: "unknown-target", suggestions: ["reviewer"] });
  });

  test("G10: a forged from is refused", async () => {
    const { ask, agent } = await startRelay();
    const alice = await agent("alice");
    await agent("bob");
    const forged = await ask("POST", "/v1/messages", { from: "bob", to: "alice", body: "x" }, alice);
    expect(forged.status).toBe(403);
    expect((await ask("GET", "/v1/messages")).body.items).toEqual([]);
  });
});

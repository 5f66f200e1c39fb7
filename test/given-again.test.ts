import { describe, expect, test } from "bun:test";
import { startRelay, type TestRelay } from "./support/relay.ts";

/** Deletes an agent, and gives its id to somebody else. */
async function giveAgain(relay: TestRelay, id: string): Promise<{ token: string }> {
  await relay.pass(1000);
  await relay.ask("DELETE", `/v1/agents/${id}`);
  await relay.pass(1000);
  return relay.agent(id);
}

describe("who is given the id of an agent that was deleted (G10)", () => {
  test("does not see the pairs of the one before, nor act in them", async () => {
    const relay = await startRelay();
    const alice = await relay.agent("alice");
    const bob = await relay.agent("bob");
    const pair = await relay.ask("POST", "/v1/pairs", { target: "bob", objective: "secret" }, alice);
    const path = `/v1/pairs/${pair.body.id}`;
    const other = await giveAgain(relay, "alice");
    expect((await relay.ask("GET", "/v1/pairs", undefined, other)).body.items).toEqual([]);
    expect((await relay.ask("GET", path, undefined, other)).status).toBe(403);
    expect((await relay.ask("POST", `${path}/end`, {}, other)).status).toBe(403);
    expect((await relay.ask("GET", path, undefined, bob)).body.status).toBe("ended");
    const own = await relay.ask("POST", "/v1/pairs", { target: "bob" }, other);
    const { items } = (await relay.ask("GET", "/v1/pairs", undefined, other)).body;
    expect(items.map(({ id }: { id: string }) => id)).toEqual([own.body.id]);
  });

  test("ends no task of the one before", async () => {
    const relay = await startRelay();
    const alice = await relay.agent("alice");
    await relay.agent("bob");
    const plain = await relay.ask("POST", "/v1/tasks", { title: "secret" }, alice);
    const work = await relay.ask("POST", "/v1/tasks", { title: "secret", target: "bob" }, alice);
    const other = await giveAgain(relay, "alice");
    for (const { body } of [plain, work])
      for (const status of ["done", "cancelled"]) {
        const said = await relay.ask("POST", `/v1/tasks/${body.id}/status`, { status }, other);
        expect([said.status, JSON.stringify(said.body).includes("secret")]).toEqual([403, false]);
      }
    const own = await relay.ask("POST", "/v1/tasks", { title: "own" }, other);
    const done = await relay.ask("POST", `/v1/tasks/${own.body.id}/status`, { status: "done" }, other);
    expect(done.body.status).toBe("done");
  });

  test("takes back no work of the one before, and repeats no end of a lease", async () => {
    const relay = await startRelay();
    const alice = await relay.agent("alice", { tags: ["crew"] });
    const bob = await relay.agent("bob", { tags: ["crew"] });
    const draft = { to: "tag:crew", claimable: true, body: "secret" };
    const asked = await relay.ask("POST", "/v1/messages", draft, alice);
    const done = await relay.ask("POST", "/v1/messages", draft, bob);
    const claimed = await relay.ask("POST", `/v1/messages/${done.body.id}/claim`, {}, alice);
    const { token } = claimed.body.claim;
    const complete = `/v1/messages/${done.body.id}/complete`;
    expect((await relay.ask("POST", complete, { token }, alice)).status).toBe(200);
    expect((await relay.ask("POST", complete, { token }, alice)).status).toBe(200);
    const other = await giveAgain(relay, "alice");
    expect((await relay.ask("POST", `/v1/messages/${asked.body.id}/cancel`, undefined, other)).status).toBe(403);
    expect((await relay.ask("GET", `/v1/messages/${asked.body.id}`)).body.state).toBe("open");
    const again = await relay.ask("POST", complete, { token }, other);
    expect([again.status, again.body.code]).toEqual([409, "claim-lost"]);
    expect(JSON.stringify(again.body)).not.toContain("secret");
  });

  test("cancels nothing that was asked on under a delegation of the one before", async () => {
    const relay = await startRelay();
    const alice = await relay.agent("alice");
    const bob = await relay.agent("bob");
    await relay.agent("carol");
    const top = await relay.ask("POST", "/v1/delegations", { to: "bob", text: "secret" }, alice);
    const { id: parentId } = top.body;
    const below = await relay.ask("POST", "/v1/delegations", { to: "carol", text: "part", parentId }, bob);
    const other = await giveAgain(relay, "alice");
    for (const body of [{}, { tree: true }]) {
      const said = await relay.ask("POST", `/v1/delegations/${parentId}/cancel`, body, other);
      expect([said.status, JSON.stringify(said.body).includes("secret")]).toEqual([403, false]);
    }
    expect((await relay.ask("GET", `/v1/delegations/${below.body.id}`)).body.status).toBe("pending");
  });

  test("has idempotency keys of its own: what the one before sent is neither answered nor in the way (G5)", async () => {
    const relay = await startRelay();
    const alice = await relay.agent("alice");
    await relay.agent("bob");
    const send = (body: string, idempotencyKey: string, token: string) =>
      relay.ask("POST", "/v1/messages", { to: "bob", body, idempotencyKey }, { token });
    const first = await send("same", "k1", alice.token);
    await send("before", "k2", alice.token);
    const deliverAt = new Date(relay.clock.now() + 500).toISOString();
    const planned = { to: "bob", body: "later", idempotencyKey: "k3", deliverAt };
    await relay.ask("POST", "/v1/messages", planned, alice);
    const other = await giveAgain(relay, "alice");
    const mine = await send("same", "k1", other.token);
    expect([mine.status, mine.body.id === first.body.id]).toEqual([201, false]);
    expect((await send("after", "k2", other.token)).status).toBe(201);
    expect((await send("now", "k3", other.token)).status).toBe(201);
    const again = await send("same", "k1", other.token);
    expect([again.status, again.body.id]).toEqual([200, mine.body.id]);
  });
});

describe("a clock that was set back", () => {
  test("takes no pair and no work from who made it after that", async () => {
    const relay = await startRelay();
    const alice = await relay.agent("alice");
    const bob = await relay.agent("bob");
    relay.clock.advance(-3_600_000);
    const { body: pair } = await relay.ask("POST", "/v1/pairs", { target: "bob" }, alice);
    expect((await relay.ask("POST", `/v1/pairs/${pair.id}/accept`, {}, bob)).body.status).toBe("active");
    expect((await relay.ask("GET", "/v1/pairs", undefined, alice)).body.items).toHaveLength(1);
    const { body: task } = await relay.ask("POST", "/v1/tasks", { title: "own", target: "bob" }, alice);
    const said = await relay.ask("POST", `/v1/tasks/${task.id}/status`, { status: "cancelled" }, alice);
    expect(said.body.status).toBe("cancelled");
  });
});

describe("an idempotency key", () => {
  test("that made one thing makes no other, and goes on naming the first (G5)", async () => {
    const relay = await startRelay();
    const { token } = await relay.agent("alice");
    const how = { token, headers: { "idempotency-key": "k" } };
    const task = await relay.ask("POST", "/v1/tasks", { title: "once" }, how);
    const at = new Date(relay.clock.now() + 3_600_000).toISOString();
    const other = await relay.ask("POST", "/v1/schedules", { at, message: { to: "alice", body: "x" } }, how);
    expect([other.status, other.body.code]).toEqual([422, "idempotency-mismatch"]);
    const again = await relay.ask("POST", "/v1/tasks", { title: "once" }, how);
    expect([again.status, again.body.id]).toEqual([200, task.body.id]);
  });
});

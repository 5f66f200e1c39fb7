import { describe, expect, test } from "bun:test";
import { VERSION } from "../../../src/version.ts";
import { startRelay, type TestRelay } from "../../support/relay.ts";
import { until } from "../../support/until.ts";

const DAY = 86_400_000;

/** Deletes an agent and restores it; answers a new token. */
async function bringBack(relay: TestRelay, id: string): Promise<{ token: string }> {
  await relay.pass(1000);
  await relay.ask("DELETE", `/v1/agents/${id}`);
  await relay.pass(1000);
  await relay.ask("POST", `/v1/agents/${id}/restore`);
  return (await relay.ask("POST", "/v1/tokens", { role: "agent", agentId: id })).body;
}

async function withBob() {
  const relay = await startRelay();
  const ann = await relay.agent("ann", { tags: ["crew"] });
  const bob = await relay.agent("bob", { name: "Bob", tags: ["crew"], role: "builder", instanceId: "i-1" });
  const { ask } = relay;
  return {
    ...relay,
    ann,
    bob,
    send: async (to: string, fields = {}, who = ann) =>
      (await ask("POST", "/v1/messages", { to, body: "x", ...fields }, who)).body.id as number,
    ids: async (path: string) => (await ask("GET", path)).body.items.map((item: { id: number }) => item.id),
    gone: () => ask("DELETE", "/v1/agents/bob"),
    restore: (how = {}) => ask("POST", "/v1/agents/bob/restore", undefined, how),
  };
}

describe("the id of a deleted agent", () => {
  test("the id of a deleted agent is nobody else's: registering, tokens and enrolling are 409, whoever asks", async () => {
    const { ask, gone, bob } = await withBob();
    const enroll = (await ask("POST", "/v1/tokens", { role: "enroll", prefix: "bo" })).body;
    await gone();
    const calls: [string, string, object, { token?: string }][] = [
      ["PUT", "/v1/agents/bob", { name: "new" }, {}],
      ["PUT", "/v1/agents/bob", { name: "new", instanceId: "i-9" }, {}],
      ["PUT", "/v1/agents/bob", { name: "new" }, { token: enroll.token }],
      ["POST", "/v1/tokens", { role: "agent", agentId: "bob" }, {}],
    ];
    for (const [method, path, body, how] of calls) {
      const refused = await ask(method, path, body, how);
      expect([refused.status, refused.body.code]).toEqual([409, "deleted"]);
      expect(refused.body.detail).toContain("restore");
    }
    expect((await ask("PUT", "/v1/agents/bob", { name: "new" }, bob)).status).toBe(401);
    expect((await ask("PUT", "/v1/a2a/agents/bob", { cardUrl: "http://127.0.0.1:1/card" })).body.code).toBe("deleted");
    expect((await ask("GET", "/v1/agents/bob")).body.code).toBe("gone");
  });

  test("the id of a deleted agent stays its own over a restart", async () => {
    const { ask, gone, restart } = await withBob();
    await gone();
    await restart();
    expect((await ask("PUT", "/v1/agents/bob", { name: "new" })).body.code).toBe("deleted");
  });
});

describe("restoring an agent", () => {
  test("restoring an agent brings back the same one: name, role, cursor, mail and age, offline and without an instance", async () => {
    const { ask, bob, send, ids, gone, restore, clock } = await withBob();
    const before = (await ask("GET", "/v1/agents/bob")).body;
    const read = await send("bob");
    await ask("POST", "/v1/agents/bob/inbox/ack", { upTo: read }, bob);
    const unread = await send("bob");
    const own = await send("ann", {}, bob);
    clock.advance(1000);
    await gone();
    expect(await restore()).toMatchObject({
      status: 200,
      body: { ...before, status: "offline", instanceId: null, lastSeenAt: expect.any(String) },
    });
    expect((await restore()).status).toBe(200);
    expect(await ids("/v1/agents/bob/inbox")).toEqual([unread]);
    const next = (await ask("POST", "/v1/tokens", { role: "agent", agentId: "bob" })).body;
    for (const id of [read, unread, own])
      expect((await ask("GET", `/v1/messages/${id}`, undefined, next)).status).toBe(200);
    const { items } = (await ask("GET", "/v1/activity?subject=bob&limit=2")).body;
    expect(items.map(({ verb }: { verb: string }) => verb)).toContain("agent.restored");
  });

  test("restoring an agent begins direct mail at once and its groups from the head on", async () => {
    const { send, ids, gone, restore } = await withBob();
    await gone();
    const missed = await send("tag:crew");
    await restore();
    const got = [await send("bob"), await send("tag:crew"), await send("broadcast")];
    const inbox = await ids("/v1/agents/bob/inbox?after=0");
    expect(inbox).toEqual(got);
    expect(inbox).not.toContain(missed);
  });

  test("restoring an agent leaves older instances superseded, and goes on counting epochs", async () => {
    const { ask, gone, restore } = await withBob();
    await ask("PUT", "/v1/agents/bob", { name: "Bob", instanceId: "i-2" });
    await gone();
    await restore();
    for (const instanceId of ["i-1", "i-2"])
      expect((await ask("PUT", "/v1/agents/bob", { name: "Bob", instanceId })).body.code).toBe("superseded");
    expect((await ask("GET", "/v1/agents/bob/inbox", undefined, { instance: "i-2" })).body.code).toBe("superseded");
    const again = await ask("PUT", "/v1/agents/bob", { name: "Bob", instanceId: "i-3" });
    expect(again).toMatchObject({ status: 200, body: { epoch: 3, status: "online" } });
  });

  test("restoring an agent is an operator's alone, and 404 for an id that never was", async () => {
    const { ask, ann, gone, restore } = await withBob();
    const viewer = (await ask("POST", "/v1/tokens", { role: "viewer" })).body;
    await gone();
    for (const how of [ann, viewer]) expect((await restore(how)).status).toBe(403);
    expect((await ask("POST", "/v1/agents/never/restore")).body.code).toBe("not-found");
    expect((await ask("POST", "/v1/agents/user/restore")).status).toBe(200);
  });

  test("restoring an agent is also the orchestrator's that enrolled and deleted it, and no other's", async () => {
    const { ask } = await startRelay();
    const box = { hostname: "host", version: VERSION, providers: [], baseDir: "/srv" };
    const tokens = [];
    for (const id of ["box", "attic"]) {
      await ask("PUT", `/v1/orchestrators/${id}`, box);
      const draft = { role: "orchestrator", agentId: `orchestrator-${id}`, prefix: "box-" };
      tokens.push((await ask("POST", "/v1/tokens", draft)).body);
    }
    const [own, other] = tokens;
    await ask("PUT", "/v1/agents/box-1", { name: "One" }, own);
    await ask("PUT", "/v1/agents/box-2", { name: "Two" });
    expect((await ask("DELETE", "/v1/agents/box-1", undefined, other)).status).toBe(403);
    expect((await ask("DELETE", "/v1/agents/box-2", undefined, own)).status).toBe(403);
    expect((await ask("DELETE", "/v1/agents/box-1", undefined, own)).status).toBe(204);
    expect((await ask("PUT", "/v1/agents/box-1", { name: "One" }, own)).body.code).toBe("deleted");
    const restore = (id: string, how: object) => ask("POST", `/v1/agents/${id}/restore`, undefined, how);
    expect((await restore("box-1", other)).status).toBe(403);
    expect(await restore("box-1", own)).toMatchObject({ status: 200, body: { name: "One", status: "offline" } });
    expect((await restore("box-1", own)).status).toBe(200);
    await ask("DELETE", "/v1/agents/box-1");
    expect((await restore("box-1", own)).status).toBe(403);
  });

  test("restoring an agent gets a new token from the orchestrator that enrolled it, and from nobody else who enrolls", async () => {
    const { ask } = await startRelay();
    await ask("PUT", "/v1/orchestrators/box", { hostname: "box", version: VERSION, providers: [], baseDir: "/srv" });
    const draft = { prefix: "box-" };
    const enroll = (await ask("POST", "/v1/tokens", { ...draft, role: "enroll" })).body;
    const box = (await ask("POST", "/v1/tokens", { ...draft, role: "orchestrator", agentId: "orchestrator-box" })).body;
    const again = (how: object) =>
      ask("PUT", "/v1/agents/box-1", { name: "One", instanceId: crypto.randomUUID() }, how);
    const first = (await again(box)).body;
    await ask("POST", "/v1/messages", { to: "box-1", body: "unread" });
    await ask("DELETE", "/v1/agents/box-1", undefined, box);
    await ask("POST", "/v1/agents/box-1/restore", undefined, box);
    expect((await again(enroll)).status).toBe(403);
    const second = await again(box);
    expect([second.status, second.body.epoch]).toEqual([200, 2]);
    expect((await ask("GET", "/v1/whoami", undefined, first)).status).toBe(401);
    const { items } = (await ask("GET", "/v1/agents/box-1/inbox", undefined, second.body)).body;
    expect(items).toMatchObject([{ body: "unread" }]);
    expect((await again(box)).status).toBe(403);
  });

  test("restoring an agent says what retention took of its mail while it was deleted", async () => {
    const { ask, send, gone, restore, pass, ids, clock } = await withBob();
    const lost = await send("bob");
    await pass(20 * DAY);
    await gone();
    const kept = await send("ann");
    clock.advance(11 * DAY);
    await until(async () => (await ask("GET", `/v1/messages/${lost}`)).status === 404, "retention has run");
    await restore();
    const inbox = (await ask("GET", "/v1/agents/bob/inbox")).body;
    expect(inbox).toMatchObject({ items: [], reset: { lost: 1 } });
    expect(await ids("/v1/agents/ann/inbox")).toContain(kept);
  });

  test("restoring an agent past the retention time is 410: of the tombstone nothing but the id is left, and that stays taken", async () => {
    const { ask, gone, restore, pass, restart, clock } = await withBob();
    await gone();
    await pass(29 * DAY);
    expect((await restore()).status).toBe(200);
    await gone();
    await pass(25 * DAY);
    clock.advance(6 * DAY);
    const detail = async () => (await ask("GET", "/v1/agents/bob")).body.detail as string;
    await until(async () => !(await detail()).includes("restore"), "the tombstone has shrunk");
    await restart();
    expect((await restore()).body).toMatchObject({ status: 410, code: "gone" });
    expect((await ask("GET", "/v1/agents/bob")).body.code).toBe("gone");
    expect((await ask("PUT", "/v1/agents/bob", { name: "new" })).body.code).toBe("deleted");
    expect((await ask("POST", "/v1/tokens", { role: "agent", agentId: "bob" })).body.code).toBe("deleted");
    expect((await ask("POST", "/v1/messages", { to: "bob", body: "x" })).body.code).toBe("unknown-target");
  });
});

describe("a restored agent", () => {
  test("a restored agent has its pairs, tasks and files, and what it asked for and answered, but nothing that ended", async () => {
    const relay = await startRelay();
    const { ask } = relay;
    const alice = await relay.agent("alice");
    const bob = await relay.agent("bob");
    const pair = (await ask("POST", "/v1/pairs", { target: "bob", objective: "together" }, alice)).body.id;
    const plain = (await ask("POST", "/v1/tasks", { title: "own" }, alice)).body.id;
    const asked = (await ask("POST", "/v1/delegations", { to: "bob", text: "do" }, alice)).body.id;
    const owed = (await ask("POST", "/v1/delegations", { to: "alice", text: "do" }, bob)).body.id;
    const fileId = (
      await ask("POST", "/v1/files", "bytes", { token: alice.token, headers: { "content-type": "text/plain" } })
    ).body.id;
    const again = await bringBack(relay, "alice");
    expect((await ask("GET", "/v1/pairs", undefined, again)).body.items).toMatchObject([{ id: pair, status: "ended" }]);
    const done = await ask("POST", `/v1/tasks/${plain}/status`, { status: "done" }, again);
    expect(done.body.status).toBe("done");
    expect((await ask("GET", `/v1/delegations/${asked}`, undefined, again)).body.status).toBe("cancelled");
    expect((await ask("GET", `/v1/delegations/${owed}`, undefined, again)).body.status).toBe("failed");
    expect((await ask("GET", `/v1/files/${fileId}`, undefined, again)).status).toBe(200);
    const late = await ask("POST", `/v1/delegations/${owed}/response`, { text: "late" }, again);
    expect(late).toMatchObject({ status: 201, body: { status: "failed", late: true } });
  });

  test("a restored agent may cancel its own work and repeat the end of its own lease", async () => {
    const relay = await startRelay();
    const { ask } = relay;
    const alice = await relay.agent("alice", { tags: ["crew"] });
    const bob = await relay.agent("bob", { tags: ["crew"] });
    const draft = { to: "tag:crew", claimable: true, body: "x" };
    const mine = (await ask("POST", "/v1/messages", draft, alice)).body.id;
    const done = (await ask("POST", "/v1/messages", draft, bob)).body.id;
    const { token } = (await ask("POST", `/v1/messages/${done}/claim`, {}, alice)).body.claim;
    const complete = `/v1/messages/${done}/complete`;
    expect((await ask("POST", complete, { token }, alice)).status).toBe(200);
    const again = await bringBack(relay, "alice");
    expect((await ask("POST", complete, { token }, again)).status).toBe(200);
    expect((await ask("POST", `/v1/messages/${mine}/cancel`, undefined, again)).body.message.state).toBe("cancelled");
  });

  test("a restored agent gets the same answers for its idempotency keys (G5)", async () => {
    const relay = await startRelay();
    const alice = await relay.agent("alice");
    await relay.agent("bob");
    const send = (body: string, idempotencyKey: string, token: string) =>
      relay.ask("POST", "/v1/messages", { to: "bob", body, idempotencyKey }, { token });
    const first = await send("same", "k1", alice.token);
    const again = await bringBack(relay, "alice");
    expect(await send("same", "k1", again.token)).toMatchObject({ status: 200, body: { id: first.body.id } });
    expect((await send("other", "k1", again.token)).body.code).toBe("idempotency-mismatch");
  });
});

describe("deleting ends", () => {
  test("deleting an agent ends work for the agent alone as cancelled, held or not, and tells its sender once with all that is lost", async () => {
    const { ask, send, gone, ann, bob, pass } = await withBob();
    const talk = await send("bob");
    const held = await send("bob", { claimable: true });
    await ask("POST", `/v1/messages/${held}/claim`, {}, bob);
    const open = await send("bob", { claimable: true, urgent: true });
    const delayed = await send("bob", { claimable: true });
    const { token } = (await ask("POST", `/v1/messages/${delayed}/claim`, {}, bob)).body.claim;
    await ask("POST", `/v1/messages/${delayed}/release`, { token, delaySeconds: 600 }, bob);
    const done = await send("bob", { claimable: true });
    const lease = (await ask("POST", `/v1/messages/${done}/claim`, {}, bob)).body.claim;
    await ask("POST", `/v1/messages/${done}/complete`, { token: lease.token }, bob);
    // Acknowledged, and still not done.
    await ask("POST", "/v1/agents/bob/inbox/ack", { upTo: held }, bob);
    const unread = await send("bob", { expiresAt: new Date(Date.parse("2026-03-01T13:00:00Z")).toISOString() });
    await gone();
    for (const id of [held, open, delayed])
      expect((await ask("GET", `/v1/messages/${id}`)).body.state).toBe("cancelled");
    expect((await ask("GET", `/v1/messages/${done}`)).body.state).toBe("done");
    await pass(2 * 3_600_000);
    const told = (await ask("GET", "/v1/agents/ann/inbox?after=0&kind=system", undefined, ann)).body.items;
    expect(told.map(({ payload }: { payload: object }) => payload)).toEqual([
      {
        agentId: "bob",
        count: 4,
        undelivered: [held, open, delayed, unread],
        cancelled: [held, open, delayed],
      },
    ]);
    expect(told[0].payload.undelivered).not.toContain(talk);
  });

  test("deleting an agent ends a group's work that it held: that is open again, even when it was the last attempt", async () => {
    const { ask, send, gone, ann, bob } = await withBob();
    const id = await send("tag:crew", { claimable: true, maxAttempts: 1 });
    await ask("POST", `/v1/messages/${id}/claim`, {}, bob);
    await gone();
    expect((await ask("GET", `/v1/messages/${id}`)).body.state).toBe("open");
    expect((await ask("POST", `/v1/messages/${id}/claim`, {}, ann)).status).toBe(200);
  });

  test("deleting an agent ends many thousands of pieces of work: the first in the write, the rest soon after, over a restart", async () => {
    const { ask, gone, restore, restart, relay, ann } = await withBob();
    const messages = Array.from({ length: 1000 }, () => ({ to: "bob", body: "x", claimable: true }));
    for (let n = 0; n < 6; n++) expect((await ask("POST", "/v1/messages/batch", { messages })).status).toBe(201);
    await ask("POST", "/v1/messages/batch", { messages: messages.slice(0, 10) }, ann);
    await gone();
    expect((await ask("GET", "/v1/messages?to=bob&state=open&limit=1")).body.items).toHaveLength(1);
    await restart();
    await restore();
    const kept = (await ask("POST", "/v1/messages", { to: "bob", body: "new", claimable: true })).body.id;
    await relay.settle();
    const open = (await ask("GET", "/v1/messages?to=bob&state=open")).body.items;
    expect(open.map(({ id }: { id: number }) => id)).toEqual([kept]);
    for (const who of ["user", "ann"]) {
      const { items } = (await ask("GET", `/v1/agents/${who}/inbox?after=0&kind=system`)).body;
      expect(items).toMatchObject([{ payload: { agentId: "bob" } }]);
      // Told by what was found in the first write.
      if (who === "user") expect(items[0].body).toContain("5000 or more");
    }
  });

  test("deleting an agent ends a delegation with one answer to its asker, and no second notice", async () => {
    const { ask, gone, ann } = await withBob();
    const asked = (await ask("POST", "/v1/delegations", { to: "bob", text: "do" }, ann)).body;
    await gone();
    const { items } = (await ask("GET", "/v1/agents/ann/inbox?after=0", undefined, ann)).body;
    expect(items).toMatchObject([{ kind: "response", replyTo: asked.messageId }]);
  });

  test("deleting an agent ends its planned messages, schedules and webhooks, and bindings to it: restoring revives none", async () => {
    const { ask, gone, restore, bob, pass, clock, agent } = await withBob();
    await agent("telegram:main", { channel: { provider: "telegram", accountId: "main" } });
    await ask("PUT", "/v1/channels/telegram:main/access", { mode: "open" });
    await ask("PUT", "/v1/channels/telegram:main/bindings", { target: "bob" });
    await ask("PUT", "/v1/channels/telegram:main/bindings", { target: "ann", conversationId: "c1", fallback: "bob" });
    const deliverAt = new Date(clock.now() + 60_000).toISOString();
    await ask("POST", "/v1/messages", { to: "ann", body: "later", deliverAt }, bob);
    await ask("POST", "/v1/schedules", { at: deliverAt, message: { to: "ann", body: "tick" } }, bob);
    await ask("POST", "/v1/webhooks", { url: "http://127.0.0.1:9/", events: ["message.created"] }, bob);
    await gone();
    await restore();
    await pass(61_000);
    expect((await ask("GET", "/v1/messages?to=ann&from=bob")).body.items).toEqual([]);
    expect((await ask("GET", "/v1/webhooks")).body.items).toEqual([]);
    const event = (conversationId: string) => {
      const said = { conversationId, externalId: conversationId, sender: { id: "1", name: "x" }, text: "hi" };
      return ask("POST", "/v1/channels/telegram:main/events", said);
    };
    expect((await event("c9")).body).toMatchObject({ routed: 0, messages: [{ to: "user" }] });
    const { items } = (await ask("GET", "/v1/bindings")).body;
    expect(items).toHaveLength(2);
    expect(items).toContainEqual(expect.objectContaining({ target: "bob", endedAt: expect.any(String) }));
    expect(items).toContainEqual(expect.objectContaining({ target: "ann", fallback: null, endedAt: null }));
    await ask("PUT", "/v1/channels/telegram:main/bindings", { target: "bob" });
    expect((await event("c10")).body).toMatchObject({ routed: 1, messages: [{ to: "bob" }] });
  });
});

describe("a chat account that is added again", () => {
  test("a chat account that is added again is the same channel: its agent is restored, and what came in before is known", async () => {
    const { ask, agent } = await startRelay();
    await agent("a");
    const said = { name: "Main", channel: { provider: "telegram", accountId: "main" } };
    await ask("PUT", "/v1/agents/telegram:main", said);
    const createdAt = (await ask("GET", "/v1/agents/telegram:main")).body.createdAt;
    await ask("PUT", "/v1/channels/telegram:main/bindings", { target: "a" });
    const event = { conversationId: "c", externalId: "1", sender: { id: "1", name: "x" }, text: "hi" };
    const first = await ask("POST", "/v1/channels/telegram:main/events", event);
    await ask("DELETE", "/v1/agents/telegram:main");
    expect((await ask("GET", "/v1/channels/telegram:main")).status).toBe(404);
    expect(await ask("PUT", "/v1/agents/telegram:main", said)).toMatchObject({ status: 200, body: { createdAt } });
    expect((await ask("GET", "/v1/channels/telegram:main")).body.bindings).toEqual([]);
    const again = await ask("POST", "/v1/channels/telegram:main/events", event);
    expect([again.status, again.body.messages[0].id]).toEqual([200, first.body.messages[0].id]);
    expect((await ask("POST", "/v1/tokens", { role: "agent", agentId: "telegram:main" })).status).toBe(201);
  });

  test("a chat account that is added again that the relay runs itself comes back by its own call", async () => {
    const { ask } = await startRelay();
    expect((await ask("PUT", "/v1/channels/webhook:desk/webhook", { name: "Desk" })).status).toBe(201);
    await ask("DELETE", "/v1/agents/webhook:desk");
    expect((await ask("PUT", "/v1/channels/webhook:desk/webhook", { name: "Desk" })).status).toBe(201);
    expect((await ask("GET", "/v1/channels/webhook:desk")).status).toBe(200);
  });

  test("a chat account whose agent is restored is a channel again, too", async () => {
    const { ask } = await startRelay();
    const said = { name: "Main", channel: { provider: "telegram", accountId: "main" } };
    await ask("PUT", "/v1/agents/telegram:main", said);
    await ask("DELETE", "/v1/agents/telegram:main");
    expect((await ask("POST", "/v1/agents/telegram:main/restore")).status).toBe(200);
    expect((await ask("GET", "/v1/channels/telegram:main")).status).toBe(200);
  });

  test("a chat account that is added again past the retention time begins anew, but its epoch goes on rising", async () => {
    const { ask, pass, clock } = await startRelay();
    const said = (instanceId: string) => ({
      name: "Main",
      instanceId,
      channel: { provider: "telegram", accountId: "main" },
    });
    for (const instanceId of ["i-1", "i-2"]) await ask("PUT", "/v1/agents/telegram:main", said(instanceId));
    await ask("DELETE", "/v1/agents/telegram:main");
    await pass(25 * DAY);
    clock.advance(6 * DAY);
    const detail = async () => (await ask("GET", "/v1/agents/telegram:main")).body.detail as string;
    await until(async () => !(await detail()).includes("restore"), "the tombstone has shrunk");
    expect((await ask("PUT", "/v1/agents/telegram:main", said("i-3"))).body).toMatchObject({
      kind: "channel",
      epoch: 3,
    });
    expect((await ask("GET", "/v1/channels/telegram:main")).status).toBe(200);
  });
});

describe("a clock that was set back", () => {
  test("a clock that was set back takes no pair and no work from who made it after that", async () => {
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
  test("an idempotency key that made one thing makes no other, and goes on naming the first (G5)", async () => {
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

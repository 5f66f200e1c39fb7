import { describe, expect, test } from "bun:test";
import { startBox } from "../../support/commands.ts";
import { listen } from "../../support/listen.ts";
import { openStream } from "../../support/stream.ts";

const DAY = 24 * 3_600_000;
const TO = "orchestrator:box/codex";
let sessions = 0;

async function start(fields: object = {}) {
  const box = await startBox(fields);
  const { ask, daemon } = box;
  return {
    ...box,
    get relay() {
      return box.relay;
    },
    send: (by: { token?: string } = {}, to = TO, more: object = {}) =>
      ask("POST", "/v1/messages", { to, body: "Look at the queue.", ...more }, by),
    /** Mail of an agent, as the daemon reads it for it. */
    mail: async (id = "box-codex") =>
      (await ask("GET", `/v1/agents/${id}/inbox?after=0&limit=100`, undefined, daemon)).body.items,
    /** A main session that is idle. */
    live: async (place: unknown = "user", id = "box-codex") => {
      const draft = { agentId: id, provider: "codex", lane: "main", place, state: "idle" };
      const made = await ask("PUT", `/v1/sessions/ses_${String(++sessions).padStart(20, "a")}`, draft, daemon);
      expect(made.status).toBe(201);
    },
    waiting: async () => (await ask("GET", "/v1/approvals?state=pending")).body.items,
    async answer({ id, hash }: { id: string; hash: string }, option: string) {
      expect((await ask("POST", `/v1/approvals/${id}/answer`, { option, hash })).status).toBe(200);
      await box.relay.settle();
    },
  };
}

describe("a message to a provider of an orchestrator", () => {
  test("a message to what names nobody is refused, with what is there instead, and nothing is registered for it", async () => {
    const { send, ask } = await start();
    const wrong: [string, string[]][] = [
      ["orchestrator:box/codx", [TO]],
      ["orchestrator:box/nothing-like-it", ["orchestrator:box/claude", TO]],
      ["orchestrator:bax/codex", [TO]],
      ["orchestrator:box/", []],
      ["orchestrator:/codex", []],
      ["orchestrator:box/../codex", ["orchestrator:box/codex", "orchestrator:box/claude"]],
      ["orchestrator:box/codex/more", [TO]],
    ];
    for (const [to, suggestions] of wrong) {
      const { status, body } = await send({}, to);
      expect([to, status, body.code]).toEqual([to, 422, "unknown-target"]);
      if (suggestions.length > 0) expect(body.suggestions).toEqual(expect.arrayContaining(suggestions));
    }
    const long = await send({}, `orchestrator:box/${"x".repeat(5000)}`);
    expect(long.status).toBe(422);
    expect((await ask("GET", "/v1/agents/box-codex")).status).toBe(404);
  });

  test("a message never reaches an agent of somebody else that has its id, nor a deleted one", async () => {
    const { send, ask } = await start();
    await ask("PUT", "/v1/agents/box-codex", { name: "not the daemon's" });
    const taken = await send();
    expect(taken.body).toMatchObject({ status: 422, code: "unknown-target" });
    expect(taken.body.detail).toContain("no agent of box");
    await ask("DELETE", "/v1/agents/box-codex");
    expect((await send()).body.detail).toContain("was deleted");
  });

  test("agents that may not spawn are refused, and so is everybody where it is closed or drains; nothing is left of it", async () => {
    const { send, ask, ada, bob } = await start();
    expect((await send(bob)).body).toMatchObject({ status: 403, code: "forbidden" });
    await ask("PATCH", "/v1/orchestrators/box", { approvalMode: "closed" });
    expect((await send(ada)).body.detail).toContain("closed");
    expect((await send()).body.detail).toContain("closed");
    await ask("PATCH", "/v1/orchestrators/box", { approvalMode: "open", status: "draining" });
    expect((await send(ada)).body).toMatchObject({ status: 409, code: "conflict" });
    expect((await ask("GET", "/v1/agents/box-codex")).status).toBe(404);
  });

  test("registers the agent in the same write, whose message the open stream of the daemon carries at once", async () => {
    const box = await start();
    const { send, ask, ada, daemon, mail, live, bob } = box;
    const stream = await openStream(`${listen(box)}/v1/orchestrators/box/inbox/stream`, daemon);
    await stream.first("hello");
    const { status, body } = await send(ada);
    expect([status, body.to]).toEqual([201, "box-codex"]);
    await stream.until((so) => so.of("message").length === 1);
    expect(stream.of("message")[0]?.data).toMatchObject({ for: ["box-codex"], message: { id: body.id, from: "ada" } });
    expect(stream.of("agent").map(({ data }) => data.agentId)).toEqual(["box-codex"]);
    expect((await ask("GET", "/v1/agents/box-codex")).body).toMatchObject({ kind: "provider", tags: [] });
    expect((await mail()).map(({ id }: { id: number }) => id)).toEqual([body.id]);
    await live({ threadId: body.id });
    await ask("PATCH", "/v1/orchestrators/box", { approvalMode: "closed" });
    expect((await send(bob)).status).toBe(403);
    expect((await send(ada, TO, { replyTo: body.id })).status).toBe(201);
    expect(await mail()).toHaveLength(2);
    await stream.close();
  });

  test("registers the agent once for all messages of a batch, for delegations, tasks, bindings and later times", async () => {
    const { send, ask, ada, mail, clock, relay } = await start();
    const two = { messages: [1, 2].map((n) => ({ to: TO, body: `part ${n}` })) };
    expect((await ask("POST", "/v1/messages/batch", two, ada)).status).toBe(201);
    expect((await ask("POST", "/v1/delegations", { to: TO, text: "please" }, ada)).body.to).toBe("box-codex");
    expect((await ask("POST", "/v1/tasks", { title: "Sweep", target: TO }, ada)).body.target).toBe("box-codex");
    await ask("PUT", "/v1/agents/chat:main", { name: "Chat", channel: { provider: "chat", accountId: "main" } });
    const binding = await ask("PUT", "/v1/channels/chat:main/bindings", { target: "ada", also: [TO, "box-codex"] });
    expect(binding.body).toMatchObject({ target: "ada", also: ["box-codex"] });
    const channel = { provider: "chat", accountId: "two", target: "orchestrator:box/claude" };
    await ask("PUT", "/v1/agents/chat:two", { name: "Chat", channel });
    const [own] = (await ask("GET", "/v1/channels/chat:two/bindings")).body.items;
    expect(own).toMatchObject({ target: "box-claude", origin: "registered" });
    const nobody = { name: "Chat", channel: { ...channel, target: "orchestrator:box/codx" } };
    expect((await ask("PUT", "/v1/agents/chat:two", nobody)).body.errors[0].pointer).toBe("/channel/target");
    const later = await send(ada, "orchestrator:box/claude", { deliverAt: new Date(clock.now() + 1000).toISOString() });
    expect(later.status).toBe(202);
    clock.advance(2000);
    await relay.settle();
    expect(await mail("box-claude")).toHaveLength(1);
    expect((await mail()).map(({ kind }: { kind: string }) => kind)).toEqual(["chat", "chat", "request", "task"]);
  });
});

describe("G14: a message that makes a spawn, where a person has to allow it", () => {
  test("G14: it waits outside the log until it is allowed, and goes out once, as it was written", async () => {
    const { send, ada, mail, waiting, answer } = await start({ approvalMode: "ask" });
    const made = await send(ada, TO, { idempotencyKey: "k", subject: "Queue" });
    expect(made.status).toBe(202);
    const [approval] = await waiting();
    expect(approval).toMatchObject({
      ...{ kind: "spawn", agentId: "ada", orchestratorId: "box", title: "Spawn box-codex on box for a message" },
      subject: { type: "spawn", provider: "codex", agentId: "box-codex", prompt: "Look at the queue." },
    });
    expect(await mail()).toEqual([]);
    expect((await send(ada, TO, { idempotencyKey: "k", subject: "Queue" })).body.scheduleId).toBe(made.body.scheduleId);
    expect(await waiting()).toHaveLength(1);
    await answer(approval, "allow");
    await answer(approval, "allow");
    expect(await mail()).toMatchObject([{ from: "ada", subject: "Queue", body: "Look at the queue." }]);
  });

  test("G14: it is never sent when nobody allows it, and its sender is told why", async () => {
    const { send, ada, mail, inbox, waiting, answer, pass } = await start({ approvalMode: "ask" });
    await send(ada);
    await answer((await waiting())[0], "deny");
    await send(ada);
    await pass(2 * DAY);
    expect(await mail()).toEqual([]);
    const told = (await inbox(ada)).filter(({ subject }: { subject: string }) => subject?.includes("was not sent"));
    expect(told.map(({ body }: { body: string }) => body)).toEqual([
      expect.stringContaining("denied it"),
      expect.stringContaining("nobody allowed it in time"),
    ]);
  });

  test("G14: what was allowed goes nowhere when the orchestrator was closed meanwhile, or its sender took it back", async () => {
    const { send, ask, ada, mail, waiting, answer } = await start({ approvalMode: "ask" });
    const taken = await send(ada);
    expect((await ask("DELETE", `/v1/schedules/${taken.body.scheduleId}`, undefined, ada)).status).toBe(204);
    expect(await waiting()).toEqual([]);
    await send(ada);
    await ask("PATCH", "/v1/orchestrators/box", { approvalMode: "closed" });
    await answer((await waiting())[0], "allow");
    expect(await mail()).toEqual([]);
  });

  test("G14: people are not asked, agents that may not spawn are refused, and a pair says what waits", async () => {
    const { send, ada, bob, ask, daemon, mail, waiting } = await start({ approvalMode: "ask" });
    expect((await send(bob)).status).toBe(403);
    await ask("PUT", "/v1/agents/box-claude", { name: "Claude" }, daemon);
    const refused = await ask("POST", "/v1/pairs", { target: "box-claude" }, ada);
    expect(refused.body).toMatchObject({ status: 403, code: "forbidden" });
    expect(refused.body.detail).toContain("Send it a message");
    expect((await send()).status).toBe(201);
    expect(await waiting()).toEqual([]);
    expect(await mail()).toHaveLength(1);
  });
});

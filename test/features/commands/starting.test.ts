import { describe, expect, test } from "bun:test";
import { startBox } from "../../support/commands.ts";
import { listen } from "../../support/listen.ts";
import { connect } from "../../support/mcp.ts";
import { openSocket } from "../../support/socket.ts";
import { openStream } from "../../support/stream.ts";
import type { Worker } from "../../support/work.ts";

const AT = "2099-01-01T00:00:00Z";
const TO = "box-codex";

/** A relay whose `box` runs `box-codex`; `ada` may spawn there, `bob` may not. */
async function start() {
  const box = await startBox();
  const { ask, daemon } = box;
  await box.enrolled(TO);
  await ask("PATCH", `/v1/agents/${TO}`, { tags: ["crew"] });
  let sessions = 0;
  return {
    ...box,
    get relay() {
      return box.relay;
    },
    mode: (approvalMode: string) => ask("PATCH", "/v1/orchestrators/box", { approvalMode }),
    /** A main session that is idle at a place. */
    async main(place: unknown) {
      const draft = { agentId: TO, provider: "codex", lane: "main", state: "idle", place };
      const made = await ask("PUT", `/v1/sessions/ses_${++sessions}`, draft, daemon);
      expect(made.status).toBe(201);
    },
    waiting: async () => (await ask("GET", "/v1/approvals?state=pending")).body.items,
    async answer({ id, hash }: { id: string; hash: string }, option: string) {
      expect((await ask("POST", `/v1/approvals/${id}/answer`, { option, hash })).status).toBe(200);
      await box.relay.settle();
    },
    /** Bodies that the daemon's stream carries for the agent. */
    async heard(): Promise<string[]> {
      const stream = await openStream(`${listen(box)}/v1/orchestrators/box/inbox/stream?after=0`, daemon);
      const { id } = (await ask("POST", "/v1/messages", { to: "orchestrator:box", body: "end" })).body;
      await stream.until((so) => so.of("message").at(-1)?.data.message.id === id);
      await stream.close();
      const mine = stream.of("message").filter((one) => one.data.for.includes(TO));
      return mine.map((one) => one.data.message.body);
    },
  };
}

const fail = (): never => {
  throw new Error("there is no approval");
};
type World = Awaited<ReturnType<typeof start>>;
const post = (path: string, body: (text: string) => object) => (world: World, by: Worker, text: string) =>
  world
    .ask("POST", path, body(text), by)
    .then(({ status, body: said }) => (status < 300 ? "sent" : (said.code as string)));

/** Every way of one agent to another, and what it says where a person has to be asked. */
const WAYS: [name: string, send: (world: World, by: Worker, text: string) => Promise<string>, asked: string][] = [
  ["a message", post("/v1/messages", (body) => ({ to: TO, body })), "sent"],
  ["its provider's name", post("/v1/messages", (body) => ({ to: "orchestrator:box/codex", body })), "sent"],
  ["claimable work", post("/v1/messages", (body) => ({ to: TO, body, claimable: true })), "sent"],
  ["a batch", post("/v1/messages/batch", (body) => ({ messages: [{ to: TO, body }] })), "sent"],
  ["a delegation", post("/v1/delegations", (text) => ({ to: TO, text })), "sent"],
  ["a later time", post("/v1/messages", (body) => ({ to: TO, body, deliverAt: AT })), "invalid"],
  ["a task", post("/v1/tasks", (title) => ({ title, target: TO })), "forbidden"],
  ["a schedule", post("/v1/schedules", (body) => ({ at: AT, message: { to: TO, body } })), "forbidden"],
  ["a run", post("/v1/runs", (task) => ({ agentId: TO, task })), "forbidden"],
  ["a pair", post("/v1/pairs", (objective) => ({ target: TO, objective })), "forbidden"],
  [
    "a socket",
    async (world, by, body) => {
      const socket = await openSocket(`${listen(world)}/v1/agents/${by.id}/socket`, by);
      const answer = await socket.ask({ type: "send", message: { to: TO, body } });
      socket.ws.close();
      return answer.type === "ok" ? "sent" : answer.problem.code;
    },
    "sent",
  ],
  [
    "MCP",
    async (world, by, text) => {
      const { isError, text: said } = await (await connect(world, by.token)).call("send", { to: TO, text });
      return isError ? (said.includes("may not start") || said.includes("closed") ? "forbidden" : said) : "sent";
    },
    "sent",
  ],
  [
    "A2A",
    async ({ ask }, by, text) => {
      const message = { messageId: `m-${text}`, role: "ROLE_USER", parts: [{ text }] };
      const params = { message, configuration: { returnImmediately: true } };
      const call = { jsonrpc: "2.0", id: 1, method: "SendMessage", params };
      const { body } = await ask("POST", `/a2a/${TO}`, call, { ...by, headers: { "a2a-version": "1.0" } });
      return body.result
        ? "sent"
        : /may not start|is closed/.test(body.error.message)
          ? "forbidden"
          : JSON.stringify(body);
    },
    "sent",
  ],
];

describe("G14: who may start an agent that an orchestrator runs", () => {
  test("G14: no way starts it for an agent that may not, or where the orchestrator is closed; nothing of it reaches the daemon", async () => {
    const world = await start();
    for (const [name, send] of WAYS)
      expect([name, await send(world, world.bob, `bob: ${name}`)]).toEqual([name, "forbidden"]);
    await world.mode("closed");
    for (const [name, send] of WAYS)
      expect([name, await send(world, world.ada, `ada: ${name}`)]).toEqual([name, "forbidden"]);
    const { body } = await world.ask("POST", "/v1/messages", { to: TO, body: "x" });
    expect(body.detail).toContain("box is closed");
    expect(await world.waiting()).toEqual([]);
    expect(await world.heard()).toEqual([]);
  });

  test("G14: where a person has to allow it, every way waits for that or is refused, and the daemon hears what was allowed alone", async () => {
    const world = await start();
    await world.mode("ask");
    for (const [name, send, asked] of WAYS) expect([name, await send(world, world.ada, name)]).toEqual([name, asked]);
    expect(await world.heard()).toEqual([]);
    const held = WAYS.filter(([, , asked]) => asked === "sent").map(([name]) => name);
    const waiting: { id: string; hash: string; subject: { prompt: string } }[] = await world.waiting();
    expect(waiting.map(({ subject }) => subject.prompt).toSorted()).toEqual(held.toSorted());
    for (const one of waiting) await world.answer(one, one.subject.prompt === "a batch" ? "deny" : "allow");
    expect((await world.heard()).toSorted()).toEqual(held.filter((name) => name !== "a batch").toSorted());
  });

  test("G14: a delegation that waits is answered once it was allowed, fails with the reason, and takes its approval along", async () => {
    const world = await start();
    const { ask, ada, waiting, answer } = world;
    await world.mode("ask");
    const made = async () =>
      (await ask("POST", "/v1/delegations", { to: TO, text: "How many?", context: { summary: "Tests" } }, ada)).body;
    const see = async ({ id }: { id: string }) => (await ask("GET", `/v1/delegations/${id}`, undefined, ada)).body;
    const [one, two, three] = [await made(), await made(), await made()];
    const all: { id: string; hash: string }[] = await waiting();
    const [first, middle, last] = [one, two, three].map(({ approvalId }) => all.find(({ id }) => id === approvalId));
    expect(one).toMatchObject({ status: "pending", approvalId: first?.id });
    await answer(first ?? fail(), "allow");
    const codex = { id: TO, token: world.daemon.token };
    const [request] = (await ask("GET", `/v1/agents/${TO}/inbox?after=0`, undefined, codex)).body.items;
    expect(request).toMatchObject({
      body: "How many?",
      payload: { delegationId: one.id, context: { summary: "Tests" } },
    });
    await ask("POST", `/v1/delegations/${one.id}/response`, { text: "Three.", agentId: TO }, codex);
    expect(await see(one)).toMatchObject({ status: "answered", answer: { text: "Three." } });
    await answer(middle ?? fail(), "deny");
    expect(await see(two)).toMatchObject({ status: "failed" });
    await ask("POST", `/v1/delegations/${three.id}/cancel`, {}, ada);
    expect((await ask("GET", `/v1/approvals/${last?.id}`)).body.state).toBe("withdrawn");
  });

  test("G14: a session that runs at the place of a message takes it as text, and so does one that is answered", async () => {
    const world = await start();
    const { ask, ada, bob, main, daemon } = world;
    const say = (by: { token?: string }, fields: object) =>
      ask("POST", "/v1/messages", { to: TO, body: "x", ...fields }, by);
    const first = (await say(ada, {})).body.id;
    const own = (await ask("POST", "/v1/messages", { from: TO, to: "bob", body: "Which key?" }, daemon)).body.id;
    await main("user");
    await world.mode("closed");
    expect((await say({}, {})).status).toBe(201);
    expect((await say(ada, {})).status).toBe(403);
    expect((await say(ada, { replyTo: first })).status).toBe(403);
    await main({ threadId: first });
    expect((await say(ada, { replyTo: first })).status).toBe(201);
    expect((await say(bob, { replyTo: own })).status).toBe(201);
  });

  test("G14: a message to a group reaches everybody but members that its sender may not start, and explain says so", async () => {
    const world = await start();
    const { ask, ada, bob, inbox } = world;
    await ask("PATCH", "/v1/agents/ada", { tags: ["crew"] });
    const group = async (by: { token?: string }, body: string) =>
      (await ask("POST", "/v1/messages", { to: "tag:crew", body }, by)).body.id;
    const [id] = [await group(bob, "by bob"), await group({}, "by a person")];
    await world.mode("ask");
    await group(ada, "by ada, asked");
    await world.mode("open");
    await group(ada, "by ada");
    expect((await inbox(ada)).map(({ body }: { body: string }) => body)).toContain("by bob");
    expect(await world.heard()).toEqual(["by a person", "by ada"]);
    const { recipients } = (await ask("GET", `/v1/messages/${id}/explain`)).body;
    expect(recipients.find(({ agentId }: { agentId: string }) => agentId === TO).sentence).toContain(
      "not sent on to box-codex: bob may not start it",
    );
  });

  test("G14: a chat of guests starts the agent that it is bound to, but not where that is closed, and no bot does; the chat is told", async () => {
    const world = await start();
    const { ask } = world;
    const channel = { provider: "chat", accountId: "main" };
    await ask("PUT", "/v1/agents/chat:main", { name: "Chat", channel });
    const adapter = (await ask("POST", "/v1/tokens", { role: "agent", agentId: "chat:main" })).body;
    await ask("PUT", "/v1/channels/chat:main/bindings", {
      conversationId: "c",
      target: "orchestrator:box/codex",
      also: ["orchestrator:box/claude"],
    });
    let count = 0;
    const event = async (text: string, isBot = false) => {
      const sender = { id: "9", name: "Ada", isBot };
      const draft = { conversationId: "c", externalId: `e${++count}`, sender, text };
      return (await ask("POST", "/v1/channels/chat:main/events", draft, adapter)).body;
    };
    expect(await event("hello")).toMatchObject({ routed: 1, messages: [{ to: TO }] });
    expect(await event("@orchestrator:box/claude look")).toMatchObject({
      messages: [{ to: "box-claude", body: "look" }],
    });
    expect(await event("/ask box-claude look")).toMatchObject({ messages: [{ to: "box-claude" }] });
    expect(await event("beep", true)).toMatchObject({ routed: 0, messages: [{ to: "user" }] });
    await world.mode("closed");
    expect(await event("and now")).toMatchObject({ routed: 0, messages: [{ to: "user" }] });
    const posts = (await ask("GET", "/v1/messages?to=chat:main")).body.items;
    expect(posts.map(({ body }: { body: string }) => body)).toEqual([
      expect.stringContaining("Not delivered: box is closed"),
    ]);
    await world.main({ conversation: { channelId: "chat:main", conversationId: "c" } });
    expect(await event("again")).toMatchObject({ routed: 1 });
  });
});

import { describe, expect, test } from "bun:test";
import { startBox } from "../../support/commands.ts";
import { listen } from "../../support/listen.ts";
import { connect } from "../../support/mcp.ts";
import { openSocket } from "../../support/socket.ts";
import { openStream } from "../../support/stream.ts";
import type { Worker } from "../../support/work.ts";

const MINUTE = 60_000;
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

const soon = ({ clock }: World) => new Date(clock.now() + MINUTE).toISOString();

/** A chat's answer is a stream: its status says whether the words were taken. */
const chat = (path: string, body: (text: string) => object) => async (world: World, by: Worker, text: string) => {
  const stop = new AbortController();
  const headers = { authorization: `Bearer ${by.token}`, "content-type": "application/json" };
  const how = { method: "POST", headers, body: JSON.stringify(body(text)), signal: stop.signal };
  const answer = await fetch(`${listen(world)}${path}`, how);
  if (answer.status >= 300) return (await answer.json()).code;
  stop.abort();
  return "sent";
};

/** Every way of one agent to another, and what it says where a person has to be asked. */
const WAYS: [name: string, send: (world: World, by: Worker, text: string) => Promise<string>, asked: string][] = [
  ["a message", post("/v1/messages", (body) => ({ to: TO, body })), "sent"],
  ["its provider's name", post("/v1/messages", (body) => ({ to: "orchestrator:box/codex", body })), "sent"],
  ["claimable work", post("/v1/messages", (body) => ({ to: TO, body, claimable: true })), "sent"],
  ["a batch", post("/v1/messages/batch", (body) => ({ messages: [{ to: TO, body }] })), "sent"],
  ["a delegation", post("/v1/delegations", (text) => ({ to: TO, text })), "sent"],
  [
    "a later time",
    (world, by, text) => post("/v1/messages", (body) => ({ to: TO, body, deliverAt: soon(world) }))(world, by, text),
    "sent",
  ],
  ["a task", post("/v1/tasks", (title) => ({ title, target: TO })), "sent"],
  ["a task by its provider", post("/v1/tasks", (title) => ({ title, target: "orchestrator:box/codex" })), "sent"],
  [
    "a schedule",
    (world, by, text) =>
      post("/v1/schedules", (body) => ({ at: soon(world), message: { to: TO, body } }))(world, by, text),
    "sent",
  ],
  ["a run", post("/v1/runs", (task) => ({ agentId: TO, task })), "sent"],
  [
    "a chat",
    chat(`/v1/chat/${TO}`, (text) => ({
      id: "c",
      messages: [{ id: "m", role: "user", parts: [{ type: "text", text }] }],
    })),
    "sent",
  ],
  [
    "AG-UI",
    chat(`/v1/agui/${TO}`, (content) => ({
      ...{ threadId: "t", runId: "r", state: {}, tools: [], context: [], forwardedProps: {} },
      messages: [{ id: "m", role: "user", content }],
    })),
    "sent",
  ],
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
    await world.pass(2 * MINUTE);
    await world.restart();
    expect(await world.heard()).toEqual([]);
    const held = WAYS.filter(([, , asked]) => asked === "sent").map(([name]) => name);
    const waiting: { id: string; hash: string; subject: { prompt: string } }[] = await world.waiting();
    expect(waiting.map(({ subject }) => subject.prompt).toSorted()).toEqual(held.toSorted());
    for (const one of waiting) await world.answer(one, one.subject.prompt === "a batch" ? "deny" : "allow");
    // The word that a turn waits repeats the task of its run.
    const heard = new Set(await world.heard());
    expect([...heard].toSorted()).toEqual(held.filter((name) => name !== "a batch").toSorted());
  });

  test("G8: a run that waits is heard of by its runner once it is allowed, when its time begins; denied, expired or taken back it ends, and its requester is told", async () => {
    const world = await start();
    const { ask, ada, daemon, waiting, answer, pass, see, does, take } = world;
    await world.mode("ask");
    const made = () =>
      world.run(ada, { agentId: TO, task: "Sweep", timeoutSeconds: 600, requester: { agentId: "ada" } });
    const one = await made();
    const [approval] = await waiting();
    expect(one).toMatchObject({ status: "queued", messageId: null, approvalId: approval.id });
    expect(approval).toMatchObject({ title: "Spawn box-codex on box for a run", subject: { prompt: "Sweep" } });
    expect((await does(daemon, one, "start")).body).toMatchObject({ status: 409, code: "not-open" });
    await does(ada, one, "messages", { text: "Quickly." });
    await pass(3_600_000);
    await world.restart();
    expect(await world.heard()).toEqual([]);
    await answer(approval, "allow");
    const allowed = await see(one);
    expect(allowed).toMatchObject({ status: "queued", approvalId: null, sessionKey: `msg:${allowed.messageId}` });
    expect(Date.parse(allowed.deadlineAt) - world.clock.now()).toBe(600_000);
    const taken = await take(daemon, one);
    await world.finish(daemon, taken, { result: "Swept." });
    expect((await ask("GET", `/v1/approvals/${approval.id}`)).body.applied).toMatchObject({ ok: true });
    const [denied, expired, back, stopped] = [await made(), await made(), await made(), await made()];
    const of = async ({ approvalId }: { approvalId: string }) =>
      (await waiting()).find(({ id }: { id: string }) => id === approvalId) ?? fail();
    await answer(await of(denied), "deny");
    const { scheduleId } = (await of(back)).meta;
    expect((await ask("DELETE", `/v1/schedules/${scheduleId}`, undefined, ada)).status).toBe(204);
    await does(ada, stopped, "abort");
    expect(await waiting()).toHaveLength(1);
    await pass(25 * 3_600_000);
    expect(await waiting()).toEqual([]);
    for (const [run, error] of [
      [denied, "denied it"],
      [expired, "nobody allowed it in time"],
      [back, "taken back"],
    ])
      expect(await see(run)).toMatchObject({
        ...{ status: "ended", outcome: "error", errorCode: "refused" },
        error: expect.stringContaining(error),
      });
    expect(await see(stopped)).toMatchObject({ status: "ended", outcome: "aborted" });
    const told = (await world.inbox(ada)).filter(({ kind }: { kind: string }) => kind === "announcement");
    const ended = new Set<string>(
      told.map(({ payload }: { payload: { announcement: { runId: string } } }) => payload.announcement.runId),
    );
    expect([...ended].toSorted()).toEqual([one, denied, expired, back].map(({ id }) => id).toSorted());
    expect((await world.heard()).filter((body) => body === "Sweep")).toHaveLength(1);
  });

  test("G8: a task that waits gets its message once it is allowed, fails with the reason, and takes its approval along", async () => {
    const world = await start();
    const { ask, ada, waiting, answer } = world;
    await world.mode("ask");
    const made = async (title: string) => (await ask("POST", "/v1/tasks", { title, target: TO }, ada)).body;
    const see = async ({ id }: { id: string }) => (await ask("GET", `/v1/tasks/${id}`, undefined, ada)).body;
    const [one, two, three] = [await made("One"), await made("Two"), await made("Three")];
    expect(one).toMatchObject({ status: "open", target: TO, messageId: null });
    const all: { id: string; hash: string; title: string }[] = await waiting();
    const of = ({ approvalId }: { approvalId: string }) => all.find(({ id }) => id === approvalId) ?? fail();
    expect(of(one).title).toBe("Spawn box-codex on box for a task");
    await answer(of(one), "allow");
    await answer(of(two), "deny");
    await ask("POST", `/v1/tasks/${three.id}/status`, { status: "cancelled" }, ada);
    expect((await ask("GET", `/v1/approvals/${three.approvalId}`)).body.state).toBe("withdrawn");
    const codex = { id: TO, token: world.daemon.token };
    const claimed = await ask("POST", `/v1/tasks/${one.id}/claim`, { agentId: TO }, codex);
    expect(claimed.body.message).toMatchObject({ from: "ada", payload: { taskId: one.id } });
    expect(await see(one)).toMatchObject({ status: "claimed", holder: TO });
    expect(await see(two)).toMatchObject({ status: "failed", messageId: null });
    const told = (await world.inbox(ada)).filter(({ payload }: { payload: { status?: string } }) => payload?.status);
    expect(told).toMatchObject([
      { payload: { taskId: two.id, status: "failed" }, body: expect.stringContaining("denied") },
    ]);
    expect(await world.heard()).toEqual(["One"]);
  });

  test("G8: a time of a schedule waits until it is allowed, later times are skipped meanwhile, and its owner is told of a denial", async () => {
    const world = await start();
    const { ask, ada, waiting, answer, pass } = world;
    await world.mode("ask");
    const message = { to: TO, body: "Sweep", expiresAfterSeconds: 120 };
    const { id } = (await ask("POST", "/v1/schedules", { cron: "* * * * *", message }, ada)).body;
    const fires = async () =>
      (await ask("GET", `/v1/schedules/${id}/fires`, undefined, ada)).body.items.map(
        ({ outcome, reason }: { outcome: string; reason: string | null }) => reason ?? outcome,
      );
    for (let minute = 0; minute < 4; minute++) await pass(MINUTE);
    expect((await fires()).toReversed()).toEqual(["waiting", "approval", "approval", "approval"]);
    expect((await ask("POST", `/v1/schedules/${id}/run`, {}, ada)).status).toBe(409);
    const [first, ...others] = await waiting();
    expect([first.title, others]).toEqual(["Spawn box-codex on box for a schedule", []]);
    await answer(first, "allow");
    expect((await fires()).at(-1)).toBe("sent");
    const [sent] = (await ask("GET", `/v1/agents/${TO}/inbox?after=0`, undefined, world.daemon)).body.items;
    expect(sent).toMatchObject({ from: "ada", meta: { schedule: { id } }, source: "schedule" });
    expect(Date.parse(sent.expiresAt)).toBeGreaterThan(world.clock.now());
    for (let time = 0; time < 3; time++) {
      await pass(MINUTE);
      await answer((await waiting())[0], "deny");
    }
    const told = (await world.inbox(ada)).map(({ subject }: { subject: string }) => subject);
    expect(told.filter((subject: string) => subject?.startsWith(`Schedule ${id}`))).toEqual([
      `Schedule ${id} was not sent`,
      `Schedule ${id} was not sent`,
      `Schedule ${id} was disabled`,
    ]);
  });

  test("G14: a run on a message that is there starts nothing that its message may not, and nor does a word to a run whose session is dead", async () => {
    const world = await start();
    const { ask, ada, bob, daemon, main } = world;
    await ask("PATCH", "/v1/agents/bob", { tags: ["crew"] });
    const { id } = (await ask("POST", "/v1/messages", { to: "tag:crew", body: "Sweep" }, bob)).body;
    expect((await world.tryRun(bob, { agentId: TO, messageId: id })).status).toBe(403);
    const run = await world.run(ada, { agentId: TO });
    const taken = await world.take(daemon, run);
    await world.finish(daemon, taken);
    await world.mode("closed");
    expect((await world.does(ada, run, "messages", { text: "Again." })).status).toBe(403);
    expect((await world.tryRun({ ...world.ada }, { agentId: TO, messageId: run.messageId })).status).toBe(403);
    await main({ threadId: run.messageId });
    expect((await world.does(ada, run, "messages", { text: "Again." })).status).toBe(200);
  });

  test("G14: a delegation that waits is answered once it was allowed, fails with the reason, and takes its approval along", async () => {
    const world = await start();
    const { ask, ada, waiting, answer } = world;
    await world.mode("ask");
    const made = async () =>
      (
        await ask(
          "POST",
          "/v1/delegations",
          { to: TO, text: "How many?", context: { summary: "Tests" }, payload: { build: 7 } },
          ada,
        )
      ).body;
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
      payload: { build: 7, delegationId: one.id, context: { summary: "Tests" } },
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

  test("G8: what waits ends when its asker, its target or the orchestrator is deleted, whoever answers then, and nothing is left open", async () => {
    const world = await start();
    const { ask, ada, cid, waiting, answer, see } = world;
    await ask("PATCH", "/v1/orchestrators/box", { spawners: ["ada", "cid"] });
    await world.mode("ask");
    const all = async (by: Worker, to = TO) => {
      const run = await world.run(by, { agentId: to, requester: { agentId: by.id } });
      const task = (await ask("POST", "/v1/tasks", { title: "Sweep", target: to }, by)).body;
      await ask("POST", "/v1/messages", { to, body: "Look" }, by);
      await ask("POST", "/v1/schedules", { at: soon(world), message: { to, body: "Later" } }, by);
      await world.pass(2 * MINUTE);
      return { run, task };
    };
    const statusOf = async ({ run, task }: { run: { id: string }; task: { id: string } }) => [
      (await see(run)).status,
      (await ask("GET", `/v1/tasks/${task.id}`)).body.status,
    ];
    const gone = await all(cid);
    expect(await waiting()).toHaveLength(4);
    await ask("DELETE", "/v1/agents/cid");
    expect([await waiting(), await statusOf(gone)]).toEqual([[], ["ended", "failed"]]);
    await world.enrolled("box-claude");
    const target = await all(ada, "box-claude");
    await ask("DELETE", "/v1/agents/box-claude");
    for (const one of await waiting()) await answer(one, "allow");
    expect([await waiting(), await statusOf(target)]).toEqual([[], ["ended", "failed"]]);
    const last = await all(ada);
    expect(await waiting()).toHaveLength(4);
    await ask("DELETE", "/v1/orchestrators/box");
    for (const one of await waiting()) await answer(one, "allow");
    // Its agent stays, and hears as any other.
    expect([await waiting(), await statusOf(last)]).toEqual([[], ["queued", "open"]]);
    const unsent = (await ask("GET", "/v1/schedules")).body.items;
    expect(unsent.filter(({ enabled }: { enabled: boolean }) => enabled)).toEqual([]);
  });

  test("G14: an integration that an operator has set up starts its target without asking, but not where that is closed: its task waits without a message, and people hear", async () => {
    const world = await start();
    const { ask } = world;
    await ask("PUT", "/v1/integrations/ci", { target: TO });
    const event = async (title: string) => ask("POST", "/v1/integrations/ci/events", { title, dedupeKey: title });
    await world.mode("ask");
    expect((await event("Red")).body).toMatchObject({ task: { target: TO, status: "open" } });
    await world.mode("closed");
    expect((await event("Red again")).body).toMatchObject({ task: { status: "open", messageId: null }, message: null });
    const [told] = (await ask("GET", "/v1/messages?to=user")).body.items;
    expect(told.body).toContain("box is closed");
    expect(await world.waiting()).toEqual([]);
    expect(await world.heard()).toEqual(["Red"]);
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

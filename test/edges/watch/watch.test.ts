import { expect, test } from "bun:test";
import { listen } from "../../support/listen.ts";
import { startRelay, type TestRelay } from "../../support/relay.ts";
import { type Frame, openSocket } from "../../support/socket.ts";

const protocols = ["signalbox.watch.v1"];

async function openWatch(relay: TestRelay, url: string, token = relay.relay.operatorToken) {
  const socket = await openSocket(`${url}/v1/watch`, { token, protocols });
  const eventsOf = (of: string, event?: string) =>
    socket.of("event").filter((frame) => frame.of === of && (event === undefined || frame.event === event));
  return {
    ...socket,
    eventsOf,
    until: socket.until,
    follow: (follow: Frame) => socket.ask({ type: "follow", follow }),
    event: async (of: string, event: string): Promise<Frame> => {
      await socket.until(() => eventsOf(of, event).length > 0, `${event} of ${of}`);
      return eventsOf(of, event)[0] as Frame;
    },
  };
}

async function startRun({ ask }: TestRelay, me: { token: string }) {
  const run = (await ask("POST", "/v1/runs", { task: "x" }, me)).body;
  const say = (seq: number, delta: string) =>
    ask("POST", `/v1/runs/${run.id}/events`, [{ source: "s", seq, stream: "assistant", data: { text: delta } }], {
      ...me,
      headers: { "signalbox-run": run.token },
    });
  return { id: run.id as string, say };
}

test("one socket follows the lists, a thread and a run, each by its name", async () => {
  const relay = await startRelay();
  const url = listen(relay);
  const me = await relay.agent("me");
  const { body: root } = await relay.ask("POST", "/v1/messages", { to: "me", body: "first" });
  const run = await startRun(relay, me);
  await run.say(0, "before");
  const page = await openWatch(relay, url);
  expect(await page.follow({ what: "lists" })).toMatchObject({ type: "ok", of: "lists" });
  expect(await page.follow({ what: "thread", id: root.id, after: 0 })).toMatchObject({ of: `thread:${root.id}` });
  expect(await page.follow({ what: "run", id: run.id, after: 0 })).toMatchObject({ of: `run:${run.id}` });
  const reply = (await relay.ask("POST", "/v1/messages", { to: "user", body: "reply", replyTo: root.id }, me)).body;
  const other = (await relay.ask("POST", "/v1/messages", { to: "me", body: "elsewhere" })).body;
  await run.say(1, "after");
  await page.until(() => page.eventsOf("lists", "message").length === 2);
  expect(page.eventsOf("lists", "message").map(({ id }) => id)).toEqual([reply.id, other.id]);
  await page.until(() => page.eventsOf(`thread:${root.id}`, "message").length === 2);
  expect(page.eventsOf(`thread:${root.id}`, "message").map(({ id, data }) => [id, data.body])).toEqual([
    [root.id, "first"],
    [reply.id, "reply"],
  ]);
  await page.until(() => page.eventsOf(`run:${run.id}`).some(({ data }) => JSON.stringify(data).includes("after")));
  expect(JSON.stringify(page.eventsOf(`run:${run.id}`))).toContain("before");
  const next = (await relay.ask("POST", "/v1/runs", { task: "y" }, me)).body;
  expect(await page.event("lists", "run")).toMatchObject({ data: { id: next.id } });
  const hold = (await relay.ask("POST", "/v1/holds", { scope: "all", reason: "Migration" })).body;
  expect(await page.event("lists", "hold")).toMatchObject({ data: { id: hold.id } });
  await relay.ask("DELETE", `/v1/holds/${hold.id}`);
  await relay.ask("POST", "/v1/agents/me/inbox/ack", { upTo: root.id }, me);
  const inbox = () => JSON.stringify(page.eventsOf("lists", "inbox"));
  await page.until(() => inbox().includes(`"acknowledged":[{"agentId":"me","upTo":${root.id}}]`));
  await page.until(() => page.eventsOf("lists", "hold").length === 2, "its end");
});

test("hand-overs, acknowledgements and turns of one second are one event, which names them", async () => {
  const relay = await startRelay();
  const url = listen(relay);
  const [me, you] = [await relay.agent("me"), await relay.agent("you")];
  const send = async (to: string) => (await relay.ask("POST", "/v1/messages", { to, body: "x" })).body.id as number;
  const poll = (by: typeof me) => relay.ask("GET", `/v1/agents/${by.id}/inbox`, undefined, by);
  await send("me");
  await poll(me);
  const page = await openWatch(relay, url);
  await page.follow({ what: "lists" });
  const [first, second, third] = [await send("me"), await send("you"), await send("me")];
  await poll(me);
  await page.event("lists", "inbox");
  const events = () => page.eventsOf("lists", "inbox").map(({ data }) => data);
  expect(events()).toMatchObject([{ offered: [{ agentId: "me", upTo: third }], acknowledged: [], inTurn: [] }]);
  expect(events()[0].offered[0].after).toBeLessThan(first);

  await poll(you);
  await poll(me);
  await relay.ask("POST", "/v1/agents/you/inbox/ack", { upTo: second }, you);
  const run = (await relay.ask("POST", "/v1/runs", { task: "x", messageId: third }, me)).body;
  // The second is not for its agent.
  const input = { source: "s", seq: 0, stream: "input", data: { messageIds: [third, second], state: "started" } };
  const fenced = { ...me, headers: { "signalbox-run": run.token } };
  const told = await relay.ask("POST", `/v1/runs/${run.id}/events`, [input], fenced);
  expect(told.status).toBe(200);
  expect(events()).toHaveLength(1);
  await relay.pass(1000);
  await page.until(() => events().length === 2);
  expect(events()[1]).toMatchObject({
    ...{ offered: [{ agentId: "you", upTo: third }], inTurn: [third], more: false },
    acknowledged: [{ agentId: "you", upTo: second }],
  });
});

test("a follow that has ended sends nothing more, and goes on from where it was", async () => {
  const relay = await startRelay();
  const url = listen(relay);
  await relay.agent("me");
  const page = await openWatch(relay, url);
  await page.follow({ what: "lists" });
  const first = (await relay.ask("POST", "/v1/messages", { to: "me", body: "1" })).body;
  expect((await page.event("lists", "message")).id).toBe(first.id);
  await page.ask({ type: "unfollow", of: "lists" });
  await relay.ask("POST", "/v1/messages", { to: "me", body: "2" });
  await relay.ask("POST", "/v1/messages", { to: "me", body: "3" });
  expect(page.eventsOf("lists", "message")).toHaveLength(1);
  await page.follow({ what: "lists", after: first.id });
  await page.until(() => page.eventsOf("lists", "message").length === 3);
  expect(page.eventsOf("lists", "message").map(({ data }) => data.body)).toEqual(["1", "2", "3"]);
});

test("G10: only people watch, and a sign-in that ends takes its sockets along", async () => {
  const relay = await startRelay();
  const url = listen(relay);
  const me = await relay.agent("me");
  const refused = await fetch(`${url}/v1/watch`, {
    headers: { authorization: `Bearer ${me.token}`, connection: "upgrade", upgrade: "websocket" },
  });
  expect(refused.status).toBe(403);
  const viewer = (await relay.ask("POST", "/v1/tokens", { role: "viewer" })).body;
  const page = await openWatch(relay, url, viewer.token);
  await page.follow({ what: "lists" });
  await relay.ask("DELETE", `/v1/tokens/${viewer.id}`);
  expect(await page.closed).toMatchObject({ code: 4001 });
  expect(await page.first("bye")).toMatchObject({ reason: "revoked" });
});

test("a sign-in follows at most 32 things, over all of its pages", async () => {
  const relay = await startRelay();
  const url = listen(relay);
  await relay.agent("me");
  const ids: number[] = [];
  for (let n = 0; n < 33; n++) ids.push((await relay.ask("POST", "/v1/messages", { to: "me", body: "x" })).body.id);
  const [one, other] = [await openWatch(relay, url), await openWatch(relay, url)];
  for (const id of ids.slice(0, 20)) expect((await one.follow({ what: "thread", id })).type).toBe("ok");
  for (const id of ids.slice(20, 32)) expect((await other.follow({ what: "thread", id })).type).toBe("ok");
  // A thing that is followed already counts once.
  expect((await other.follow({ what: "thread", id: ids[20] })).type).toBe("ok");
  expect((await other.follow({ what: "thread", id: ids[32] })).problem).toMatchObject({ code: "too-many-streams" });
  one.ws.close();
  await one.closed;
  // The relay hears of it a moment later.
  let answer: Frame;
  do answer = await other.follow({ what: "thread", id: ids[32] });
  while (answer.type === "problem");
  expect(answer.of).toBe(`thread:${ids[32]}`);
});

test("frames that are no requests are refused with their place, and harm no follow", async () => {
  const relay = await startRelay();
  const url = listen(relay);
  await relay.agent("me");
  const page = await openWatch(relay, url);
  await page.follow({ what: "lists" });
  const refused = async (frame: Frame) => (await page.ask(frame)).problem?.code;
  expect(await refused({ type: "follow", follow: { what: "everything" } })).toBe("invalid");
  expect(await refused({ type: "follow", follow: { what: "run", id: "run_none" } })).toBe("not-found");
  expect(await refused({ type: "send", message: {} })).toBe("invalid");
  expect(await refused({ type: "focus", threadId: 1, device: "phone", more: 1 })).toBe("invalid");
  expect((await page.ask({ type: "focus", threadId: 1, device: "phone" })).type).toBe("ok");
  expect((await page.ask({ type: "blur" })).type).toBe("ok");
  page.say("{");
  await page.until(() => page.of("problem").some(({ problem }) => problem.code === "not-json"));
  await relay.ask("POST", "/v1/messages", { to: "me", body: "still" });
  expect((await page.event("lists", "message")).data.body).toBe("still");
  page.say(JSON.stringify({ type: "blur", ref: "x".repeat(5000) }));
  expect(await page.closed).toMatchObject({ code: 1009 });
});

test("the lists tell of each agent that comes, whole, also when several come together", async () => {
  const relay = await startRelay();
  const page = await openWatch(relay, listen(relay));
  await page.follow({ what: "lists" });
  await relay.agent("ann");
  await relay.agent("ben");
  relay.clock.advance(250);
  const told = () => page.eventsOf("lists", "presence").map(({ data }) => data);
  await page.until(() => told().some(({ agentId }) => agentId === "ben"));
  for (const agentId of ["ann", "ben"])
    expect(told()).toContainEqual({ agentId, status: "online", ready: true, epoch: 0, connections: 0 });
});

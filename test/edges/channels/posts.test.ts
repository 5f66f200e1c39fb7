import { describe, expect, test } from "bun:test";
import { type ChannelWorld, type Claimed, startChannel, TELEGRAM } from "../../support/channel.ts";
import { startReceiver } from "../../support/receiver.ts";

const to = (conversationId: string, threadId?: string) => ({ conversation: { conversationId, threadId } });

/** A world with an agent `a` that everything is bound to. */
async function world() {
  const made = await startChannel();
  const a = await made.agent("a");
  await made.bind({ target: "a" });
  return {
    ...made,
    a,
    send: (body: string, more: Record<string, unknown> = {}) =>
      made.ask("POST", "/v1/messages", { to: TELEGRAM, body, ...more }, a),
  };
}

const end = ({ ask, adapter }: ChannelWorld, { message, claim }: Claimed, verb: string, more: object = {}) =>
  ask("POST", `/v1/messages/${message.id}/${verb}`, { token: claim.token, ...more }, adapter);

const first = <T>([item]: T[]): T => {
  if (item === undefined) throw new Error("there is none");
  return item;
};

describe("a message to a channel", () => {
  test("a message to a channel becomes work for the adapter, with its conversation, its text and one key", async () => {
    const { send, claim } = await world();
    const sent = await send("Hello", {
      payload: { ...to("c1", "t1"), buttons: [[{ text: "Yes", id: "yes" }]], parseMode: "html" },
    });
    expect(sent).toMatchObject({ status: 201, body: { kind: "channel.event", claimable: true, state: "open" } });
    const { message, posts } = first(await claim());
    expect(posts).toEqual([]);
    expect(message.payload).toEqual({
      ...{ conversation: { channelId: TELEGRAM, conversationId: "c1", threadId: "t1" }, text: "Hello" },
      ...{ buttons: [[{ text: "Yes", id: "yes" }]], parseMode: "html", idempotencyKey: expect.stringMatching(/^out_/) },
    });
  });

  test("a message to a channel without a conversation, with one of another channel, or of another chat than it answers, is refused", async () => {
    const { send, event } = await world();
    const inbound = (await event({ conversationId: "c1" })).body.messages[0];
    const refused = async (more: object) => {
      const { status, body } = await send("x", { ...more });
      return [status, body.code, body.errors?.[0]?.pointer];
    };
    const none = [422, "no-conversation", "/payload/conversation"];
    expect(await refused({})).toEqual(none);
    expect(await refused({ payload: { conversation: { channelId: "slack:x", conversationId: "c1" } } })).toEqual(none);
    expect(await refused({ replyTo: inbound.id, payload: to("c2") })).toEqual(none);
    expect(await refused({ replyTo: inbound.id, payload: to("c1", "t") })).toEqual(none);
    expect(await refused({ payload: { conversation: "c1" } })).toEqual([422, "invalid", "/payload/conversation"]);
    expect(await refused({ payload: { ...to("c1"), buttons: [[{ text: "?" }]] } })).toEqual([
      ...[422, "invalid", "/payload/buttons/0/0"],
    ]);
    expect((await send("", { payload: to("c1") })).status).toBe(422);
  });

  test("a message to a channel that is encrypted is said to be there; nothing of it is shown, and its body goes along untouched", async () => {
    const { send, claim, ask, a, adapter } = await world();
    const file = await ask("POST", "/v1/files?name=a.txt", "9f3a", a);
    const files = [{ fileId: file.body.id }];
    const buttons = [[{ text: "U2FsdGVk", id: "x" }]];
    const payload = { ...to("c1"), text: "U2FsdGVk", files, buttons };
    const sent = await send("U2FsdGVkX18=", { encoding: "opaque", payload });
    expect(sent).toMatchObject({ status: 201, body: { encoding: "opaque", state: "open" } });
    const { message, claim: lease } = first(await claim());
    expect(message.body).toBe("U2FsdGVkX18=");
    expect(message.payload.text).toBe("[An encrypted message from a with 1 file, which cannot be shown here.]");
    expect(JSON.stringify(message.payload)).not.toContain("U2FsdGVk");
    expect(message.payload).not.toHaveProperty("files");
    await ask("POST", `/v1/messages/${message.id}/complete`, { token: lease.token }, adapter);
    expect((await send("", { encoding: "opaque", payload: to("c1") })).status).toBe(422);
  });

  test("a message to a channel answers an event in the conversation it came from, also from deeper in its thread", async () => {
    const { send, event, claim, ask, agent, a } = await world();
    const inbound = (await event({ conversationId: "c1", threadId: "t1", externalId: "x:1" })).body.messages[0];
    const helper = await agent("helper");
    const asked = await ask("POST", "/v1/messages", { to: "helper", body: "?", replyTo: inbound.id }, a);
    const told = await ask("POST", "/v1/messages", { to: "a", body: "42", replyTo: asked.body.id }, helper);
    await send("It is 42", { replyTo: told.body.id });
    const { message } = first(await claim());
    expect(message.payload).toMatchObject({
      conversation: { channelId: TELEGRAM, conversationId: "c1", threadId: "t1" },
      replyToExternalId: "x:1",
    });
  });

  test("the result of claimed work goes back to the conversation it came from", async () => {
    const { bind, event, claim, ask, agent } = await startChannel();
    const b = await agent("b", { tags: ["pool"] });
    await bind({ target: "tag:pool" });
    await event({ conversationId: "c7", externalId: "x:7" });
    const [work] = (await ask("POST", "/v1/agents/b/claims", {}, b)).body.items;
    const done = { token: work.claim.token, result: "All green" };
    expect((await ask("POST", `/v1/messages/${work.message.id}/complete`, done, b)).status).toBe(200);
    const { message } = first(await claim());
    expect(message).toMatchObject({
      ...{ kind: "response", from: "b", replyTo: work.message.id },
      payload: { text: "All green", conversation: { conversationId: "c7" }, replyToExternalId: "x:7" },
    });
  });

  test("a result with nothing to show, or for a channel that cannot post, is kept and not posted", async () => {
    const { channel, bind, event, ask, agent } = await startChannel();
    const b = await agent("b");
    await channel("slack:in", { direction: "inbound" });
    await bind({ target: "b", mode: "claimable" }, "slack:in");
    await bind({ target: "b", mode: "claimable" });
    await event({}, "slack:in");
    await event();
    const { items } = (await ask("POST", "/v1/agents/b/claims", { max: 2 }, b)).body;
    for (const { message, claim } of items) {
      const result = message.from === TELEGRAM ? { payload: { ok: true } } : "done";
      expect((await ask("POST", `/v1/messages/${message.id}/complete`, { token: claim.token, result }, b)).status).toBe(
        200,
      );
    }
    for (const id of [TELEGRAM, "slack:in"]) {
      expect((await ask("POST", `/v1/agents/${id}/claims`)).body.items).toEqual([]);
      expect((await ask("GET", `/v1/messages?to=${id}`)).body.items).toHaveLength(1);
    }
  });

  test("an inbound-only channel cannot be sent to; one with topics takes those without a conversation", async () => {
    const { channel, ask, claim, adapter } = await startChannel();
    await channel("slack:in", { direction: "inbound" });
    const refused = await ask("POST", "/v1/messages", { to: "slack:in", body: "x", payload: to("c") });
    expect(refused).toMatchObject({ status: 422, body: { errors: [{ pointer: "/to" }] } });
    const topics = { channel: { provider: "telegram", accountId: "main", topics: ["alerts"] } };
    await ask("PATCH", `/v1/agents/${TELEGRAM}`, topics, adapter);
    expect((await ask("POST", "/v1/messages", { to: TELEGRAM, body: "x", topic: "other" })).status).toBe(422);
    expect((await ask("POST", "/v1/messages", { to: TELEGRAM, body: "fire", topic: "alerts" })).status).toBe(201);
    expect(first(await claim()).message.payload).toMatchObject({ conversation: null, text: "fire" });
  });

  test("a message to a channel at a time to come is shaped when it is sent", async () => {
    const { send, pass, claim } = await world();
    expect((await send("later", { payload: to("c1"), deliverAt: "2026-01-01T01:00:00Z" })).status).toBeLessThan(203);
    await pass(7_200_000);
    expect(await claim()).toMatchObject([
      { message: { payload: { text: "later", conversation: { conversationId: "c1" } } } },
    ]);
  });

  test("G5: a message to a channel that is sent twice with one key is posted once", async () => {
    const { send, claim } = await world();
    const one = await send("x", { payload: to("c1"), idempotencyKey: "k" });
    const two = await send("x", { payload: to("c1"), idempotencyKey: "k" });
    expect([one.status, two.status, two.body.id]).toEqual([201, 200, one.body.id]);
    expect(await claim()).toHaveLength(1);
  });
});

describe("the order of one conversation", () => {
  test("the order of one conversation holds: the next is handed out when the one before has ended, other conversations go on", async () => {
    const made = await world();
    const { send, claim } = made;
    await send("1", { payload: to("c1") });
    const second = await send("2", { payload: to("c1"), urgent: true });
    expect(second.body.state).toBe("delayed");
    await send("3", { payload: to("c2") });
    await send("4", { payload: to("c1", "t") });
    const texts = (items: Claimed[]) => items.map(({ message }) => message.body);
    const { facts } = (await made.ask("GET", `/v1/messages/${second.body.id}/explain`)).body;
    expect(facts).toContainEqual(expect.objectContaining({ step: "waiting", behind: second.body.id - 1 }));
    const held = await claim();
    expect(texts(held)).toEqual(["1", "3", "4"]);
    expect(texts(await claim())).toEqual([]);
    await end(made, first(held), "complete", { externalIds: ["x:1"] });
    expect(texts(await claim())).toEqual(["2"]);
  });

  test("the order of one conversation is stored held: webhooks hear of no opening that was none", async () => {
    const made = await world();
    const { send, claim, ask, pass } = made;
    const receiver = startReceiver();
    const events = ["message.created", "work.claimed", "work.reopened", "work.done"];
    await ask("POST", "/v1/webhooks", { url: receiver.url, events });
    const ids = [(await send("one", { payload: to("c1") })).body.id];
    const second = (await send("two", { payload: to("c1") })).body;
    expect(second.state).toBe("delayed");
    ids.push(second.id);
    for (const _ of ids) {
      await end(made, first(await claim()), "complete", { externalIds: ["x"] });
      await pass(0);
    }
    const told = receiver.received.map(({ event }) => [event.type, event.data.messageId ?? event.data.id]);
    for (const id of ids)
      expect(told.flatMap(([type, about]) => (about === id ? [type] : [])).toSorted()).toEqual([
        ...["message.created", "work.claimed", "work.done"],
      ]);
  });

  test("the order of one conversation holds when one is tried again later, and goes on when it is given up or taken back", async () => {
    const made = await world();
    const { send, claim, pass, ask, a } = made;
    for (const body of ["1", "2", "3", "4"]) await send(body, { payload: to("c1") });
    const failing = first(await claim());
    const how = { error: "slow down", failure: "transient", code: "rate-limited", retryAfterSeconds: 30 };
    await end(made, failing, "fail", how);
    expect(await claim()).toEqual([]);
    await pass(31_000);
    const again = first(await claim());
    expect(again).toMatchObject({ message: { body: "1" }, claim: { attempt: 2 } });
    expect(again.message.payload.idempotencyKey).toBe(failing.message.payload.idempotencyKey);
    await end(made, again, "fail", { error: "blocked", failure: "permanent", code: "blocked" });
    const second = first(await claim());
    expect(second.message.body).toBe("2");
    const waiting = (await ask("GET", `/v1/messages?to=${TELEGRAM}&state=delayed`)).body.items;
    await ask("POST", `/v1/messages/${waiting.at(-1).id}/cancel`, undefined, a);
    await end(made, second, "complete");
    expect(first(await claim()).message.body).toBe("4");
  });

  test("a post that expires while it waits is never posted, and its sender is told", async () => {
    const made = await world();
    const { send, claim, pass, ask, a } = made;
    await send("1", { payload: to("c1") });
    const expiresAt = new Date(made.clock.now() + 60_000).toISOString();
    const second = await send("2", { payload: to("c1"), expiresAt });
    const held = first(await claim());
    await pass(61_000);
    await end(made, held, "complete");
    expect(await claim()).toEqual([]);
    expect((await ask("GET", `/v1/messages/${second.body.id}`)).body.state).toBe("expired");
    const told = (await ask("GET", "/v1/messages?to=a&kind=system", undefined, a)).body.items;
    expect(told).toMatchObject([{ payload: { messageId: second.body.id, state: "expired" } }]);
  });
});

describe("posting", () => {
  test("a post completed with external ids leads replies to any of them to its thread, and an echo is no event", async () => {
    const made = await world();
    const { send, claim, event, ask } = made;
    const sent = (await send("long", { payload: to("c1") })).body;
    await end(made, first(await claim()), "complete", { externalIds: ["x:5", "x:6"] });
    for (const externalId of ["x:5", "x:6"]) {
      const echo = await event({ externalId });
      expect([echo.status, echo.body.routed, echo.body.messages[0].id]).toEqual([200, 0, sent.id]);
    }
    const reply = (await event({ externalId: "x:7", replyToExternalId: "x:6" })).body.messages[0];
    expect([reply.replyTo, reply.threadId]).toEqual([sent.id, sent.id]);
    const { facts } = (await ask("GET", `/v1/messages/${sent.id}/explain`)).body;
    expect(facts).toContainEqual(expect.objectContaining({ step: "posted", part: 1, externalId: "x:6" }));
  });

  test("G4: what an attempt had posted or begun when its lease ran out is told to the next one", async () => {
    const made = await world();
    const { send, claim, pass, ask, adapter } = made;
    await send("x", { payload: to("c1") });
    const lost = first(await claim());
    const note = (item: Claimed, more: object) =>
      ask("POST", `/v1/messages/${item.message.id}/posts`, { token: item.claim.token, ...more }, adapter);
    await note(lost, { part: 0 });
    await note(lost, { part: 0, externalId: "x:1" });
    expect((await note(lost, { part: 1 })).body.posts).toEqual([
      { part: 0, externalId: "x:1" },
      { part: 1, externalId: null },
    ]);
    await pass(601_000);
    const next = first(await claim());
    expect(next.posts).toEqual([
      { part: 0, externalId: "x:1" },
      { part: 1, externalId: null },
    ]);
    expect((await note(lost, { part: 2 })).body.code).toBe("claim-lost");
    await end(made, next, "fail", { error: "no answer", failure: "ambiguous", code: "timeout" });
    const message = (await ask("GET", `/v1/messages/${next.message.id}`)).body;
    expect(message.state).toBe("dead");
    await ask("POST", `/v1/messages/${message.id}/requeue`);
    expect(first(await claim()).posts).toEqual([{ part: 0, externalId: "x:1" }]);
  });

  test("a transient failure of a post says that what was begun was not posted", async () => {
    const made = await world();
    const { send, claim, ask, adapter } = made;
    await send("x", { payload: to("c1") });
    const item = first(await claim());
    await ask("POST", `/v1/messages/${item.message.id}/posts`, { token: item.claim.token }, adapter);
    await end(made, item, "fail", { error: "429", failure: "transient" });
    expect(first(await claim()).posts).toEqual([]);
  });

  test("G8: a failure of a post that is permanent or ambiguous is final, and the sender is told why", async () => {
    const made = await world();
    const { send, claim, ask, a } = made;
    for (const failure of ["permanent", "ambiguous"]) {
      const { id } = (await send(failure, { payload: to(failure) })).body;
      await end(made, first(await claim()), "fail", { error: "it said no", failure, code: "some-code" });
      const [told] = (await ask("GET", "/v1/messages?to=a&kind=system", undefined, a)).body.items;
      expect(told).toMatchObject({
        replyTo: id,
        payload: { messageId: id, state: "dead", failure, code: "some-code" },
      });
      expect(told.body).toContain(`${failure} (some-code): it said no`);
    }
  });

  test("notes and external ids belong to what goes out through a channel, and to who holds it", async () => {
    const { send, claim, ask, a, agent, adapter } = await world();
    await send("x", { payload: to("c1") });
    const item = first(await claim());
    const other = await agent("other");
    const note = { token: item.claim.token, part: 0 };
    expect((await ask("POST", `/v1/messages/${item.message.id}/posts`, note, other)).status).toBe(403);
    const work = await ask("POST", "/v1/messages", { to: "a", body: "x", claimable: true });
    const { claim: held } = (await ask("POST", `/v1/messages/${work.body.id}/claim`, {}, a)).body;
    const asked = { token: held.token };
    expect((await ask("POST", `/v1/messages/${work.body.id}/posts`, asked, a)).status).toBe(422);
    const ids = { token: held.token, externalIds: ["x"] };
    expect((await ask("POST", `/v1/messages/${work.body.id}/complete`, ids, a)).status).toBe(422);
    expect((await ask("POST", `/v1/messages/${item.message.id}/posts`, { token: "clm_x" }, adapter)).status).toBe(409);
  });

  test("what a deleted channel still had to post is taken back", async () => {
    const { send, ask, pass, channel } = await world();
    for (const body of ["1", "2"]) await send(body, { payload: to("c1") });
    await ask("DELETE", `/v1/agents/${TELEGRAM}`);
    await channel(TELEGRAM);
    await ask("POST", "/v1/messages", { to: TELEGRAM, body: "new", payload: to("c1") });
    await pass(1000);
    const { items } = (await ask("GET", `/v1/messages?to=${TELEGRAM}&state=cancelled`)).body;
    expect(items).toHaveLength(2);
    expect((await ask("POST", `/v1/agents/${TELEGRAM}/claims`)).body.items).toMatchObject([
      { message: { body: "new" } },
    ]);
  });
});

test("G7: a message is posted once in its order, whatever step the relay is restarted after", async () => {
  const made = await world();
  const { send, claim, restart, ask, adapter, event } = made;
  await send("1", { payload: to("c1") });
  await restart();
  await send("2", { payload: to("c1") });
  await restart();
  const one = first(await claim());
  await restart();
  await ask("POST", `/v1/messages/${one.message.id}/posts`, { token: one.claim.token }, adapter);
  await restart();
  const posted = { token: one.claim.token, externalId: "x:1" };
  await ask("POST", `/v1/messages/${one.message.id}/posts`, posted, adapter);
  await restart();
  expect(await claim()).toEqual([]);
  for (let twice = 0; twice < 2; twice++) {
    expect((await end(made, one, "complete")).status).toBe(200);
    await restart();
  }
  expect(await claim()).toMatchObject([{ message: { body: "2" } }]);
  expect((await event({ externalId: "x:1" })).status).toBe(200);
});

import { describe, expect, test } from "bun:test";
import { startChannel, TELEGRAM } from "../../support/channel.ts";

describe("events from a platform", () => {
  test("events from a platform become messages from the channel agent with everything the platform said", async () => {
    const { bind, event, agent } = await startChannel();
    await agent("a");
    await bind({ target: "a" });
    const { status, body } = await event({
      ...{ threadId: "7", externalId: "x:1", type: "button", button: { id: "yes", text: "Yes" }, text: undefined },
      ...{ replyToExternalId: "x:0", meta: { raw: 1 } },
    });
    expect(status).toBe(201);
    expect(body.messages).toMatchObject([
      {
        ...{ from: TELEGRAM, to: "a", kind: "channel.event", body: "Yes", replyTo: null, causedBy: null },
        payload: {
          ...{
            type: "button",
            externalId: "x:1",
            sender: { id: "9", name: "Ada" },
            button: { id: "yes", text: "Yes" },
          },
          ...{ conversation: { channelId: TELEGRAM, conversationId: "c1", threadId: "7" }, replyToExternalId: "x:0" },
        },
        meta: { raw: 1 },
      },
    ]);
  });

  test("G5: an event reported twice, with whatever content, is stored once and answered the same", async () => {
    const { bind, event, agent, ask } = await startChannel();
    await agent("a");
    await bind({ target: "a" });
    const first = await event({ externalId: "x:1" });
    await ask("DELETE", `/v1/channels/${TELEGRAM}/bindings/${first.body.messages[0].route.bindingId}`);
    const again = await event({ externalId: "x:1", text: "edited meanwhile" });
    expect(again.status).toBe(200);
    expect(again.headers.get("idempotent-replayed")).toBe("true");
    expect(again.body).toEqual(first.body);
    expect((await ask("GET", "/v1/messages?kind=channel.event")).body.items).toHaveLength(1);
  });

  test("the same platform id in another channel is another event", async () => {
    const { channel, event } = await startChannel();
    await channel("slack:x");
    await event({ externalId: "x:1" });
    expect((await event({ externalId: "x:1" }, "slack:x")).status).toBe(201);
  });

  test("G10: events are reported by the channel's own agent and operators alone", async () => {
    const { ask, agent, channel } = await startChannel();
    const other = await channel("slack:x");
    const a = await agent("a");
    const body = { conversationId: "c", externalId: "e", sender: { id: "1", name: "x" }, text: "x" };
    for (const who of [other, a])
      expect((await ask("POST", `/v1/channels/${TELEGRAM}/events`, body, who)).status).toBe(403);
    expect((await ask("POST", "/v1/channels/telegram:none/events", body)).status).toBe(404);
    expect((await ask("POST", `/v1/channels/${TELEGRAM}/events`, body)).status).toBe(201);
  });

  test("G6: a retired adapter is refused when it reports an event", async () => {
    const { ask, adapter } = await startChannel();
    const register = (instanceId: string) =>
      ask("PUT", `/v1/agents/${TELEGRAM}`, { name: "Main", instanceId }, adapter);
    await register("one");
    await register("two");
    const body = { conversationId: "c", externalId: "e", sender: { id: "1", name: "x" }, text: "x" };
    const late = await ask("POST", `/v1/channels/${TELEGRAM}/events`, body, { ...adapter, instance: "one" });
    expect([late.status, late.body.code]).toEqual([409, "superseded"]);
  });

  test("an outbound-only channel reports no events", async () => {
    const { channel, event } = await startChannel();
    await channel("slack:x", { direction: "outbound" });
    expect((await event({}, "slack:x")).status).toBe(409);
  });

  test("an event that says nothing, or too much, is refused with its place", async () => {
    const { event } = await startChannel();
    const flaw = async (more: Record<string, unknown>) => {
      const { status, body } = await event(more);
      return [status, (body as unknown as { errors?: { pointer: string }[] }).errors?.[0]?.pointer];
    };
    expect(await flaw({ text: undefined })).toEqual([422, "/text"]);
    expect(await flaw({ type: "button" })).toEqual([422, "/button"]);
    expect(await flaw({ type: "text", button: { id: "x" } })).toEqual([422, "/button"]);
    expect(await flaw({ type: "command", text: undefined })).toEqual([422, "/text"]);
    expect(await flaw({ text: "x".repeat(300_000) })).toEqual([422, "/text"]);
    expect(await flaw({ surprise: 1 })).toEqual([422, "/surprise"]);
  });

  test("a reply to an event that was received joins its thread; one from another chat does not", async () => {
    const { bind, event, agent } = await startChannel();
    await agent("a");
    await bind({ target: "a" });
    const root = (await event({ externalId: "1" })).body.messages[0];
    const reply = (await event({ externalId: "2", replyToExternalId: "1" })).body.messages[0];
    expect([reply.replyTo, reply.threadId]).toEqual([root.id, root.id]);
    const stranger = (await event({ conversationId: "c2", externalId: "3", replyToExternalId: "1" })).body.messages[0];
    expect(stranger).toMatchObject({ replyTo: null, payload: { replyToExternalId: "1" } });
  });
});

test("what comes in and goes out is counted", async () => {
  const { event, ask, claim, adapter, bind, agent } = await startChannel();
  await event();
  await agent("a");
  await bind({ target: "a" });
  await event();
  const payload = { conversation: { conversationId: "c1" } };
  await ask("POST", "/v1/messages", { to: TELEGRAM, body: "x", payload });
  const [held] = await claim();
  await ask("POST", `/v1/messages/${held?.message.id}/complete`, { token: held?.claim.token }, adapter);
  const text = (await ask("GET", "/metrics")).body;
  for (const line of [
    'signalbox_channel_events_total{provider="telegram",outcome="unbound"} 1',
    'signalbox_channel_events_total{provider="telegram",outcome="routed"} 1',
    'signalbox_channel_posts_total{provider="telegram",outcome="done"} 1',
  ])
    expect(text).toContain(line);
});

describe("unbound events", () => {
  test("unbound events are kept for the operator, listed, and replayed once by a later binding, in their order", async () => {
    const { bind, event, agent, ask } = await startChannel();
    await agent("a");
    const kept = await event({ externalId: "1", text: "one" });
    expect(kept.body).toMatchObject({ routed: 0, messages: [{ to: "user", route: null }] });
    await event({ externalId: "2", text: "two" });
    await event({ externalId: "3", text: "elsewhere", conversationId: "c2" });
    const listed = async () => {
      const { items } = (await ask("GET", `/v1/channels/${TELEGRAM}/events?unbound=true`)).body;
      return items.map((item: { externalId: string }) => item.externalId);
    };
    expect(await listed()).toEqual(["3", "2", "1"]);
    const bound = await bind({ target: "a", conversationId: "c1", replay: true });
    expect(bound).toMatchObject({ replayed: 2, unbound: false });
    expect(await bind({ target: "a", conversationId: "c1", replay: true })).toMatchObject({ replayed: 0 });
    const { items } = (await ask("GET", "/v1/messages?to=a")).body;
    expect(items.map((item: { body: string }) => item.body)).toEqual(["two", "one"]);
    expect(items[1]).toMatchObject({
      from: TELEGRAM,
      payload: { externalId: "1", conversation: { conversationId: "c1" } },
      meta: { replayOf: kept.body.messages[0].id },
      route: { bindingId: bound.id },
    });
    expect(await listed()).toEqual(["3"]);
    const again = await event({ externalId: "1" });
    expect(again.status).toBe(200);
    expect(again.body).toMatchObject({ routed: 1, messages: [{ to: "user" }, { to: "a" }] });
  });

  test("unbound events are replayed in turns when they are many, past those that nobody can be given yet", async () => {
    const { bind, event, agent, ask } = await startChannel();
    await agent("gone");
    await agent("a");
    await bind({ target: "gone", conversationId: "stuck" });
    await ask("DELETE", "/v1/agents/gone");
    for (let n = 0; n < 201; n++) await event({ conversationId: "stuck" });
    for (let n = 0; n < 203; n++) await event({ conversationId: "c1" });
    expect(await bind({ target: "a", replay: true })).toMatchObject({ replayed: 200, unbound: true });
    expect(await bind({ target: "a", replay: true })).toMatchObject({ replayed: 3, unbound: false });
    expect((await ask("GET", "/v1/messages?to=a&limit=500")).body.items).toHaveLength(203);
  });

  test("an answer to a replayed event goes to the conversation it came from", async () => {
    const { bind, event, agent, ask, claim } = await startChannel();
    const a = await agent("a");
    await event({ externalId: "1", conversationId: "c9" });
    await bind({ target: "a", replay: true });
    const [{ id }] = (await ask("GET", "/v1/messages?to=a")).body.items;
    await ask("POST", "/v1/messages", { to: TELEGRAM, body: "late", replyTo: id }, a);
    const [claimed] = await claim();
    expect(claimed?.message.payload).toMatchObject({ conversation: { conversationId: "c9" }, replyToExternalId: "1" });
  });

  test("every event is listed newest first, page by page, for the channel's agent too", async () => {
    const { event, ask, adapter, agent } = await startChannel();
    for (const externalId of ["1", "2", "3"]) await event({ externalId });
    const first = await ask("GET", `/v1/channels/${TELEGRAM}/events?limit=2`, undefined, adapter);
    expect(first.body.items.map((item: { externalId: string }) => item.externalId)).toEqual(["3", "2"]);
    const rest = await ask("GET", `/v1/channels/${TELEGRAM}/events?limit=2&page=${first.body.nextPage}`);
    expect(rest.body).toMatchObject({ items: [{ externalId: "1", routed: 0, unbound: true }], nextPage: null });
    const other = await agent("other");
    expect((await ask("GET", `/v1/channels/${TELEGRAM}/events`, undefined, other)).status).toBe(403);
  });
});

test("G7: what was received, routed and bound is there after a restart between any two steps", async () => {
  const world = await startChannel();
  const { bind, event, agent, ask, restart } = world;
  await agent("a");
  await restart();
  await event({ externalId: "1" });
  await restart();
  expect((await event({ externalId: "1" })).status).toBe(200);
  await bind({ target: "a", replay: true });
  await restart();
  expect((await event({ externalId: "1" })).body).toMatchObject({ routed: 1 });
  expect((await ask("GET", "/v1/messages?to=a")).body.items).toHaveLength(1);
});

test("traffic that retention has passed is forgotten", async () => {
  const { event, pass, ask, agent } = await startChannel({ retentionDays: 1 });
  await event({ externalId: "1" });
  for (let hour = 0; hour < 50; hour++) await pass(3_600_000);
  await agent("late");
  expect((await ask("GET", `/v1/channels/${TELEGRAM}/events`)).body.items).toEqual([]);
  expect((await event({ externalId: "1" })).status).toBe(201);
});

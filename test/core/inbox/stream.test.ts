import { describe, expect, test } from "bun:test";
import { listen } from "../../support/listen.ts";
import { startRelay } from "../../support/relay.ts";
import { openStream } from "../../support/stream.ts";
import { until } from "../../support/until.ts";

/** A relay that listens, an agent, and somebody who writes to it. */
async function withStream() {
  const relay = await startRelay();
  const url = listen(relay);
  const bob = await relay.agent("bob", { name: "Bob", tags: ["review"] });
  const alice = await relay.agent("alice");
  return {
    ...relay,
    url,
    bob,
    alice,
    say: async (body: string, to = "bob") =>
      (await relay.ask("POST", "/v1/messages", { to, body }, alice)).body.id as number,
    follow: (query = "", headers: Record<string, string> = {}) =>
      openStream(`${url}/v1/agents/bob/inbox/stream${query}`, { token: bob.token, headers }),
    cursor: async () => (await relay.ask("GET", "/v1/agents/bob/inbox", undefined, bob)).body.cursor as number,
  };
}

describe("how an inbox stream begins", () => {
  test("hello comes first on a stream: place, head, first id, open work and the roster", async () => {
    const { follow, say, ask, alice } = await withStream();
    const id = await say("earlier");
    await ask("POST", "/v1/messages", { to: "tag:review", body: "work", claimable: true }, alice);
    const stream = await follow();
    await stream.first("message");
    expect(stream.response.headers.get("content-type")).toBe("text/event-stream; charset=utf-8");
    expect(stream.response.headers.get("cache-control")).toBe("no-store");
    expect(stream.events[0]).toMatchObject({
      type: "hello",
      data: { agentId: "bob", epoch: 0, cursor: id - 1, head: id + 1, firstId: 1, open: true, agentsTotal: 4 },
    });
    expect(stream.events[0]?.data.agents).toContainEqual({
      id: "alice",
      name: "alice",
      kind: "provider",
      label: null,
      role: null,
      capabilities: [],
      status: "online",
      ready: true,
      reach: "asked",
      epoch: 0,
    });
    expect(stream.retries).toEqual(["2000"]);
    // A stream does not repeat hello.
    expect(stream.of("open")).toEqual([]);
  });

  test("without open work hello says so", async () => {
    const { follow } = await withStream();
    expect((await (await follow()).first("hello")).data.open).toBe(false);
  });

  test("a stream starts at the stored cursor, and only message events have an id: that of the message", async () => {
    const { follow, say, ask, bob } = await withStream();
    const read = await say("read");
    await ask("POST", "/v1/agents/bob/inbox/ack", { upTo: read }, bob);
    const unread = await say("unread");
    const stream = await follow();
    const message = await stream.first("message");
    expect(message).toMatchObject({ id: String(unread), data: { id: unread, from: "alice", body: "unread" } });
    expect(message.data).not.toHaveProperty("state");
    expect(message.data).not.toHaveProperty("claim");
    expect(stream.ids()).toEqual([unread]);
    expect(stream.events.filter((event) => event.id !== undefined).map((event) => event.type)).toEqual(["message"]);
  });

  test("?after= starts a stream at that place instead, and moves nothing", async () => {
    const { follow, say, cursor } = await withStream();
    const before = await cursor();
    const ids = [await say("one"), await say("two"), await say("three")];
    const stream = await follow(`?after=${ids[0]}`);
    await stream.until(() => stream.ids().length === 2);
    expect(stream.ids()).toEqual(ids.slice(1));
    expect(await cursor()).toBe(before);
  });

  test("Last-Event-ID goes before ?after=, and moves nothing", async () => {
    const { follow, say, cursor } = await withStream();
    const before = await cursor();
    const ids = [await say("one"), await say("two"), await say("three")];
    const stream = await follow("?after=0", { "last-event-id": String(ids[1]) });
    await stream.first("message");
    expect(stream.ids()).toEqual(ids.slice(2));
    expect(await cursor()).toBe(before);
  });

  test("with ?ack=resume Last-Event-ID also acknowledges", async () => {
    const { follow, say, cursor } = await withStream();
    const ids = [await say("one"), await say("two")];
    const stream = await follow("?ack=resume", { "last-event-id": String(ids[0]) });
    expect((await stream.first("hello")).data.cursor).toBe(ids[0]);
    await stream.first("message");
    expect(stream.ids()).toEqual(ids.slice(1));
    expect(await cursor()).toBe(ids[0] as number);
  });

  test("?ack=resume without Last-Event-ID acknowledges nothing", async () => {
    const { follow, say, cursor } = await withStream();
    const before = await cursor();
    const id = await say("one");
    const stream = await follow(`?ack=resume&after=${id}`);
    await stream.first("hello");
    expect(await cursor()).toBe(before);
  });

  test.each(["x", "-1", "1.5", "9999999999999999"])(
    "a Last-Event-ID that is no place is refused: %s",
    async (given) => {
      const { follow } = await withStream();
      const { response } = await follow("", { "last-event-id": given });
      expect(response.status).toBe(422);
      expect(await response.json()).toMatchObject({ code: "invalid", errors: [{ pointer: "Last-Event-ID" }] });
    },
  );

  test("an empty Last-Event-ID counts as none", async () => {
    const { follow, say } = await withStream();
    const id = await say("one");
    const stream = await follow("", { "last-event-id": "" });
    await stream.first("message");
    expect(stream.ids()).toEqual([id]);
  });
});

describe("what an inbox stream says while it is open", () => {
  test("G3: messages sent while a stream is open arrive at once, in order, once", async () => {
    const { follow, say } = await withStream();
    const stream = await follow();
    await stream.first("hello");
    const ids: number[] = [];
    for (let i = 0; i < 20; i++) ids.push(await say(`message ${i}`));
    await stream.until(() => stream.ids().length >= 20);
    expect(stream.ids()).toEqual(ids);
  });

  test("a comment goes out on a stream every 15 s, and nothing before", async () => {
    const { follow, clock, say } = await withStream();
    const stream = await follow();
    await stream.first("hello");
    clock.advance(14_999);
    await say("a mark");
    await stream.first("message");
    expect(stream.comments).toEqual([]);
    clock.advance(1);
    await stream.until(() => stream.comments.length === 1);
    clock.advance(15_000);
    await stream.until(() => stream.comments.length === 2);
    expect(stream.comments[0]).toStartWith(":");
  });

  test("messages that expired while nobody followed are not offered, and their sender is told", async () => {
    const { follow, ask, say, alice, clock, relay } = await withStream();
    const first = await follow();
    await first.first("hello");
    first.close();
    const expiresAt = new Date(clock.now() + 60_000).toISOString();
    const late = await ask("POST", "/v1/messages", { to: "bob", body: "too late", expiresAt }, alice);
    clock.advance(60_001);
    await relay.settle();
    const id = await say("in time");
    const stream = await follow();
    await stream.first("message");
    expect(stream.ids()).toEqual([id]);
    const told = await ask("GET", "/v1/agents/alice/inbox", undefined, alice);
    expect(told.body.items).toMatchObject([{ from: "system", payload: { messageId: late.body.id, state: "expired" } }]);
  });
});

describe("how many streams", () => {
  test("the ninth stream of an agent replaces the oldest of them, which is told where to resume", async () => {
    const { follow, ask, bob } = await withStream();
    const streams = [];
    for (let i = 0; i < 8; i++) {
      streams.push(await follow());
      await streams[i]?.first("hello");
    }
    const ninth = await follow();
    await ninth.first("hello");
    expect((await streams[0]?.first("bye"))?.data).toEqual({ reason: "replaced", resumeAfter: 0 });
    expect((await ask("GET", "/v1/agents/bob", undefined, bob)).body.connections).toBe(8);
    streams[1]?.close();
    await until(async () => (await ask("GET", "/v1/agents/bob", undefined, bob)).body.connections === 7);
    await (await follow()).first("hello");
    expect(streams.filter((stream) => stream.of("bye").length > 0)).toHaveLength(1);
  });

  test("an operator or viewer who looks on takes no stream's place, and is no connection of the agent", async () => {
    const { ask, bob, url, relay, follow } = await withStream();
    const { token } = (await ask("POST", "/v1/tokens", { role: "viewer" })).body;
    for (let i = 0; i < 10; i++) {
      const looking = await openStream(`${url}/v1/agents/bob/inbox/stream`, {
        token: i % 2 ? token : relay.operatorToken,
      });
      await looking.first("hello");
    }
    expect((await ask("GET", "/v1/agents/bob", undefined, bob)).body.connections).toBe(0);
    expect((await follow()).response.status).toBe(200);
  });
});

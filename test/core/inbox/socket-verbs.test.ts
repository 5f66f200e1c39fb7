import { describe, expect, test } from "bun:test";
import { listen } from "../../support/listen.ts";
import { startRelay } from "../../support/relay.ts";
import { type Frame, openSocket } from "../../support/socket.ts";
import { until } from "../../support/until.ts";

async function withVerbs(rateLimit = 0) {
  const relay = await startRelay({ rateLimit });
  const url = listen(relay);
  const bob = await relay.agent("bob", { tags: ["crew"] });
  const ann = await relay.agent("ann");
  const socket = await openSocket(`${url}/v1/agents/bob/socket`, bob);
  await socket.first("hello");
  return {
    ...relay,
    url,
    bob,
    ann,
    socket,
    order: async (fields = {}) =>
      (await relay.ask("POST", "/v1/messages", { to: "tag:crew", body: "do it", claimable: true, ...fields }, ann)).body
        .id as number,
  };
}

describe("verbs over a WebSocket", () => {
  test("send over a WebSocket answers with the message as over HTTP; the idempotency key holds across both", async () => {
    const { socket, ask, bob } = await withVerbs();
    const message = { to: "ann", body: "hi", idempotencyKey: "k" };
    const sent = await socket.ask({ type: "send", message });
    expect(sent).toMatchObject({
      type: "ok",
      result: { from: "bob", to: "ann", body: "hi", matched: 1, replayed: false },
    });
    const again = await ask("POST", "/v1/messages", message, bob);
    expect(again.body.id).toBe(sent.result.id);
    expect((await socket.ask({ type: "send", message })).result).toMatchObject({ id: sent.result.id, replayed: true });
    const later = await socket.ask({
      type: "send",
      message: { to: "ann", body: "x", deliverAt: "2026-03-02T00:00:00Z" },
    });
    expect(later.result).toMatchObject({ deliverAt: "2026-03-02T00:00:00.000Z" });
  });

  test("ack over a WebSocket moves the cursor and says what was skipped", async () => {
    const { socket, ask, ann, bob } = await withVerbs();
    const { id } = (await ask("POST", "/v1/messages", { to: "bob", body: "x" }, ann)).body;
    await socket.first("message");
    expect(await socket.ask({ type: "ack", upTo: id })).toMatchObject({
      type: "ok",
      result: { cursor: id, skipped: 0 },
    });
    expect((await ask("GET", "/v1/agents/bob/inbox", undefined, bob)).body.cursor).toBe(id);
    expect(await socket.ask({ type: "ack", upTo: 99 })).toMatchObject({
      type: "problem",
      problem: { code: "ahead-of-log", status: 422 },
    });
  });

  test("a WebSocket claims by id or the next, renews, releases, fails and completes", async () => {
    const { socket, order, ask } = await withVerbs();
    const id = await order();
    const held = await socket.ask({ type: "claim", leaseSeconds: 60 });
    expect(held.result.items).toMatchObject([{ message: { id, state: "claimed" }, claim: { attempt: 1 } }]);
    const { token } = held.result.items[0].claim;
    expect((await socket.ask({ type: "claim" })).result).toEqual({ items: [] });
    const renewed = await socket.ask({ type: "renew", messageId: id, token, leaseSeconds: 600 });
    expect(renewed.result.claim.expiresAt).toBe("2026-03-01T12:10:00.000Z");
    expect((await socket.ask({ type: "release", messageId: id, token })).result.message.state).toBe("open");
    const second = await socket.ask({ type: "claim", messageId: id });
    expect(second.result).toMatchObject({ message: { id }, claim: { attempt: 1 } });
    const failed = { type: "fail", messageId: id, token: second.result.claim.token, error: "no" };
    expect((await socket.ask(failed)).result.message.state).toBe("open");
    const third = await socket.ask({ type: "claim", messageId: id });
    const done = { type: "complete", messageId: id, token: third.result.claim.token, result: "42" };
    expect((await socket.ask(done)).result.message.state).toBe("done");
    expect((await socket.ask(failed)).type).toBe("ok");
    expect((await socket.ask({ ...failed, token: "clm_1_9" })).problem.code).toBe("claim-lost");
    const answer = await ask("GET", "/v1/agents/ann/inbox");
    expect(answer.body.items).toMatchObject([{ kind: "response", replyTo: id, body: "42" }]);
  });

  test("a WebSocket carries heartbeats", async () => {
    const { socket } = await withVerbs();
    const beat = await socket.ask({ type: "heartbeat", status: "busy", ready: false });
    expect(beat.result).toMatchObject({ id: "bob", status: "busy", ready: false, connections: 1 });
    expect((await socket.ask({ type: "heartbeat", status: "asleep" })).problem).toMatchObject({ code: "invalid" });
  });

  test("G10: a WebSocket speaks for its own agent alone", async () => {
    const { socket } = await withVerbs();
    const forged = await socket.ask({ type: "send", message: { from: "ann", to: "bob", body: "x" } });
    expect(forged).toMatchObject({ type: "problem", problem: { status: 403, code: "forbidden" } });
  });

  test("an operator's socket speaks for the agent it is opened on, and that shows", async () => {
    const { url, relay, socket } = await withVerbs();
    const operator = await openSocket(`${url}/v1/agents/bob/socket`, { token: relay.operatorToken });
    const sent = await operator.ask({ type: "send", message: { to: "bob", body: "note to self" } });
    expect(sent.result).toMatchObject({ from: "bob" });
    expect(sent.result.via).toStartWith("tok_");
    expect((await socket.first("message")).message.via).toBe(sent.result.via);
  });
});

describe("frames that cannot be carried out", () => {
  test.each([
    ["not json", "not-json"],
    ['"a string"', "invalid"],
    ["[]", "invalid"],
    ["null", "invalid"],
    ["{}", "invalid"],
    ['{"type":"dance","ref":1}', "invalid"],
    ['{"type":"ack","upTo":1}', "invalid"],
    ['{"type":"ack","ref":1,"upTo":-1}', "invalid"],
    ['{"type":"ack","ref":1,"upTo":0,"more":true}', "invalid"],
    ['{"type":"send","ref":1,"message":{"to":"nobody","body":"x"}}', "unknown-target"],
    ['{"type":"claim","ref":1,"waitSeconds":5}', "invalid"],
    ['{"type":"auth","ref":1,"token":"x"}', "invalid"],
  ])("G9: the frame %s is answered by a problem, and the connection goes on", async (text, code) => {
    const { socket } = await withVerbs();
    socket.say(text);
    const { problem } = await socket.first("problem");
    expect(problem).toMatchObject({ code });
    expect(problem.status).toBeLessThan(500);
    expect((await socket.ask({ type: "ack", upTo: 0 })).type).toBe("ok");
  });

  test("the problem of a frame carries its ref, where there was a sound one", async () => {
    const { socket } = await withVerbs();
    for (const frame of [
      { type: "dance", ref: "a" },
      { type: "dance", ref: 7 },
      { type: "dance", ref: {} },
      { type: "dance", ref: "x".repeat(200) },
      { type: "dance" },
    ])
      socket.say(frame);
    await socket.until((so) => so.of("problem").length >= 5);
    expect(socket.of("problem").map((frame) => frame.ref)).toEqual(["a", 7, null, null, null]);
  });

  test("a binary frame is read as text", async () => {
    const { socket } = await withVerbs();
    socket.ws.send(new TextEncoder().encode('{"type":"ack","ref":"b","upTo":0}'));
    expect(await socket.first("ok")).toMatchObject({ ref: "b" });
  });
});

describe("order and limits", () => {
  test("frames of a WebSocket are carried out and answered in order, sound ones and others", async () => {
    const { socket, ask } = await withVerbs();
    for (let i = 0; i < 60; i++)
      socket.say(i % 3 ? { type: "send", ref: i, message: { to: "ann", body: `${i}` } } : { type: "dance", ref: i });
    await socket.until((so) => so.of("ok").length + so.of("problem").length >= 60);
    const answers = socket.frames.filter((frame) => "ref" in frame);
    expect(answers.map((frame) => frame.ref)).toEqual(Array.from({ length: 60 }, (_, i) => i));
    const inbox = await ask("GET", "/v1/agents/ann/inbox?limit=500");
    expect(inbox.body.items.map((item: { body: string }) => Number(item.body))).toEqual(
      Array.from({ length: 60 }, (_, i) => i).filter((i) => i % 3),
    );
  });

  test("sends that come together are each stored or refused alone, in order with the verbs between them", async () => {
    const { socket, ask, order } = await withVerbs();
    const work = await order();
    const send = (ref: number, to: string) => ({ type: "send", ref, message: { to, body: `${ref}` } });
    const frames = [
      ...[send(0, "ann"), send(1, "nobody"), send(2, "ann")],
      { type: "claim", ref: 3, messageId: work },
      ...[send(4, "ann"), { ...send(5, "ann"), message: { ...send(5, "ann").message, kind: "response" } }],
      ...[{ type: "ack", ref: 6, upTo: work + 3 }, { type: "ack", ref: 7, upTo: work + 4 }, send(8, "ann")],
    ];
    for (const frame of frames) socket.say(frame);
    const isAnswer = (frame: Frame) => "ref" in frame;
    await socket.until((so) => so.frames.filter(isAnswer).length >= frames.length);
    const answers = socket.frames.filter(isAnswer).map(({ ref, type, problem }) => `${ref} ${problem?.code ?? type}`);
    expect(answers.join(", ")).toBe(
      "0 ok, 1 unknown-target, 2 ok, 3 ok, 4 ok, 5 reserved-kind, 6 ok, 7 ahead-of-log, 8 ok",
    );
    const { items } = (await ask("GET", "/v1/agents/ann/inbox?limit=500")).body;
    expect(items.map(({ id, body }: Frame) => `${id - work}: ${body}`)).toEqual(["1: 0", "2: 2", "3: 4", "4: 8"]);
  });

  test("thousands of frames without waiting are all answered, in order", async () => {
    const { socket, ask } = await withVerbs();
    for (let i = 0; i < 5000; i++) socket.say({ type: "send", ref: i, message: { to: "ann", body: `${i}` } });
    await socket.until((so) => so.of("ok").length >= 5000);
    expect(socket.of("ok").map((frame) => frame.ref)).toEqual(Array.from({ length: 5000 }, (_, i) => i));
    expect((await ask("GET", "/v1/messages?from=bob&limit=1")).body.items[0].body).toBe("4999");
  });

  test("large frames that come at once are answered in order, with turns of the event loop between them", async () => {
    const { socket } = await withVerbs();
    const turns = new Set<number>();
    let turn = 0;
    let isOver = false;
    const count = () => {
      turn++;
      if (!isOver) setImmediate(count);
    };
    setImmediate(count);
    socket.ws.addEventListener("message", () => turns.add(turn));
    const large = "x".repeat(100_000);
    for (let i = 0; i < 20; i++) socket.say({ type: "dance", ref: i, large });
    await socket.until((so) => so.of("problem").length >= 20);
    isOver = true;
    expect(socket.of("problem").map((frame) => frame.ref)).toEqual(Array.from({ length: 20 }, (_, i) => i));
    expect(turns.size).toBeGreaterThan(10);
  });

  test("frames sent before the client closed are still carried out", async () => {
    const { socket, ask } = await withVerbs();
    for (let i = 0; i < 200; i++) socket.say({ type: "send", ref: i, message: { to: "ann", body: `${i}` } });
    socket.ws.close();
    await socket.closed;
    await until(async () => (await ask("GET", "/v1/messages?from=bob&limit=500")).body.items.length === 200);
  });

  test("each frame counts against the rate limit", async () => {
    const { socket, ask, bob } = await withVerbs(20);
    for (let i = 0; i < 30; i++) socket.say({ type: "ack", ref: i, upTo: 0 });
    await socket.until((so) => so.of("ok").length + so.of("problem").length >= 30);
    expect(socket.of("ok")).toHaveLength(19);
    expect(new Set(socket.of("problem").map((frame) => frame.problem.code))).toEqual(new Set(["rate-limited"]));
    expect((await ask("GET", "/v1/whoami", undefined, bob)).status).toBe(429);
  });
});

import { describe, expect, test } from "bun:test";
import { listen } from "../../support/listen.ts";
import { rawConnect } from "../../support/raw.ts";
import { startRelay } from "../../support/relay.ts";
import { openSocket } from "../../support/socket.ts";
import { until } from "../../support/until.ts";

async function withSocket() {
  const relay = await startRelay();
  const url = listen(relay);
  const bob = await relay.agent("bob", { tags: ["crew"] });
  const ann = await relay.agent("ann");
  return {
    ...relay,
    url,
    bob,
    ann,
    connect: (query = "", how: { token?: string; instance?: string } = { token: bob.token }) =>
      openSocket(`${url}/v1/agents/bob/socket${query}`, how),
    say: async (body = "hi", fields = {}) =>
      (await relay.ask("POST", "/v1/messages", { to: "bob", body, ...fields }, ann)).body.id as number,
    connections: async () => (await relay.ask("GET", "/v1/agents/bob")).body.connections as number,
  };
}

/** Ends the connection without a word: what Bun's WebSocket can, and the DOM's types do not know. */
const vanish = (ws: WebSocket): void => (ws as unknown as { terminate(): void }).terminate();

describe("a WebSocket onto an inbox", () => {
  test("a WebSocket onto an inbox speaks signalbox.v1, and says hello first, as the stream does", async () => {
    const { connect, say } = await withSocket();
    const id = await say();
    const socket = await connect();
    expect(socket.ws.protocol).toBe("signalbox.v1");
    await socket.first("message");
    expect(socket.frames[0]).toMatchObject({
      type: "hello",
      agentId: "bob",
      epoch: 0,
      cursor: 0,
      head: id,
      firstId: 1,
      open: false,
      agentsTotal: 4,
    });
    expect(socket.frames[1]).toMatchObject({ type: "message", message: { id, from: "ann", to: "bob", body: "hi" } });
  });

  test("a WebSocket onto an inbox works without a subprotocol, and refuses others", async () => {
    const { url, bob } = await withSocket();
    const head = (protocol: string[]) => [
      "GET /v1/agents/bob/socket HTTP/1.1",
      "Host: relay",
      `Authorization: Bearer ${bob.token}`,
      "Connection: Upgrade",
      "Upgrade: websocket",
      "Sec-WebSocket-Version: 13",
      "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==",
      ...protocol,
    ];
    const bare = await rawConnect(url, { lines: head([]) });
    const other = await rawConnect(url, { lines: head(["Sec-WebSocket-Protocol: other.v9"]) });
    const several = await rawConnect(url, { lines: head(["Sec-WebSocket-Protocol: other.v9, signalbox.v1"]) });
    for (const connection of [bare, several])
      await until(() => connection.text().includes("HTTP/1.1 101 ") && connection.text().includes('"type":"hello"'));
    await until(() => other.text().includes("HTTP/1.1 400 "));
    expect(bare.text().toLowerCase()).not.toContain("sec-websocket-protocol");
    expect(several.text().toLowerCase()).toContain("sec-websocket-protocol: signalbox.v1");
  });

  test("G3: a WebSocket onto an inbox brings stored, then live messages, in order and once; ?after= resumes", async () => {
    const { connect, say } = await withSocket();
    const ids = [await say(), await say()];
    const socket = await connect();
    for (let i = 0; i < 50; i++) ids.push(await say(`${i}`));
    await socket.until((so) => so.ids().length >= ids.length);
    expect(socket.ids()).toEqual(ids);
    const again = await connect(`?after=${ids[20]}`);
    await again.until((so) => so.ids().length >= ids.length - 21);
    expect(again.ids()).toEqual(ids.slice(21));
  });

  test("a WebSocket onto an inbox brings open, presence and bye as the stream does", async () => {
    const { ask, connect, ann, clock, restart } = await withSocket();
    const work = (await ask("POST", "/v1/messages", { to: "tag:crew", body: "x", claimable: true }, ann)).body;
    await ask("PATCH", "/v1/agents/ann", { tags: ["crew"] }, ann);
    const { claim } = (await ask("POST", `/v1/messages/${work.id}/claim`, {}, ann)).body;
    const socket = await connect();
    await socket.first("hello");
    await ask("POST", `/v1/messages/${work.id}/release`, { token: claim.token }, ann);
    expect(await socket.first("open")).toEqual({ type: "open" });
    await ask("POST", "/v1/agents/ann/heartbeat", { status: "busy" }, ann);
    clock.advance(250);
    await socket.until((so) => so.of("presence").some((frame) => frame.status === "busy"));
    await restart();
    expect(await socket.closed).toEqual({ code: 1012, reason: "restarting" });
    expect(socket.frames.at(-1)).toEqual({ type: "bye", reason: "restarting", resumeAfter: work.id });
  });

  test("a WebSocket onto an inbox takes up one of the agent's eight connections, and gives it back", async () => {
    const { connect, connections } = await withSocket();
    const sockets = [];
    for (let i = 0; i < 8; i++) {
      const socket = await connect();
      await socket.first("hello");
      sockets.push(socket);
    }
    expect(await connections()).toBe(8);
    await (await connect()).first("hello");
    expect(await sockets[0]?.closed).toEqual({ code: 1013, reason: "replaced" });
    sockets[1]?.ws.close();
    await until(async () => (await connections()) === 7);
    await (await connect()).first("hello");
  });

  test("a WebSocket onto an inbox without an upgrade is 426, which connects nobody; POST is 405", async () => {
    const { ask, bob, pass, connections } = await withSocket();
    await pass(100_000);
    const plain = await ask("GET", "/v1/agents/bob/socket", undefined, bob);
    expect(plain).toMatchObject({ status: 426, body: { code: "upgrade-required" } });
    expect(await connections()).toBe(0);
    expect((await ask("GET", "/v1/agents/bob")).body.status).toBe("offline");
    expect((await ask("POST", "/v1/agents/bob/socket", {}, bob)).status).toBe(405);
  });

  test("a WebSocket with a query that is not known is refused before the upgrade", async () => {
    const { url, bob } = await withSocket();
    await expect(openSocket(`${url}/v1/agents/bob/socket?x=1`, bob)).rejects.toThrow("no WebSocket");
  });
});

describe("how a WebSocket ends", () => {
  test("G6: a superseded WebSocket ends with 4009, after bye with the place to resume from", async () => {
    const { ask, connect, say, bob } = await withSocket();
    await ask("PUT", "/v1/agents/bob", { name: "bob", instanceId: "b-1" }, bob);
    const socket = await connect("", { token: bob.token, instance: "b-1" });
    const id = await say();
    await socket.first("message");
    await ask("PUT", "/v1/agents/bob", { name: "bob", instanceId: "b-2" }, bob);
    expect(await socket.closed).toEqual({ code: 4009, reason: "superseded" });
    expect(socket.frames.at(-1)).toEqual({ type: "bye", reason: "superseded", resumeAfter: id });
    const late = await connect("", { token: bob.token, instance: "b-1" });
    expect(await late.first("problem")).toMatchObject({ problem: { code: "superseded" } });
    expect((await late.closed).code).toBe(4009);
  });

  test("G10: a WebSocket whose token is revoked or agent deleted ends with 4001", async () => {
    const { ask, connect, bob, relay } = await withSocket();
    const byToken = await connect();
    const byOperator = await connect("", { token: relay.operatorToken });
    await byToken.first("hello");
    await byOperator.first("hello");
    const { tokenId } = (await ask("GET", "/v1/whoami", undefined, bob)).body;
    await ask("DELETE", `/v1/tokens/${tokenId}`);
    expect(await byToken.closed).toEqual({ code: 4001, reason: "revoked" });
    await ask("DELETE", "/v1/agents/bob");
    expect(await byOperator.closed).toEqual({ code: 4001, reason: "revoked" });
  });

  test("a frame beyond all limits ends a WebSocket with 1009", async () => {
    const { connect, connections } = await withSocket();
    const socket = await connect();
    await socket.first("hello");
    socket.say(`{"type":"send","ref":1,"message":{"to":"ann","body":"${"x".repeat(5 * 1024 * 1024)}"}}`);
    expect((await socket.closed).code).toBe(1009);
    await until(async () => (await connections()) === 0);
  });

  test("G9: a client of a WebSocket that vanishes leaves nothing behind", async () => {
    const { connect, connections } = await withSocket();
    const socket = await connect();
    await socket.first("hello");
    vanish(socket.ws);
    await until(async () => (await connections()) === 0);
  });
});

describe("lastSeenAt over a WebSocket", () => {
  test("lastSeenAt over a WebSocket moves when it connects, with every frame, and with a pong; not by what is sent to it", async () => {
    const { ask, connect, say, clock } = await withSocket();
    const lastSeen = async () => Date.parse((await ask("GET", "/v1/agents/bob")).body.lastSeenAt);
    clock.advance(1000);
    const socket = await connect();
    await socket.first("hello");
    const connected = clock.now();
    expect(await lastSeen()).toBe(connected);
    clock.advance(1000);
    await say();
    await socket.first("message");
    expect(await lastSeen()).toBe(connected);
    await socket.ask({ type: "nothing-known" });
    expect(await lastSeen()).toBe(clock.now());
    clock.advance(1000);
    (socket.ws as unknown as { pong(): void }).pong();
    await until(async () => (await lastSeen()) === clock.now());
  });

  test("an operator's frames on an agent's socket do not count as the agent's", async () => {
    const { ask, connect, relay, clock } = await withSocket();
    const before = (await ask("GET", "/v1/agents/bob")).body.lastSeenAt;
    clock.advance(1000);
    const socket = await connect("", { token: relay.operatorToken });
    await socket.ask({ type: "ack", upTo: 0 });
    expect((await ask("GET", "/v1/agents/bob")).body.lastSeenAt).toBe(before);
    expect((await ask("GET", "/v1/agents/bob")).body.connections).toBe(0);
  });
});

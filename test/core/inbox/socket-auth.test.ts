import { describe, expect, test } from "bun:test";
import { listen } from "../../support/listen.ts";
import { metric } from "../../support/metrics.ts";
import { rawConnect } from "../../support/raw.ts";
import { startRelay } from "../../support/relay.ts";
import { openSocket } from "../../support/socket.ts";
import { turns, until } from "../../support/until.ts";

async function withBrowser() {
  const relay = await startRelay();
  const url = listen(relay);
  const bob = await relay.agent("bob");
  const ann = await relay.agent("ann");
  return { ...relay, url, bob, ann, connect: () => openSocket(`${url}/v1/agents/bob/socket`, {}) };
}

describe("a WebSocket of a browser, which cannot set headers", () => {
  test("a WebSocket of a browser sends its token in a first frame, and is told nothing before", async () => {
    const { connect, ask, bob, ann } = await withBrowser();
    const { id } = (await ask("POST", "/v1/messages", { to: "bob", body: "secret" }, ann)).body;
    const socket = await connect();
    await turns();
    expect(socket.frames).toEqual([]);
    socket.say({ type: "auth", token: bob.token });
    await socket.first("message");
    expect(socket.frames.map((frame) => frame.type)).toEqual(["hello", "message"]);
    expect(socket.ids()).toEqual([id]);
    expect((await socket.ask({ type: "ack", upTo: id })).type).toBe("ok");
  });

  test("frames right behind a browser's first one are carried out once it is known who speaks", async () => {
    const { connect, bob } = await withBrowser();
    const socket = await connect();
    socket.say({ type: "auth", token: bob.token });
    for (let i = 0; i < 10; i++) socket.say({ type: "ack", ref: i, upTo: 0 });
    await socket.until((so) => so.of("ok").length >= 10);
    expect(socket.frames[0]?.type).toBe("hello");
  });

  test("a WebSocket of a browser says which instance it is, and is fenced by that", async () => {
    const { connect, ask, bob } = await withBrowser();
    await ask("PUT", "/v1/agents/bob", { name: "bob", instanceId: "b-1" }, bob);
    const socket = await connect();
    socket.say({ type: "auth", token: bob.token, instanceId: "b-1" });
    await socket.first("hello");
    await ask("PUT", "/v1/agents/bob", { name: "bob", instanceId: "b-2" }, bob);
    expect((await socket.closed).code).toBe(4009);
    const late = await connect();
    late.say({ type: "auth", token: bob.token, instanceId: "b-1" });
    expect((await late.closed).code).toBe(4009);
    expect(late.frames).toMatchObject([{ type: "problem", problem: { code: "superseded" } }]);
  });

  test.each([
    ["a wrong token", { type: "auth", token: "sbx_wrong" }, "unauthorized"],
    ["another frame", { type: "ack", ref: 1, upTo: 0 }, "invalid"],
    ["no JSON", "auth please", "not-json"],
    ["too much", { type: "auth", token: "x", admin: true }, "invalid"],
    ["no token", { type: "auth" }, "invalid"],
  ])("G10: %s first ends a browser's WebSocket with 4001", async (_, frame, code) => {
    const { connect } = await withBrowser();
    const socket = await connect();
    socket.say(frame);
    expect(await socket.closed).toEqual({ code: 4001, reason: "not-authorised" });
    expect(socket.frames).toMatchObject([{ type: "problem", ref: null, problem: { code } }]);
  });

  test("G10: the token of another agent ends a browser's WebSocket with 4001", async () => {
    const { connect, ann } = await withBrowser();
    const socket = await connect();
    socket.say({ type: "auth", token: ann.token });
    expect((await socket.closed).code).toBe(4001);
    expect(socket.frames).toMatchObject([{ problem: { code: "forbidden" } }]);
  });

  test("G9: a WebSocket that has said nothing after 5 s is closed, and not a moment sooner", async () => {
    const { connect, clock, bob } = await withBrowser();
    const silent = await connect();
    const prompt = await connect();
    await turns();
    clock.advance(4999);
    prompt.say({ type: "auth", token: bob.token });
    await prompt.first("hello");
    clock.advance(1);
    expect(await silent.closed).toEqual({ code: 4001, reason: "not-authorised" });
    expect((await prompt.ask({ type: "ack", upTo: 0 })).type).toBe("ok");
  });

  test("G9: a client that leaves while its token is looked up leaves nothing behind", async () => {
    const { connect, ask, ...relay } = await withBrowser();
    for (let i = 0; i < 20; i++) {
      // A token is written down at its first use: that takes a commit, in which the client leaves.
      const { token } = (await ask("POST", "/v1/tokens", { role: "agent", agentId: "bob" })).body;
      const socket = await connect();
      socket.say({ type: "auth", token });
      socket.ws.close();
      await socket.closed;
    }
    await turns();
    await until(async () => (await metric({ ask }, "signalbox_connections")) === 0);
    expect((await ask("GET", "/v1/agents/bob")).body.connections).toBe(0);
    await relay.pass(15_000);
  });
});

describe("G10: a WebSocket that has not said who it is", () => {
  test.each([
    ["another origin", "https://elsewhere.example", 403],
    ["no origin of its own", "null", 403],
    ["its own", undefined, 101],
    ["one that was allowed", "https://app.example", 101],
  ])("G10: a WebSocket without a token is let in by the origin of its page: %s", async (_, origin, status) => {
    const relay = await startRelay({ allowedHosts: ["https://app.example"] });
    const url = listen(relay);
    await relay.agent("bob");
    expect(await upgradeFrom(url, origin ?? url)).toBe(status);
  });

  test("G10: a WebSocket of a page whose name was made to point here is refused, whatever its token", async () => {
    const { url } = await withBrowser();
    expect(await upgradeFrom(url, "http://rebound.example", "rebound.example")).toBe(403);
  });

  test("G10: a WebSocket that has not said who it is may say so in a frame of 4 KiB at most", async () => {
    const { connect, bob } = await withBrowser();
    const socket = await connect();
    socket.say({ type: "auth", token: bob.token, instanceId: "x".repeat(5000) });
    expect((await socket.closed).code).toBe(1009);
    const binary = await connect();
    binary.ws.send(new Uint8Array(4097));
    expect((await binary.closed).code).toBe(1009);
  });

  test("G10: 32 WebSockets may be open that have not said who they are: the next is refused until one has said so or left", async () => {
    const { connect, url, bob } = await withBrowser();
    const silent = [];
    for (let i = 0; i < 32; i++) silent.push(await connect());
    const page = url;
    expect(await upgradeFrom(url, page)).toBe(429);
    const known = await openSocket(`${url}/v1/agents/bob/socket`, bob);
    await known.first("hello");
    silent[0]?.say({ type: "auth", token: bob.token });
    await silent[0]?.first("hello");
    expect(await upgradeFrom(url, page)).toBe(101);
    silent[1]?.ws.close();
    await until(async () => (await upgradeFrom(url, page)) === 101);
  });
});

/** The status of an upgrade that a page asks for. */
async function upgradeFrom(url: string, origin: string, host = new URL(url).host): Promise<number> {
  const connection = await rawConnect(url, {
    lines: [
      ...["GET /v1/agents/bob/socket HTTP/1.1", `Host: ${host}`, `Origin: ${origin}`, "Connection: Upgrade"],
      ...["Upgrade: websocket", "Sec-WebSocket-Version: 13", "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ=="],
    ],
  });
  await until(() => connection.text().includes("\r\n\r\n"));
  return Number(connection.text().split(" ")[1]);
}

describe("a WebSocket with a token in its header", () => {
  test("a wrong token in a WebSocket's header is 401 before the upgrade", async () => {
    const { url } = await withBrowser();
    await expect(openSocket(`${url}/v1/agents/bob/socket`, { token: "sbx_wrong" })).rejects.toThrow("no WebSocket");
  });

  test("G10: another agent's token in a WebSocket's header is refused with a problem and 4001", async () => {
    const { url, ann } = await withBrowser();
    const socket = await openSocket(`${url}/v1/agents/bob/socket`, ann);
    expect((await socket.closed).code).toBe(4001);
    expect(socket.frames).toMatchObject([{ type: "problem", ref: null, problem: { code: "forbidden" } }]);
  });

  test("G10: frames that wait when the token of a WebSocket is revoked are not carried out", async () => {
    const { url, ask, bob } = await withBrowser();
    const socket = await openSocket(`${url}/v1/agents/bob/socket`, bob);
    await socket.first("hello");
    const { tokenId } = (await ask("GET", "/v1/whoami", undefined, bob)).body;
    for (let i = 0; i < 1000; i++) socket.say({ type: "send", ref: i, message: { to: "ann", body: `${i}` } });
    await socket.first("ok");
    await ask("DELETE", `/v1/tokens/${tokenId}`);
    await socket.closed;
    await turns(50);
    const { head } = (await ask("GET", "/v1/agents/ann/inbox")).body;
    await turns(50);
    // Whatever was carried out came before; nothing comes any more.
    expect((await ask("GET", "/v1/agents/ann/inbox")).body.head).toBe(head);
    expect(head).toBeGreaterThan(0);
    expect(head).toBeLessThan(1000);
  });
});

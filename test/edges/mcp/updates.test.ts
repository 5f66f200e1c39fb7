import { describe, expect, test } from "bun:test";
import { Client } from "@modelcontextprotocol/client";
import { connect, ERAS, type Era, META, type Peer, rpc, tokenFor } from "../../support/mcp.ts";
import { startRelay, type TestRelay } from "../../support/relay.ts";
import { until } from "../../support/until.ts";

const INBOX = "signalbox://inbox";

async function world() {
  const relay = await startRelay({ durability: "normal" });
  const alice = await relay.agent("alice");
  const bob = await relay.agent("bob");
  const eve = await relay.agent("eve");
  const send = (to: string, more: Record<string, unknown> = {}) =>
    relay.ask("POST", "/v1/messages", { to, body: "hi", ...more }, alice);
  return { relay, alice, bob, eve, send };
}

/** A client that notes which resources it was told of; `follow` asks to be told. */
async function listener(relay: TestRelay, token: string, era: Era) {
  const told: string[] = [];
  const peer: Peer = await connect(relay, token, era);
  peer.client.setNotificationHandler("notifications/resources/updated", ({ params }) => void told.push(params.uri));
  return {
    ...peer,
    told,
    async follow(uris: string[]) {
      if (era === "modern") return peer.client.listen({ resourceSubscriptions: uris });
      for (const uri of uris) await peer.client.subscribeResource({ uri });
      return undefined;
    },
    count: (uri: string) => told.filter((each) => each === uri).length,
  };
}

/** Long enough for whatever was on its way. */
const settled = () => Bun.sleep(60);

for (const era of ERAS)
  describe(`being told of changes, ${era} era`, () => {
    test("a client over MCP is told of changes of the inbox, when a message comes", async () => {
      const { relay, bob, send } = await world();
      const b = await listener(relay, bob.token, era);
      await b.follow([INBOX]);
      await settled();
      expect(b.told).toEqual([]);
      await send("bob");
      await until(() => b.count(INBOX) === 1);
      await send("bob");
      await until(() => b.count(INBOX) === 2);
    });

    test("a client over MCP is told of changes of a thread, when something is added to it, and of no other", async () => {
      const { relay, bob, send } = await world();
      const root = (await send("bob")).body.id;
      const b = await listener(relay, bob.token, era);
      await b.call("inbox", { ack: root });
      await b.follow([`signalbox://threads/${root}`]);
      await send("bob");
      await settled();
      expect(b.told).toEqual([]);
      await send("bob", { replyTo: root });
      await until(() => b.count(`signalbox://threads/${root}`) === 1);
      expect(b.count(INBOX)).toBe(0);
    });

    test("a client over MCP is told of changes of what came before, when it begins to listen", async () => {
      const { relay, bob, send } = await world();
      await send("bob");
      const b = await listener(relay, bob.token, era);
      await b.follow([INBOX]);
      if (era === "legacy") await send("bob");
      await until(() => b.count(INBOX) > 0);
    });

    test("a client over MCP is told of changes of work that is open again", async () => {
      const { relay, bob, send } = await world();
      const id = (await send("bob", { claimable: true })).body.id;
      const b = await listener(relay, bob.token, era);
      const { facts } = await b.call("claim");
      await b.call("inbox", { ack: id });
      await b.follow([INBOX]);
      await settled();
      const before = b.count(INBOX);
      await relay.ask("POST", `/v1/messages/${id}/release`, { token: facts.token }, bob);
      await until(() => b.count(INBOX) > before);
    });

    test("G10: nobody is told over MCP of another's inbox or thread", async () => {
      const { relay, eve, send } = await world();
      const root = (await send("bob")).body.id;
      const e = await listener(relay, eve.token, era);
      const foreign = [`signalbox://threads/${root}`, "signalbox://inbox/bob", "signalbox://inbox?agent=bob"];
      if (era === "modern") {
        const sub = await e.follow([...foreign, INBOX]);
        expect(sub?.honoredFilter.resourceSubscriptions).toEqual([INBOX]);
      } else {
        for (const uri of foreign) expect(e.client.subscribeResource({ uri })).rejects.toThrow();
        await e.follow([INBOX]);
      }
      for (let i = 0; i < 5; i++) await send("bob", { replyTo: root });
      await settled();
      expect(e.told).toEqual([]);
      await send("eve");
      await until(() => e.count(INBOX) === 1);
    });

    test("G3: changes while the relay was away are told of over MCP when it is back", async () => {
      const { relay, bob, send } = await world();
      const b = await listener(relay, bob.token, era);
      const before = await b.follow([INBOX]);
      await settled();
      const gone = before?.closed;
      await relay.restart(1000);
      expect(["graceful", "remote", undefined]).toContain(await gone);
      await send("bob");
      // A stream of the older revision is opened again by its client; the newer one leaves that to whoever listens.
      if (era === "modern") await b.follow([INBOX]);
      await until(() => b.count(INBOX) >= 1);
    });

    test("being told of changes over MCP ends with the token", async () => {
      const { relay, bob, send } = await world();
      const { body } = await relay.ask("GET", "/v1/whoami", undefined, bob);
      const b = await listener(relay, bob.token, era);
      const sub = await b.follow([INBOX]);
      await settled();
      await relay.ask("DELETE", `/v1/tokens/${body.tokenId}`);
      if (sub) expect(await sub.closed).toBe("graceful");
      await send("bob");
      await settled();
      expect(b.told).toEqual([]);
      expect(b.call("inbox")).rejects.toThrow();
    });

    test("an agent's streams over MCP are bounded", async () => {
      const { relay, bob } = await world();
      const peers = [];
      for (let i = 0; i < 9; i++) peers.push(await listener(relay, bob.token, era));
      const tried = await Promise.allSettled(peers.map((peer) => peer.follow([INBOX])));
      // The ninth replaces the oldest.
      expect(tried.filter(({ status }) => status === "rejected")).toEqual([]);
      await settled();
      const { body } = await relay.ask("GET", "/v1/agents/bob");
      expect(body.connections).toBe(8);
    });

    test("a client over MCP that has left is forgotten", async () => {
      const { relay, bob } = await world();
      const b = await listener(relay, bob.token, era);
      const sub = await b.follow([INBOX]);
      const connections = async () => (await relay.ask("GET", "/v1/agents/bob")).body.connections;
      await until(async () => (await connections()) === 1);
      if (sub) await sub.close();
      else await b.client.close();
      await until(async () => (await connections()) === 0);
    });
  });

describe("a listener that takes nothing", () => {
  test("G9: a listener that takes nothing costs no more, however much comes", async () => {
    const { relay, bob, alice } = await world();
    const listen = {
      jsonrpc: "2.0",
      id: 1,
      method: "subscriptions/listen",
      params: { _meta: META, notifications: { resourceSubscriptions: [INBOX] } },
    };
    const request = new Request("http://localhost/mcp", {
      method: "POST",
      headers: {
        authorization: `Bearer ${bob.token}`,
        "content-type": "application/json",
        accept: "application/json, text/event-stream",
        "mcp-protocol-version": "2026-07-28",
        "mcp-method": listen.method,
      },
      body: JSON.stringify(listen),
    });
    const response = await relay.relay.app.handle(request);
    const messages = Array.from({ length: 500 }, () => ({ to: "bob", body: "hi" }));
    for (let i = 0; i < 10; i++) await relay.ask("POST", "/v1/messages/batch", { messages }, alice);
    await settled();
    const reader = (response.body as ReadableStream<Uint8Array>).getReader();
    let frames = 0;
    let chunk = await Promise.race([reader.read(), Bun.sleep(200)]);
    while (chunk?.value) {
      frames += new TextDecoder().decode(chunk.value).split("\n\n").length - 1;
      chunk = await Promise.race([reader.read(), Bun.sleep(200)]);
    }
    expect(frames).toBeGreaterThan(1);
    expect(frames).toBeLessThan(200);
    await reader.cancel();
  });
});

describe("sessions of the older revision", () => {
  const initialize = {
    jsonrpc: "2.0",
    id: 1,
    method: "initialize",
    params: { protocolVersion: "2025-11-25", capabilities: {}, clientInfo: { name: "x", version: "1" } },
  };
  const list = { jsonrpc: "2.0", id: 2, method: "tools/list" };
  const old = { "mcp-protocol-version": "2025-11-25" };
  const begin = async (relay: TestRelay, token: string) =>
    (await rpc(relay, token, initialize, old)).headers.get("mcp-session-id") ?? "";
  const status = async (relay: TestRelay, token: string, session: string) =>
    (await rpc(relay, token, list, session ? { ...old, "mcp-session-id": session } : old)).status;

  test("sessions of the older revision are asked for, known after a restart, and end when they are ended", async () => {
    const { relay, bob } = await world();
    const session = await begin(relay, bob.token);
    expect(await status(relay, bob.token, session)).toBe(200);
    expect(await status(relay, bob.token, "")).toBe(400);
    expect(await status(relay, bob.token, "unknown")).toBe(404);
    await relay.restart();
    expect(await status(relay, bob.token, session)).toBe(200);
    const ended = await relay.ask("DELETE", "/mcp", undefined, {
      token: bob.token,
      headers: { ...old, "mcp-session-id": session },
    });
    expect(ended.status).toBe(200);
    expect(await status(relay, bob.token, session)).toBe(404);
  });

  test("G4: a call of an older session that is taken back by another request claims nothing any more", async () => {
    const { relay, bob, send } = await world();
    const session = { ...old, "mcp-session-id": await begin(relay, bob.token) };
    const call = { jsonrpc: "2.0", id: 7, method: "tools/call", params: { name: "claim", arguments: { wait: 25 } } };
    void rpc(relay, bob.token, call, session).catch(() => undefined);
    await settled();
    const cancelled = { jsonrpc: "2.0", method: "notifications/cancelled", params: { requestId: 7 } };
    expect((await rpc(relay, bob.token, cancelled, session)).status).toBe(202);
    await settled();
    const { id } = (await send("bob", { claimable: true })).body;
    await settled();
    expect((await relay.ask("GET", `/v1/messages/${id}`)).body.state).toBe("open");
  });

  test("streams of sessions of the older revision end with them", async () => {
    const { relay, bob } = await world();
    const session = await begin(relay, bob.token);
    const headers = { authorization: `Bearer ${bob.token}`, "mcp-session-id": session, accept: "text/event-stream" };
    const stream = await relay.relay.app.handle(new Request("http://localhost/mcp", { headers }));
    expect(stream.headers.get("content-type")).toStartWith("text/event-stream");
    await relay.ask("DELETE", "/mcp", undefined, { token: bob.token, headers: { "mcp-session-id": session } });
    await stream.text();
    expect((await relay.ask("GET", "/v1/agents/bob")).body.connections).toBe(0);
  });

  test("G10: another agent's session is as good as none, also to end it", async () => {
    const { relay, bob, eve } = await world();
    const session = await begin(relay, bob.token);
    expect(await status(relay, eve.token, session)).toBe(404);
    for (const method of ["GET", "DELETE"]) {
      const headers = { ...old, "mcp-session-id": session, accept: "text/event-stream" };
      expect((await relay.ask(method, "/mcp", undefined, { token: eve.token, headers })).status).toBe(404);
    }
    expect(await status(relay, bob.token, session)).toBe(200);
  });

  test("the oldest sessions are forgotten, and all of them with their agent", async () => {
    const { relay, bob } = await world();
    const first = await begin(relay, bob.token);
    relay.clock.advance(10);
    for (let i = 0; i < 64; i++) await begin(relay, bob.token);
    expect(await status(relay, bob.token, first)).toBe(404);
    const last = await begin(relay, bob.token);
    await relay.ask("DELETE", "/v1/agents/bob");
    await relay.ask("POST", "/v1/agents/bob/restore", {});
    expect(await status(relay, await tokenFor(relay, "bob"), last)).toBe(404);
  });
});

describe("a person is asked before a message goes to many", () => {
  async function crowd(answer: "accept" | "decline" | "accept-no" | undefined, era: Era = "modern", size = 12) {
    const { relay, alice } = await world();
    for (let i = 0; i < size; i++) await relay.agent(`worker-${i}`, { tags: ["crew"] });
    const asked: string[] = [];
    const client = new Client(
      { name: "probe", version: "1.0" },
      {
        versionNegotiation: { mode: era === "modern" ? "auto" : "legacy" },
        ...(answer ? { capabilities: { elicitation: {} } } : {}),
      },
    );
    if (answer)
      client.setRequestHandler("elicitation/create", ({ params }) => {
        asked.push(params.message);
        if (answer === "decline") return { action: "decline" as const };
        return { action: "accept" as const, content: { approve: answer === "accept" } };
      });
    return { relay, asked, ...(await connect(relay, alice.token, era, { client })) };
  }
  const sentTo = async (relay: TestRelay) =>
    (await relay.ask("GET", "/v1/messages?to=tag:crew")).body.items.length as number;

  test("a message to many goes when the person approves", async () => {
    const { relay, asked, call } = await crowd("accept");
    const { facts } = await call("send", { to: "tag:crew", text: "all stop" });
    expect(facts.matched).toBe(12);
    expect(asked).toEqual([expect.stringContaining("12 agents")]);
    expect(asked[0]).toContain("all stop");
    expect(await sentTo(relay)).toBe(1);
  });

  test("a message to many does not go when the person declines, in either way", async () => {
    for (const answer of ["decline", "accept-no"] as const) {
      const { relay, call } = await crowd(answer);
      const { isError, text } = await call("send", { to: "tag:crew", text: "all stop" });
      expect(isError).toBe(true);
      expect(text).toContain("declined");
      expect(await sentTo(relay)).toBe(0);
    }
  });

  test("a message to many does not go when the client cannot ask a person", async () => {
    for (const era of ERAS) {
      const { relay, call } = await crowd(undefined, era);
      expect((await call("send", { to: "tag:crew", text: "all stop" })).text).toContain("a person has to approve");
      expect(await sentTo(relay)).toBe(0);
    }
  });

  test("a reply to one's own message to a group that has become large, and a request to it, go when the person approves", async () => {
    const { relay, asked, call } = await crowd("accept", "modern", 3);
    const { facts } = await call("send", { to: "tag:crew", text: "hello" });
    await call("reply", { id: facts.id, text: "again" });
    expect(asked).toEqual([]);
    for (let i = 3; i < 14; i++) await relay.agent(`worker-${i}`, { tags: ["crew"] });
    expect((await call("reply", { id: facts.id, text: "all stop" })).facts.matched).toBe(14);
    expect((await call("delegate", { to: "tag:crew", text: "count" })).facts.status).toBe("pending");
    expect(asked).toEqual([
      expect.stringMatching(/14 agents \(tag:crew\).*all stop/),
      expect.stringMatching(/14 agents \(tag:crew\).*count/),
    ]);
    expect(await sentTo(relay)).toBe(4);
  });

  test("a reply and a request to many do not go when the person declines, or the client cannot ask", async () => {
    for (const answer of ["decline", undefined] as const) {
      const { relay, call } = await crowd(answer, "modern", 3);
      const { facts } = await call("send", { to: "tag:crew", text: "hello" });
      for (let i = 3; i < 14; i++) await relay.agent(`worker-${i}`, { tags: ["crew"] });
      const tries = [
        await call("reply", { id: facts.id, text: "all stop" }),
        await call("delegate", { to: "tag:crew", text: "count" }),
        await call("delegate", { to: "broadcast", text: "count" }),
      ];
      for (const { isError, text } of tries) expect([isError, text]).toEqual([true, expect.stringContaining("person")]);
      expect(await sentTo(relay)).toBe(1);
      expect((await relay.ask("GET", "/v1/delegations")).body.items).toEqual([]);
    }
  });

  test("a message to a few goes without asking a person", async () => {
    const { asked, call } = await crowd("accept");
    expect((await call("send", { to: "worker-1", text: "hi" })).facts.matched).toBe(1);
    expect(asked).toEqual([]);
  });
});

import { describe, expect, test } from "bun:test";
import { listen } from "../../support/listen.ts";
import { rawConnect } from "../../support/raw.ts";
import { startRelay } from "../../support/relay.ts";
import { startServer } from "../../support/server.ts";
import { openStream } from "../../support/stream.ts";
import { turns, until } from "../../support/until.ts";

const BODY = "x".repeat(100_000);

async function withSlowReader() {
  const relay = await startRelay({ durability: "normal" });
  const url = listen(relay);
  const slow = await relay.agent("slow", { tags: ["all"] });
  const quick = await relay.agent("quick", { tags: ["all"] });
  const boss = await relay.agent("boss");
  const connections = async (id: string) => (await relay.ask("GET", `/v1/agents/${id}`)).body.connections as number;
  return {
    ...relay,
    url,
    slow,
    quick,
    boss,
    connections,
    /** Opens a stream as slow and never reads a byte of it. */
    async stall() {
      const lines = ["GET /v1/agents/slow/inbox/stream HTTP/1.1", "Host: relay", `Authorization: Bearer ${slow.token}`];
      const connection = await rawConnect(url, { lines, reads: false });
      await until(async () => (await connections("slow")) === 1);
      return connection;
    },
    async flood(count: number, to = "tag:all"): Promise<number> {
      let last = 0;
      for (let i = 0; i < count; i += 20) {
        const messages = Array.from({ length: Math.min(20, count - i) }, () => ({ to, body: BODY }));
        const sent = await relay.ask("POST", "/v1/messages/batch", { messages }, boss);
        last = sent.body.items.at(-1).id;
      }
      return last;
    },
  };
}

describe("a client that does not read", () => {
  test("G9: a client that does not read does not hold up others", async () => {
    const { url, quick, stall, flood } = await withSlowReader();
    await stall();
    const stream = await openStream(`${url}/v1/agents/quick/inbox/stream`, quick);
    const last = await flood(400);
    await stream.until((so) => so.ids().at(-1) === last);
    expect(stream.ids()).toHaveLength(400);
  });

  test("G9: a client that does not read is cut off when it has taken nothing for 30 s, and finds out where to resume once it reads", async () => {
    const { stall, flood, connections, clock, ask, slow } = await withSlowReader();
    const { socket } = await stall();
    const last = await flood(200);
    clock.advance(15_000);
    await turns();
    expect(await connections("slow")).toBe(1);
    clock.advance(15_000);
    await until(async () => (await connections("slow")) === 0);
    let text = "";
    socket.on("data", (bytes) => (text += bytes.toString()));
    socket.resume();
    await until(() => text.includes("event: bye"));
    const ids = [...text.matchAll(/^id: (\d+)$/gm)].map((match) => Number(match[1]));
    const bye = JSON.parse(/event: bye\ndata: (.*)/.exec(text)?.[1] ?? "");
    expect(bye).toEqual({ reason: "too-slow", resumeAfter: ids.at(-1) });
    const rest = await ask("GET", `/v1/agents/slow/inbox?after=${bye.resumeAfter}&limit=500`, undefined, slow);
    expect(ids.length).toBeGreaterThan(0);
    expect(rest.body.items.length).toBeGreaterThan(0);
    const all = [...ids, ...rest.body.items.map((item: { id: number }) => item.id)];
    expect(all).toEqual(Array.from({ length: all.length }, (_, i) => i + 1));
    expect(all.length).toBeLessThanOrEqual(last);
  });

  test("a client that reads on in time goes on where it was, with nothing lost", async () => {
    const { stall, flood, clock, connections } = await withSlowReader();
    const { socket } = await stall();
    const last = await flood(200);
    clock.advance(15_000);
    let text = "";
    socket.on("data", (bytes) => (text += bytes.toString()));
    socket.resume();
    await until(() => text.includes(`id: ${last}\n`));
    clock.advance(15_000);
    await turns();
    expect(await connections("slow")).toBe(1);
    const ids = [...text.matchAll(/^id: (\d+)$/gm)].map((match) => Number(match[1]));
    expect(ids).toEqual(Array.from({ length: last }, (_, i) => i + 1));
  });

  test("a client that does not read is told of open work when it takes something again", async () => {
    const { stall, flood, ask, slow, quick, boss } = await withSlowReader();
    const { body: work } = await ask("POST", "/v1/messages", { to: "tag:all", body: "do it", claimable: true }, boss);
    const { body: held } = await ask("POST", `/v1/messages/${work.id}/claim`, {}, quick);
    await ask("POST", "/v1/agents/slow/inbox/ack", { upTo: work.id }, slow);
    const { socket } = await stall();
    await flood(200);
    await ask("POST", `/v1/messages/${work.id}/release`, { token: held.claim.token }, quick);
    let text = "";
    socket.on("data", (bytes) => (text += bytes.toString()));
    socket.resume();
    await until(() => text.includes("event: open"));
    expect(text.split("event: open").length).toBe(2);
  });

  test("a client that does not read is told how others are, once it reads again", async () => {
    const { stall, flood, ask, clock, slow, quick } = await withSlowReader();
    clock.advance(250);
    const { socket } = await stall();
    await flood(200);
    await ask("POST", "/v1/agents/quick/heartbeat", { status: "busy" }, quick);
    await ask("DELETE", "/v1/agents/boss");
    clock.advance(250);
    await turns();
    await ask("POST", "/v1/agents/quick/heartbeat", { status: "idle" }, quick);
    clock.advance(250);
    await turns();
    let text = "";
    socket.on("data", (bytes) => (text += bytes.toString()));
    socket.resume();
    await until(() => text.includes("id: 200\n"));
    clock.advance(1000);
    const told = () => [...text.matchAll(/^event: presence\ndata: (.*)$/gm)].map(([, json = ""]) => JSON.parse(json));
    const ofAll = (agentId: string) => told().filter((one) => one.agentId === agentId);
    await until(() => ofAll("boss").length > 0);
    expect(ofAll("quick")).toEqual([{ agentId: "quick", status: "idle", ready: true, epoch: 0, connections: 0 }]);
    expect(ofAll("boss")).toEqual([{ agentId: "boss", status: "offline", ready: false, epoch: 0, connections: 0 }]);
    expect((await ask("GET", "/v1/agents/slow", undefined, slow)).body.connections).toBe(1);
  });

  test("G9: every long call is given a time after which a connection that is quiet is cut", async () => {
    const relay = await startRelay();
    const url = listen(relay);
    const bob = await relay.agent("bob");
    const { server } = relay.relay.app;
    const given: number[] = [];
    const timeout = server?.timeout.bind(server);
    Object.defineProperty(server, "timeout", {
      value: (request: Request, seconds: number) => {
        given.push(seconds);
        timeout?.(request, seconds);
      },
    });
    const stream = await openStream(`${url}/v1/agents/bob/inbox/stream`, bob);
    await stream.first("hello");
    const authorization = `Bearer ${bob.token}`;
    await fetch(`${url}/v1/agents/bob/inbox?waitSeconds=0`, { headers: { authorization } });
    expect(given).toEqual([240, 240]);
  });
});

test("G9: what waits for clients that never read stays bounded, however much is sent to them", async () => {
  const server = await startServer({ env: { SIGNALBOX_DURABILITY: "normal" } });
  const ask = async (method: string, path: string, body?: unknown) => {
    const init = {
      method,
      headers: { authorization: `Bearer ${server.operatorToken}`, "content-type": "application/json" },
    };
    return fetch(`${server.url}${path}`, body === undefined ? init : { ...init, body: JSON.stringify(body) });
  };
  const memory = async () =>
    Number(/signalbox_process_resident_bytes (\d+)/.exec(await (await ask("GET", "/metrics")).text())?.[1]);
  await ask("PUT", "/v1/agents/boss", { name: "boss" });
  for (const id of ["a", "b"]) {
    await ask("PUT", `/v1/agents/${id}`, { name: id, tags: ["slow"] });
    const { token } = await (await ask("POST", "/v1/tokens", { role: "agent", agentId: id })).json();
    const lines = [`GET /v1/agents/${id}/inbox/stream HTTP/1.1`, "Host: relay", `Authorization: Bearer ${token}`];
    for (let i = 0; i < 8; i++) await rawConnect(server.url, { lines, reads: false });
    await until(async () => (await (await ask("GET", `/v1/agents/${id}`)).json()).connections === 8);
  }
  const messages = Array.from({ length: 40 }, () => ({ from: "boss", to: "tag:slow", body: BODY }));
  for (let i = 0; i < 25; i++) expect((await ask("POST", "/v1/messages/batch", { messages })).status).toBe(201);
  // 100 MB for each of 16 connections, of which none may be kept for each.
  expect(await memory()).toBeLessThan(1_000_000_000);
});

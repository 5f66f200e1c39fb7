import { describe, expect, test } from "bun:test";
import { createClient } from "../../../src/client/client.ts";
import type { FleetEvent } from "../../../src/client/fleet.ts";
import { VERSION } from "../../../src/version.ts";
import { agentOn, asking } from "../../support/ask.ts";
import { hastyTiming } from "../../support/client-relay.ts";
import { atEnd } from "../../support/ending.ts";
import { listen } from "../../support/listen.ts";
import { rawConnect } from "../../support/raw.ts";
import { startServer } from "../../support/server.ts";
import { startFleet } from "../../support/sessions.ts";
import { openStream } from "../../support/stream.ts";
import { turns, until } from "../../support/until.ts";

const PATH = "/v1/orchestrators/box/inbox/stream";
const open = { approvalMode: "open", spawners: ["*"] } as const;
const register = { hostname: "box", version: VERSION, baseDir: "/work", providers: [], ...open };

async function withStream() {
  const fleet = await startFleet({ durability: "normal" });
  const { ask } = fleet;
  const url = listen(fleet);
  const boss = await fleet.agent("boss");
  return {
    ...fleet,
    url,
    boss,
    send: async (to: string, fields: object = {}, by: { token: string } = boss): Promise<number> =>
      (await ask("POST", "/v1/messages", { to, body: "x", ...fields }, by)).body.id,
    open: (headers: Record<string, string> = {}, query = "", by: { token: string; instance?: string } = fleet.box) =>
      openStream(`${url}${PATH}${query}`, { ...by, headers }),
    connections: async (id: string) => (await ask("GET", `/v1/agents/${id}`)).body.connections as number,
  };
}

const heard = (stream: Awaited<ReturnType<typeof openStream>>) =>
  stream.of("message").map(({ data }) => [data.message.id, ...data.for.toSorted()]);

describe("the one stream of an orchestrator", () => {
  test("G3: a message for several of its agents comes once, with all of them, and one's own group message not to oneself", async () => {
    const { open, send, ask, one } = await withStream();
    for (const id of ["box-one", "box-two"]) await ask("PATCH", `/v1/agents/${id}`, { tags: ["crew"] });
    const stream = await open();
    const { data } = await stream.first("hello");
    expect(data).toMatchObject({ orchestratorId: "box", head: 0, firstId: 1 });
    expect(data.agents.map(({ agentId }: { agentId: string }) => agentId)).toEqual([
      ...["orchestrator-box", "box-one", "box-two"],
    ]);
    const direct = await send("box-one");
    const toAll = await send("tag:crew");
    const byOne = await send("tag:crew", {}, one);
    const own = await send("orchestrator:box");
    await send("boss");
    const last = await send("box-two");
    await stream.until((so) => so.of("message").length === 5);
    expect(heard(stream)).toEqual([
      [direct, "box-one"],
      [toAll, "box-one", "box-two"],
      [byOne, "box-two"],
      [own, "orchestrator-box"],
      [last, "box-two"],
    ]);
    expect(stream.of("message").map(({ id }) => Number(id))).toEqual([direct, toAll, byOne, own, last]);
    expect(stream.events.filter(({ type, id }) => type !== "message" && id !== undefined)).toEqual([]);
    expect(stream.of("message")[0]?.data.message).toMatchObject({ id: direct, from: "boss", to: "box-one", body: "x" });
  });

  test("G3: it begins at the cursors of its agents, goes on after Last-Event-ID, and leaves out what was acknowledged wherever it begins", async () => {
    const { open, send, ask, box } = await withStream();
    const ids: number[] = [];
    for (const to of ["box-one", "box-two", "box-one", "box-two"]) ids.push(await send(to));
    await ask("POST", "/v1/agents/box-one/inbox/ack", { upTo: ids[2] }, box);
    const fresh = await open();
    await fresh.until((so) => so.of("message").length === 2);
    const last = await send("box-one");
    await fresh.until((so) => so.of("message").length === 3);
    expect(heard(fresh)).toEqual([
      [ids[1], "box-two"],
      [ids[3], "box-two"],
      [last, "box-one"],
    ]);
    const resumed = await open({ "last-event-id": String(ids[2]) });
    await resumed.until((so) => so.of("message").length === 2);
    expect(heard(resumed).map(([id]) => id)).toEqual([ids[3], last]);
    const all = await open({}, "?after=0");
    await all.until((so) => so.of("message").length === 3);
    expect(heard(all)).toEqual(heard(fresh));
    const ahead = await open({}, `?after=${last + 1}`);
    expect(ahead.response.status).toBe(422);
  });

  test("G3: agents that are enrolled, restored and deleted while it is open come and go in it, with all their mail", async () => {
    const { open, send, ask, enroll, box } = await withStream();
    const stream = await open();
    await stream.first("hello");
    await enroll(box, "box-new");
    const first = await send("box-new");
    await stream.until((so) => so.of("message").length === 1);
    expect(stream.of("agent")[0]?.data).toEqual({ agentId: "box-new", cursor: 0, epoch: 0, open: false });
    await ask("DELETE", "/v1/agents/box-new", undefined, box);
    await stream.first("agent-gone");
    expect(stream.of("agent-gone")[0]?.data).toEqual({ agentId: "box-new" });
    await ask("POST", "/v1/agents/box-new/restore", {}, box);
    const second = await send("box-new");
    await stream.until((so) => so.of("message").length === 2);
    expect(stream.of("agent")).toHaveLength(2);
    expect(heard(stream)).toEqual([
      [first, "box-new"],
      [second, "box-new"],
    ]);
    await ask("PATCH", "/v1/agents/box-one", { tags: ["late"] });
    const third = await send("tag:late");
    await stream.until((so) => so.of("message").length === 3);
    expect(heard(stream)[2]).toEqual([third, "box-one"]);
  });

  test("open work is told for each agent that may claim it", async () => {
    const { open, send, ask, box } = await withStream();
    for (const id of ["box-one", "box-two"]) await ask("PATCH", `/v1/agents/${id}`, { tags: ["crew"] });
    const id = await send("tag:crew", { claimable: true });
    const stream = await open();
    const { data } = await stream.first("hello");
    expect(data.agents.map(({ open: isOpen }: { open: boolean }) => isOpen)).toEqual([false, true, true]);
    const { claim } = (await ask("POST", `/v1/messages/${id}/claim`, { agentId: "box-one" }, box)).body;
    await ask("POST", `/v1/messages/${id}/release`, { token: claim.token }, box);
    await stream.until((so) => so.of("open").length === 2);
    expect(
      stream
        .of("open")
        .map((event) => event.data.agentId)
        .toSorted(),
    ).toEqual(["box-one", "box-two"]);
  });

  test("each of its agents counts as connected, is kept online by its calls, and is offered what is its own", async () => {
    const { open, send, ask, pass, connections, box } = await withStream();
    await pass(91_000);
    const status = async () => (await ask("GET", "/v1/agents/box-one")).body.status;
    expect([await status(), await connections("box-one")]).toEqual(["offline", 0]);
    const stream = await open();
    await stream.first("hello");
    await until(async () => (await status()) === "online");
    expect([await connections("box-one"), await connections("orchestrator-box")]).toEqual([1, 1]);
    for (let i = 0; i < 3; i++) {
      await pass(60_000);
      await ask("POST", "/v1/orchestrators/box/heartbeat", {}, box);
    }
    expect(await status()).toBe("online");
    const id = await send("box-one");
    await stream.until((so) => so.of("message").length === 1);
    await until(async () => {
      const { recipients } = (await ask("GET", `/v1/messages/${id}/explain`)).body;
      return recipients[0].agentId === "box-one" && recipients[0].step === "offered";
    });
    const ack = await ask("POST", "/v1/agents/box-one/inbox/ack", { upTo: id }, box);
    expect(ack.body).toEqual({ cursor: id, skipped: 0 });
    stream.close();
    await until(async () => (await connections("box-one")) === 0);
  });

  test("G10: the orchestrator and people who look open it, no agent and no other orchestrator; looking offers nothing", async () => {
    const { open, orchestrator, ask, one, connections, send } = await withStream();
    const rack = await orchestrator("rack");
    const operator = { token: (await ask("POST", "/v1/tokens", { role: "operator" })).body.token };
    const viewer = { token: (await ask("POST", "/v1/tokens", { role: "viewer" })).body.token };
    for (const by of [rack, one]) expect((await open({}, "", by)).response.status).toBe(403);
    const looking = await open({}, "", operator);
    await (await open({}, "", viewer)).first("hello");
    await looking.first("hello");
    expect(await connections("box-one")).toBe(0);
    const id = await send("box-one");
    await looking.until((so) => so.of("message").length === 1);
    const { recipients } = (await ask("GET", `/v1/messages/${id}/explain`)).body;
    expect(recipients[0].step).not.toBe("offered");
    expect((await ask("GET", "/v1/orchestrators/none/inbox/stream")).status).toBe(404);
  });

  test("G12: a newer instance of the orchestrator closes the stream of the older, and its deletion closes all", async () => {
    const { open, ask, box } = await withStream();
    await ask("PUT", "/v1/orchestrators/box", { ...register, instanceId: "i1" }, box);
    const old = await open({}, "", { ...box, instance: "i1" });
    await old.first("hello");
    await ask("PUT", "/v1/orchestrators/box", { ...register, instanceId: "i2" }, box);
    expect((await old.first("bye")).data.reason).toBe("superseded");
    expect((await open({}, "", { ...box, instance: "i1" })).response.status).toBe(409);
    const current = await open({}, "", { ...box, instance: "i2" });
    await current.first("hello");
    await ask("DELETE", "/v1/orchestrators/box");
    expect((await current.first("bye")).data.reason).toBe("revoked");
  });

  test("losses to retention are told for the agent that has them", async () => {
    const { open, send, pass, ask } = await withStream();
    await send("box-one");
    await send("box-two");
    for (let days = 0; days < 32; days++) await pass(86_400_000);
    const kept = await send("box-two");
    await until(async () => (await ask("GET", "/v1/messages/1")).status === 404);
    const stream = await open();
    await stream.until((so) => so.of("message").length === 1);
    expect(stream.of("reset").map(({ data }) => [data.agentId, data.lost])).toEqual([
      ["box-one", 1],
      ["box-two", 1],
    ]);
    expect(heard(stream)).toEqual([[kept, "box-two"]]);
  });

  test("G9: a client that does not read is held a bounded amount, is cut off, and finds out where to resume", async () => {
    const { url, box, boss, ask, clock, connections } = await withStream();
    const lines = [`GET ${PATH} HTTP/1.1`, "Host: relay", `Authorization: Bearer ${box.token}`];
    const { socket } = await rawConnect(url, { lines, reads: false });
    await until(async () => (await connections("box-one")) === 1);
    const body = "x".repeat(100_000);
    for (let i = 0; i < 5; i++)
      await ask("POST", "/v1/messages/batch", { messages: Array(40).fill({ to: "box-one", body }) }, boss);
    clock.advance(15_000);
    await turns();
    clock.advance(15_000);
    await until(async () => (await connections("box-one")) === 0);
    let text = "";
    socket.on("data", (bytes) => (text += bytes.toString()));
    socket.resume();
    await until(() => text.includes("event: bye"));
    const ids = [...text.matchAll(/^id: (\d+)$/gm)].map((match) => Number(match[1]));
    expect(JSON.parse(/event: bye\ndata: (.*)/.exec(text)?.[1] ?? "")).toEqual({
      ...{ reason: "too-slow", resumeAfter: ids.at(-1) },
    });
    expect(ids.length).toBeLessThan(200);
    const rest = await openStream(`${url}${PATH}`, { ...box, headers: { "last-event-id": String(ids.at(-1)) } });
    await rest.until((so) => so.of("message").length === 200 - ids.length);
    expect([...ids, ...rest.of("message").map(({ data }) => data.message.id)]).toEqual(
      Array.from({ length: 200 }, (_, i) => i + 1),
    );
  });
});

test("G3: the client's follow has every message once and in order, across kills of the relay", async () => {
  let server = await startServer();
  const { dataDir, url } = server;
  const ask: ReturnType<typeof asking> = (...args) => asking(server)(...args);
  const boss = await agentOn(ask, "boss");
  const rights = { role: "orchestrator", agentId: "orchestrator-box", prefix: "box-" };
  const box = (await ask("POST", "/v1/tokens", rights)).body;
  await ask("PUT", "/v1/orchestrators/box", register, box);
  for (const id of ["box-one", "box-two"]) await ask("PUT", `/v1/agents/${id}`, { name: id }, box);
  const client = createClient({ url, token: box.token, timing: hastyTiming });
  const stop = new AbortController();
  atEnd(async () => stop.abort());
  const got: number[] = [];
  const events: FleetEvent[] = [];
  const done = (async () => {
    const onEvent = (event: FleetEvent) => events.push(event);
    for await (const { message } of client.orchestrators.follow({ id: "box", signal: stop.signal, onEvent }))
      got.push(message.id);
  })();
  const send = (to: string) => ask("POST", "/v1/messages/batch", { messages: Array(25).fill({ to, body: "x" }) }, boss);
  for (let round = 1; round <= 3; round++) {
    await until(() => events.filter(({ type }) => type === "hello").length === round);
    await send("box-one");
    await send("box-two");
    await until(() => got.length >= 50 * round);
    if (round === 3) break;
    await server.kill();
    server = await startServer({ dataDir, port: Number(new URL(url).port) });
  }
  expect(got).toEqual(Array.from({ length: 150 }, (_, i) => i + 1));
  expect(events.some(({ type }) => type === "reconnecting")).toBe(true);
  stop.abort();
  await done;
});

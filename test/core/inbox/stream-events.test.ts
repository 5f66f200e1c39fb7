import { describe, expect, test } from "bun:test";
import { listen } from "../../support/listen.ts";
import { startRelay } from "../../support/relay.ts";
import { openSocket } from "../../support/socket.ts";
import { openStream } from "../../support/stream.ts";
import { until } from "../../support/until.ts";

async function withWorkers() {
  const relay = await startRelay();
  const url = listen(relay);
  const workers = [
    await relay.agent("ann", { capabilities: ["build"] }),
    await relay.agent("ben", { capabilities: ["build"] }),
  ];
  const boss = await relay.agent("boss");
  const [ann, ben] = workers as [{ id: string; token: string }, { id: string; token: string }];
  return {
    ...relay,
    url,
    ann,
    ben,
    boss,
    follow: (who: { id: string; token: string }, instance?: string) =>
      openStream(`${url}/v1/agents/${who.id}/inbox/stream`, { token: who.token, instance }),
    order: async (to = "cap:build", fields = {}) =>
      (await relay.ask("POST", "/v1/messages", { to, body: "build it", claimable: true, ...fields }, boss)).body,
    claim: async (who: { id: string; token: string }, leaseSeconds = 600) =>
      (await relay.ask("POST", `/v1/agents/${who.id}/claims`, { leaseSeconds }, who)).body.items[0],
  };
}

describe("open: there is work to claim", () => {
  test("released work is told to everybody who may claim it, once, and not to others", async () => {
    const { follow, order, claim, ask, ann, ben, boss } = await withWorkers();
    await order();
    const held = await claim(ann);
    const streams = await Promise.all([follow(ann), follow(ben), follow(boss)]);
    await Promise.all(streams.map((stream) => stream.first("hello")));
    expect(streams.map((stream) => stream.of("hello")[0]?.data.open)).toEqual([false, false, false]);
    await ask("POST", `/v1/messages/${held.message.id}/release`, { token: held.claim.token }, ann);
    await streams[0]?.first("open");
    await streams[1]?.first("open");
    await ask("POST", "/v1/messages", { to: "boss", body: "a mark" }, ann);
    await streams[2]?.first("message");
    expect(streams.map((stream) => stream.of("open").length)).toEqual([1, 1, 0]);
  });

  test("a lease that runs out opens the work to those who follow", async () => {
    const { follow, order, claim, pass, ann, ben } = await withWorkers();
    await order();
    await claim(ann, 60);
    const stream = await follow(ben);
    expect((await stream.first("hello")).data.open).toBe(false);
    await pass(60_000);
    await stream.first("open");
  });

  test("a delay that ends opens the work", async () => {
    const { follow, order, claim, ask, pass, ann, ben } = await withWorkers();
    await order();
    const held = await claim(ann);
    const stream = await follow(ben);
    await stream.first("hello");
    await ask("POST", `/v1/messages/${held.message.id}/release`, { token: held.claim.token, delaySeconds: 30 }, ann);
    await pass(29_000);
    expect(stream.of("open")).toEqual([]);
    await pass(1000);
    await stream.first("open");
  });

  test("fresh work comes as a message alone", async () => {
    const { follow, order, ask, ann, boss } = await withWorkers();
    const stream = await follow(ann);
    await stream.first("hello");
    const { id } = await order();
    await ask("POST", "/v1/messages", { to: "ann", body: "a mark" }, boss);
    await stream.until(() => stream.ids().length === 2);
    expect(stream.events.slice(1).map((event) => [event.type, event.data.id])).toEqual([
      ["message", id],
      ["message", id + 1],
    ]);
  });

  test("a tag that an agent gains brings word of the open work it may claim by it", async () => {
    const { follow, order, ask, agent } = await withWorkers();
    await order();
    const cleo = await agent("cleo");
    const stream = await follow(cleo);
    expect((await stream.first("hello")).data.open).toBe(false);
    await ask("PATCH", "/v1/agents/cleo", { capabilities: ["build"] }, cleo);
    await stream.first("open");
    expect(stream.of("message")).toEqual([]);
  });
});

describe("presence", () => {
  test("changes of presence are told to every stream, and several of one agent within 250 ms come as the last one", async () => {
    const { follow, ask, clock, ann, ben } = await withWorkers();
    clock.advance(250);
    const stream = await follow(ben);
    await stream.first("hello");
    await ask("POST", "/v1/agents/ann/heartbeat", { status: "busy" }, ann);
    await ask("POST", "/v1/agents/ann/heartbeat", { status: "idle", ready: false }, ann);
    clock.advance(249);
    await ask("POST", "/v1/messages", { to: "ben", body: "a mark" }, ann);
    await stream.first("message");
    expect(stream.of("presence")).toEqual([]);
    clock.advance(1);
    await stream.until(() => stream.of("presence").some((event) => event.data.agentId === "ann"));
    expect(stream.of("presence").filter((event) => event.data.agentId === "ann")).toEqual([
      { type: "presence", data: { agentId: "ann", status: "idle", ready: false, epoch: 0, connections: 0 } },
    ]);
  });

  test("what changes neither status nor readiness is not told", async () => {
    const { follow, ask, clock, ann, ben } = await withWorkers();
    clock.advance(250);
    const stream = await follow(ben);
    await stream.first("hello");
    await ask("POST", "/v1/agents/ann/heartbeat", {}, ann);
    await ask("PATCH", "/v1/agents/ann", { role: "builder", status: "online" }, ann);
    clock.advance(250);
    await ask("POST", "/v1/messages", { to: "ben", body: "a mark" }, ann);
    await stream.first("message");
    expect(stream.of("presence")).toEqual([]);
  });

  test("the first connection of an agent and the end of its last are told at once, to everybody else", async () => {
    const { follow, ask, ann, ben } = await withWorkers();
    const stream = await follow(ben);
    await stream.first("hello");
    const told = () => stream.of("presence").map(({ data }) => [data.agentId, data.connections]);
    const first = await follow(ann);
    await stream.until(() => told().length === 1);
    const second = await follow(ann);
    await second.first("hello");
    first.close();
    await until(async () => (await ask("GET", "/v1/agents/ann")).body.connections === 1);
    second.close();
    await stream.until(() => told().length === 2);
    expect(told()).toEqual([
      ["ann", 1],
      ["ann", 0],
    ]);
    expect(stream.of("presence")[1]?.data).toEqual({
      ...{ agentId: "ann", status: "online", ready: true, epoch: 0, connections: 0 },
    });
    expect(first.of("presence")).toEqual([]);
  });

  test("of many that come at once some are told at once, and the others together within 250 ms, each once", async () => {
    const { follow, ask, agent, clock, url, ann, ben, boss } = await withWorkers();
    const crowd = await Promise.all(Array.from({ length: 80 }, (_, n) => agent(`crowd-${n}`)));
    clock.advance(250);
    const stream = await follow(ben);
    const socket = await openSocket(`${url}/v1/agents/ann/socket`, ann);
    await Promise.all([stream.first("hello"), socket.first("hello")]);
    for (const one of crowd) await (await follow(one)).first("hello");
    const byStream = () => stream.of("presence").map(({ data }) => data.agentId);
    const bySocket = () => socket.of("presence").map(({ agentId }) => agentId);
    await ask("POST", "/v1/messages", { to: "ben", body: "a mark" }, boss);
    await stream.first("message");
    expect(byStream().length).toBeGreaterThan(40);
    expect(byStream().length).toBeLessThan(80);
    clock.advance(250);
    const ids = crowd.map(({ id }) => id);
    for (const told of [byStream, bySocket]) {
      await until(() => ids.every((id) => told().includes(id)));
      expect(told().filter((id) => ids.includes(id))).toHaveLength(80);
    }
  });

  test("a storm of changes comes in rounds of 500, a second apart, each agent's last state once", async () => {
    const { follow, ask, agent, clock, ann, ben } = await withWorkers();
    const crowd = await Promise.all(Array.from({ length: 600 }, (_, n) => agent(`crowd-${n}`)));
    for (const ms of [250, 1000]) clock.advance(ms);
    const stream = await follow(ben);
    await stream.first("hello");
    const say = (one: (typeof crowd)[number], status: string) =>
      ask("POST", `/v1/agents/${one.id}/heartbeat`, { status }, one);
    await Promise.all(crowd.map((one) => say(one, "busy")));
    // Its place among the others is that of its first change.
    await say(crowd[0] as (typeof crowd)[number], "idle");
    const told = () => stream.of("presence").map(({ data }) => data.agentId);
    clock.advance(250);
    await stream.until(() => told().length >= 500);
    clock.advance(999);
    await ask("POST", "/v1/messages", { to: "ben", body: "a mark" }, ann);
    await stream.first("message");
    expect(told()).toHaveLength(500);
    expect(stream.of("presence").find(({ data }) => data.agentId === "crowd-0")?.data.status).toBe("idle");
    clock.advance(1);
    await stream.until(() => told().length >= 600);
    expect(told().toSorted()).toEqual(crowd.map(({ id }) => id).toSorted());
  });

  test("hello says of each agent what it is for", async () => {
    const { follow, ask, ann, ben } = await withWorkers();
    await ask("PATCH", "/v1/agents/ann", { role: "builder", label: "ci" }, ann);
    const { data } = await (await follow(ben)).first("hello");
    expect(data.agents.find(({ id }: { id: string }) => id === "ann")).toMatchObject({
      ...{ role: "builder", label: "ci", capabilities: ["build"], status: "online" },
    });
    expect(data.agents.find(({ id }: { id: string }) => id === "boss")).toMatchObject({
      ...{ role: null, label: null, capabilities: [] },
    });
  });

  test("a new instance and a deleted agent are told", async () => {
    const { follow, ask, clock, ann, ben } = await withWorkers();
    const stream = await follow(ben);
    await stream.first("hello");
    await ask("PUT", "/v1/agents/ann", { name: "ann", instanceId: "a-1" }, ann);
    clock.advance(250);
    await stream.until(() => stream.of("presence").some((event) => event.data.epoch === 1));
    await ask("DELETE", "/v1/agents/ann");
    clock.advance(250);
    await stream.until(() => stream.of("presence").some((event) => event.data.status === "offline"));
  });
});

describe("bye", () => {
  test("G6: a new instance ends the streams of the older one, saying where to resume", async () => {
    const { follow, ask, ann, boss } = await withWorkers();
    await ask("PUT", "/v1/agents/ann", { name: "ann", instanceId: "a-1" }, ann);
    const stream = await follow(ann, "a-1");
    const unnamed = await follow(ann);
    await stream.first("hello");
    await unnamed.first("hello");
    const { id } = (await ask("POST", "/v1/messages", { to: "ann", body: "hi" }, boss)).body;
    await stream.first("message");
    await ask("PUT", "/v1/agents/ann", { name: "ann", instanceId: "a-2" }, ann);
    await stream.ended;
    expect(stream.events.at(-1)).toEqual({ type: "bye", data: { reason: "superseded", resumeAfter: id } });
    await ask("POST", "/v1/messages", { to: "ann", body: "for the unfenced" }, boss);
    await unnamed.until(() => unnamed.ids().length === 2);
    expect(unnamed.of("bye")).toEqual([]);
  });

  test("G10: revoking the token ends the stream", async () => {
    const { follow, ask, ann } = await withWorkers();
    const stream = await follow(ann);
    await stream.first("hello");
    const { tokenId } = (await ask("GET", "/v1/whoami", undefined, ann)).body;
    await ask("DELETE", `/v1/tokens/${tokenId}`);
    await stream.ended;
    expect(stream.events.at(-1)).toMatchObject({ type: "bye", data: { reason: "revoked" } });
  });

  test("G10: deleting the agent ends its streams, and those of an operator who looks on", async () => {
    const { follow, ask, url, relay, ann } = await withWorkers();
    const own = await follow(ann);
    const looking = await openStream(`${url}/v1/agents/ann/inbox/stream`, { token: relay.operatorToken });
    await own.first("hello");
    await looking.first("hello");
    await ask("DELETE", "/v1/agents/ann");
    await Promise.all([own.ended, looking.ended]);
    for (const stream of [own, looking])
      expect(stream.events.at(-1)).toMatchObject({ type: "bye", data: { reason: "revoked" } });
    const again = await openStream(`${url}/v1/agents/ann/inbox/stream`, { token: relay.operatorToken });
    expect(again.response.status).toBe(410);
  });

  test("a relay that stops says so to all, with the place to resume from", async () => {
    const { follow, ask, restart, ann, boss } = await withWorkers();
    const stream = await follow(ann);
    await stream.first("hello");
    const { id } = (await ask("POST", "/v1/messages", { to: "ann", body: "hi" }, boss)).body;
    // Not for ann: where to resume moves on all the same.
    await ask("POST", "/v1/messages", { to: "ben", body: "hi" }, boss);
    await stream.first("message");
    await restart();
    await stream.ended;
    expect(stream.events.at(-1)).toEqual({ type: "bye", data: { reason: "restarting", resumeAfter: id + 1 } });
  });
});

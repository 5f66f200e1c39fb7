import { describe, expect, test } from "bun:test";
import { VERSION } from "../../../src/version.ts";
import { startRelay } from "../../support/relay.ts";
import { until } from "../../support/until.ts";

const TTL = 90_000;
const box = {
  hostname: "box",
  version: VERSION,
  baseDir: "/work",
  providers: [{ name: "claude", version: "2.1.0", capabilities: ["resume", "approve"] }],
};
const managed = { agentId: "box-1", provider: "claude", state: "running", pid: 4711, cwd: "/work/a", sessionId: "s-1" };

async function withBox(fields: object = {}) {
  const relay = await startRelay();
  const { ask } = relay;
  const { token } = (
    await ask("POST", "/v1/tokens", { role: "orchestrator", agentId: "orchestrator-box", prefix: "box-" })
  ).body;
  const self = { token: token as string };
  await ask("PUT", "/v1/orchestrators/box", { ...box, ...fields }, self);
  return {
    ...relay,
    self,
    box: async () => (await ask("GET", "/v1/orchestrators/box")).body,
    itsAgent: async () => (await ask("GET", "/v1/agents/orchestrator-box")).body,
    beat: (body?: object) => ask("POST", "/v1/orchestrators/box/heartbeat", body, self),
    patch: (body: object, who?: { token: string }) => ask("PATCH", "/v1/orchestrators/box", body, who),
  };
}

describe("an orchestrator that registers", () => {
  test("an orchestrator that registers is there with its agent, in one write", async () => {
    const { box: shown, itsAgent, ask } = await withBox({ envKeys: ["API_KEY"], meta: { rack: 4 } });
    expect(await shown()).toMatchObject({
      ...{ id: "box", agentId: "orchestrator-box", status: "online", managedAgents: [], approvalMode: "ask" },
      ...{ ...box, envKeys: ["API_KEY"], meta: { rack: 4 } },
    });
    expect(await itsAgent()).toMatchObject({
      ...{ kind: "orchestrator", name: "box", machine: "box", status: "online" },
      ...{ tags: ["orchestrator", "box"], capabilities: ["orchestrator", "spawn"] },
    });
    const sent = await ask("POST", "/v1/messages", { to: "orchestrator:box", body: "hello" });
    expect(sent.body).toMatchObject({ to: "orchestrator-box", matched: 1 });
    for (const group of ["tag:box", "cap:spawn", "broadcast"])
      expect((await ask("POST", "/v1/messages", { to: group, body: "hello" })).body).toMatchObject({ matched: 1 });
  });

  test("an orchestrator that registers again is the same one: what it manages and what is left out stays, and it is online", async () => {
    const { box: shown, itsAgent, beat, patch, ask, self } = await withBox({ envKeys: ["A"], approvalMode: "open" });
    await beat({ managedAgents: [managed] });
    await patch({ status: "draining" });
    await ask("PATCH", "/v1/agents/orchestrator-box", { label: "rack-4", tags: ["orchestrator", "box", "gpu"] });
    const again = await ask("PUT", "/v1/orchestrators/box", { ...box, hostname: "box-new", envKeys: [] }, self);
    expect(again.status).toBe(200);
    expect(again.body).toMatchObject({ hostname: "box-new", status: "online", approvalMode: "open", envKeys: [] });
    expect((await shown()).managedAgents).toHaveLength(1);
    expect(await itsAgent()).toMatchObject({
      ...{ name: "box-new", machine: "box-new", label: "rack-4", status: "online" },
      tags: ["orchestrator", "box-new", "gpu"],
    });
    expect((await ask("POST", "/v1/messages", { to: "tag:box", body: "x" })).body.matched).toBe(0);
  });

  test("G6: an orchestrator that registers with a new instance supersedes the older one, for every call", async () => {
    const { ask, self, beat } = await withBox({ instanceId: "o-1" });
    await ask("PUT", "/v1/orchestrators/box", { ...box, instanceId: "o-2" }, self);
    const old = { ...self, instance: "o-1" };
    const calls: [string, string, unknown][] = [
      ["PUT", "/v1/orchestrators/box", { ...box, instanceId: "o-1" }],
      ["PUT", "/v1/orchestrators/box", box],
      ["PATCH", "/v1/orchestrators/box", { status: "offline" }],
      ["POST", "/v1/orchestrators/box/heartbeat", {}],
      ["POST", "/v1/orchestrators/box/heartbeat", { managedAgents: [managed] }],
      ["GET", "/v1/orchestrators/box", undefined],
      ["GET", "/v1/orchestrators", undefined],
      ["DELETE", "/v1/orchestrators/box", undefined],
    ];
    for (const [method, path, body] of calls)
      expect((await ask(method, path, body, old)).body, `${method} ${path}`).toMatchObject({ code: "superseded" });
    expect((await beat({})).body).toMatchObject({ status: "online", managedAgents: [] });
  });

  test("an orchestrator that registers is told of no others by a list, and takes no agent's place", async () => {
    const { ask, self } = await withBox();
    await ask("PUT", "/v1/orchestrators/attic", { ...box, hostname: "attic" });
    const ids = async (query = "", who?: { token: string }) =>
      (await ask("GET", `/v1/orchestrators${query}`, undefined, who)).body.items.map((item: { id: string }) => item.id);
    expect(await ids()).toEqual(["attic", "box"]);
    expect(await ids("?limit=1")).toEqual(["attic"]);
    expect(await ids("?page=attic")).toEqual(["box"]);
    expect(await ids("?hostname=box")).toEqual(["box"]);
    expect(await ids("?status=offline")).toEqual([]);
    expect(await ids("", self)).toEqual(["box"]);
    expect((await ask("PUT", "/v1/agents/orchestrator-cellar", { name: "x" })).status).toBe(422);
    expect((await ask("DELETE", "/v1/agents/orchestrator-box")).status).toBe(403);
  });
});

describe("G10: an orchestrator's token", () => {
  test("G10: an orchestrator's token acts for its orchestrator alone", async () => {
    const { ask, self } = await withBox();
    await ask("PUT", "/v1/orchestrators/attic", { ...box, hostname: "attic" });
    const calls: [string, string, unknown][] = [
      ["PUT", "/v1/orchestrators/attic", box],
      ["PUT", "/v1/orchestrators/cellar", box],
      ["PATCH", "/v1/orchestrators/attic", { status: "offline" }],
      ["DELETE", "/v1/orchestrators/attic", undefined],
      ["POST", "/v1/orchestrators/attic/heartbeat", {}],
      ["GET", "/v1/orchestrators/attic", undefined],
    ];
    for (const [method, path, body] of calls)
      expect((await ask(method, path, body, self)).status, `${method} ${path}`).toBe(403);
    expect((await ask("GET", "/v1/orchestrators/box", undefined, self)).status).toBe(200);
  });

  test("G10: an orchestrator's token enrolls agents under its prefix, which speak for themselves with a token of their own", async () => {
    const { ask, self } = await withBox();
    expect((await ask("PUT", "/v1/agents/else", { name: "x" }, self)).status).toBe(403);
    const made = await ask("PUT", "/v1/agents/box-1", { name: "One", instanceId: "i-1" }, self);
    expect(made.status).toBe(201);
    const sent = await ask("POST", "/v1/messages", { to: "orchestrator:box", body: "up" }, made.body);
    expect(sent.body).toMatchObject({ from: "box-1", to: "orchestrator-box" });
    await ask("PUT", "/v1/agents/box-2", { name: "Of the operator" });
    const forged = await ask("POST", "/v1/messages", { from: "box-2", to: "user", body: "x" }, self);
    expect(forged.status).toBe(403);
  });

  test("G10: an orchestrator's token takes no host's name that is a group of agents on other machines; an operator may", async () => {
    const { ask, agent, self, itsAgent } = await withBox();
    await agent("reviewer", { tags: ["review"], machine: "laptop" });
    await agent("here", { tags: ["here"], machine: "here" });
    const taken = await ask("PATCH", "/v1/orchestrators/box", { hostname: "review" }, self);
    expect(taken.body).toMatchObject({ status: 403, code: "group-not-allowed" });
    expect(await itsAgent()).toMatchObject({ machine: "box", tags: ["orchestrator", "box"] });
    expect((await ask("PATCH", "/v1/orchestrators/box", { hostname: "here" }, self)).status).toBe(200);
    expect((await ask("PATCH", "/v1/orchestrators/box", { hostname: "review" })).status).toBe(200);
  });
});

describe("G10: a host's name that is a group", () => {
  /** Work waits for a group that nobody belongs to; answers what an orchestrator of that hostname gets of it. */
  async function taken(fields: object, by: "self" | "operator" = "self") {
    const relay = await startRelay();
    const { ask } = relay;
    const draft = { role: "orchestrator", agentId: "orchestrator-box", prefix: "b" };
    const self = (await ask("POST", "/v1/tokens", { ...draft, ...fields })).body as { token: string };
    await ask("POST", "/v1/messages", { to: "tag:build", body: "secret", claimable: true });
    const body = { ...box, hostname: "build" };
    const made = await ask("PUT", "/v1/orchestrators/box", body, by === "self" ? self : {});
    const { items } = (await ask("POST", "/v1/agents/orchestrator-box/claims", {}, self)).body;
    const again = await ask("PUT", "/v1/orchestrators/box", body, self);
    const { tags, machine } = (await ask("GET", "/v1/agents/orchestrator-box")).body;
    return { statuses: [made.status, again.status], work: items.length, tags, machine };
  }

  test("G10: a host's name that is a group is no tag of its agent, though the group is empty: the work that waits there is not its", async () => {
    expect(await taken({})).toEqual({ statuses: [201, 200], work: 0, tags: ["orchestrator"], machine: "build" });
    expect(await taken({ groups: ["tag:gpu", "label:build"] })).toMatchObject({ work: 0, tags: ["orchestrator"] });
  });

  test("G10: a host's name that is a group is one when its token names the group, or an operator registers it", async () => {
    for (const groups of [["tag:build"], ["tag:b*"], ["*"]])
      expect(await taken({ groups })).toMatchObject({ work: 1, tags: ["orchestrator", "build"] });
    expect(await taken({}, "operator")).toMatchObject({ work: 1, tags: ["orchestrator", "build"] });
  });

  test("G10: a host's name that is a group stays out of the agent's tags when the hostname changes to it, and is no agent's that it enrolls", async () => {
    const { ask, self, itsAgent } = await withBox();
    expect((await ask("PATCH", "/v1/orchestrators/box", { hostname: "build" }, self)).status).toBe(200);
    expect(await itsAgent()).toMatchObject({ machine: "build", tags: ["orchestrator"] });
    const draft = { role: "orchestrator", agentId: "orchestrator-box", prefix: "box-", groups: ["tag:build"] };
    const named = (await ask("POST", "/v1/tokens", draft)).body;
    const enrolled = await ask("PUT", "/v1/agents/box-1", { name: "One", tags: ["build"] }, named);
    expect(enrolled.body.code).toBe("group-not-allowed");
  });
});

describe("a heartbeat", () => {
  test("a heartbeat says what it manages: all of it, none, or nothing new", async () => {
    const { beat, box: shown } = await withBox();
    const first = await beat({
      managedAgents: [
        { ...managed, startedAt: "2026-03-01T13:00:00+01:00" },
        { ...managed, agentId: "box-2" },
      ],
    });
    expect(first.body.managedAgents).toMatchObject([
      { ...managed, startedAt: "2026-03-01T12:00:00.000Z" },
      { agentId: "box-2", startedAt: null },
    ]);
    expect((await beat()).body.managedAgents).toHaveLength(2);
    expect((await beat({ managedAgents: [] })).body.managedAgents).toEqual([]);
    expect((await shown()).managedAgents).toEqual([]);
  });

  test("a heartbeat refuses what is not an agent, and changes nothing by it", async () => {
    const { beat, box: shown } = await withBox();
    await beat({ managedAgents: [managed] });
    for (const [flaw, pointer] of [
      [{ ...managed, pid: 0 }, "/managedAgents/0/pid"],
      [{ ...managed, agentId: "No Id" }, "/managedAgents/0/agentId"],
      [{ ...managed, token: "x" }, "/managedAgents/0/token"],
    ] as const)
      expect((await beat({ managedAgents: [flaw] })).body).toMatchObject({ status: 422, errors: [{ pointer }] });
    expect((await beat({ managedAgents: Array(501).fill(managed) })).status).toBe(422);
    expect((await shown()).managedAgents).toMatchObject([managed]);
  });

  test("a heartbeat needs an orchestrator that is there", async () => {
    const { ask } = await withBox();
    expect((await ask("POST", "/v1/orchestrators/attic/heartbeat", {})).status).toBe(404);
    expect((await ask("PATCH", "/v1/orchestrators/attic", {})).status).toBe(404);
    expect((await ask("DELETE", "/v1/orchestrators/attic")).status).toBe(404);
  });
});

describe("presence of an orchestrator", () => {
  const statuses = async (world: Awaited<ReturnType<typeof withBox>>) => [
    (await world.box()).status,
    (await world.itsAgent()).status,
  ];

  test("an orchestrator and its agent go offline after the one TTL, and come back with the next thing it sends", async () => {
    const world = await withBox();
    await world.pass(TTL / 2);
    await world.beat();
    await world.pass(TTL);
    expect(await statuses(world)).toEqual(["online", "online"]);
    await world.pass(2);
    expect(await statuses(world)).toEqual(["offline", "offline"]);
    expect((await world.ask("GET", "/v1/orchestrators?status=offline")).body.items).toHaveLength(1);
    await world.ask("GET", "/v1/agents/orchestrator-box/inbox", undefined, world.self);
    await until(async () => (await statuses(world)).join() === "online,online", "it is back");
  });

  test("an operator's look at an orchestrator is no sign of life", async () => {
    const world = await withBox();
    await world.pass(TTL - 1000);
    await world.box();
    await world.pass(1002);
    expect(await statuses(world)).toEqual(["offline", "offline"]);
  });

  test("an orchestrator that drains shows its agent as offline, drains on through heartbeats, and is reaped too", async () => {
    const world = await withBox();
    expect((await world.patch({ status: "draining" })).body).toMatchObject({ status: "draining" });
    expect(await statuses(world)).toEqual(["draining", "offline"]);
    await world.pass(TTL / 2);
    expect((await world.beat({ managedAgents: [managed] })).body).toMatchObject({ status: "draining" });
    await world.pass(TTL / 2 + 2);
    expect(await statuses(world)).toEqual(["draining", "offline"]);
    await world.pass(TTL / 2);
    expect(await statuses(world)).toEqual(["offline", "offline"]);
    // An absence does not undo the order to drain.
    expect((await world.beat()).body).toMatchObject({ status: "draining" });
    expect(await statuses(world)).toEqual(["draining", "offline"]);
    await world.patch({ status: "online" }, world.self);
    expect(await statuses(world)).toEqual(["online", "online"]);
  });

  test("a clean stop of an orchestrator is offline at once, and stays so", async () => {
    const world = await withBox();
    const { stoppedAt } = (await world.patch({ status: "offline" }, world.self)).body;
    expect(stoppedAt).toBeString();
    expect(await statuses(world)).toEqual(["offline", "offline"]);
    await world.pass(1000);
    expect(await statuses(world)).toEqual(["offline", "offline"]);
  });

  test("an agent that says its status says it of its orchestrator too", async () => {
    const world = await withBox();
    const beat = (status: string) => world.ask("POST", "/v1/agents/orchestrator-box/heartbeat", { status }, world.self);
    await beat("busy");
    expect(await statuses(world)).toEqual(["online", "busy"]);
    await beat("offline");
    expect(await statuses(world)).toEqual(["offline", "offline"]);
    await beat("idle");
    expect(await statuses(world)).toEqual(["online", "idle"]);
  });

  test("G7: a restart between any two steps changes nothing for an orchestrator but the time that silence may take", async () => {
    const world = await withBox();
    await world.restart();
    await world.beat({ managedAgents: [managed] });
    await world.restart();
    expect((await world.box()).managedAgents).toMatchObject([managed]);
    await world.patch({ status: "draining" });
    await world.restart(TTL * 2);
    expect(await statuses(world)).toEqual(["draining", "offline"]);
    await world.pass(TTL + 2);
    expect(await statuses(world)).toEqual(["offline", "offline"]);
    await world.restart();
    expect((await world.beat()).body).toMatchObject({ status: "draining" });
    await world.restart();
    await world.ask("PUT", "/v1/orchestrators/box", box, world.self);
    await world.restart();
    expect(await statuses(world)).toEqual(["online", "online"]);
    await world.ask("DELETE", "/v1/orchestrators/box");
    await world.restart();
    expect((await world.ask("GET", "/v1/orchestrators/box")).status).toBe(404);
    expect((await world.ask("GET", "/v1/agents/orchestrator-box")).status).toBe(410);
  });
});

describe("deleting an orchestrator", () => {
  test("deleting an orchestrator removes both, ends its tokens, and tells the senders of what it has not read", async () => {
    const { ask, agent, self } = await withBox();
    const ann = await agent("ann");
    await ask("POST", "/v1/messages", { to: "orchestrator:box", body: "spawn one" }, ann);
    expect((await ask("DELETE", "/v1/orchestrators/box", undefined, ann)).status).toBe(403);
    expect((await ask("DELETE", "/v1/orchestrators/box", undefined, self)).status).toBe(204);
    expect((await ask("GET", "/v1/orchestrators/box")).status).toBe(404);
    expect((await ask("GET", "/v1/agents/orchestrator-box")).status).toBe(410);
    expect((await ask("POST", "/v1/orchestrators/box/heartbeat", {}, self)).status).toBe(401);
    const told = (await ask("GET", "/v1/agents/ann/inbox", undefined, ann)).body.items;
    expect(told).toMatchObject([{ from: "system", payload: { agentId: "orchestrator-box", count: 1 } }]);
    const refused = await ask("POST", "/v1/messages", { to: "orchestrator:box", body: "x" }, ann);
    expect(refused.body).toMatchObject({ status: 422, code: "unknown-target" });
  });

  test("deleting an orchestrator leaves the id its own: an operator's PUT restores its agent, with its mail; nobody else's does", async () => {
    const { ask, self } = await withBox({ instanceId: "o-1" });
    const old = (await ask("POST", "/v1/messages", { to: "orchestrator:box", body: "old" })).body.id;
    const { createdAt } = (await ask("GET", "/v1/agents/orchestrator-box")).body;
    await ask("DELETE", "/v1/orchestrators/box");
    const draft = { role: "orchestrator", agentId: "orchestrator-box", prefix: "box-" };
    expect((await ask("POST", "/v1/tokens", draft)).body).toMatchObject({ status: 409, code: "deleted" });
    expect((await ask("PUT", "/v1/orchestrators/box", box, self)).status).toBe(401);
    const again = await ask("PUT", "/v1/orchestrators/box", { ...box, instanceId: "o-2" });
    expect(again).toMatchObject({ status: 201, body: { managedAgents: [] } });
    const fresh = (await ask("POST", "/v1/tokens", draft)).body;
    expect((await ask("PUT", "/v1/orchestrators/box", box, fresh)).status).toBe(200);
    const { items } = (await ask("GET", "/v1/agents/orchestrator-box/inbox", undefined, fresh)).body;
    expect(items.map(({ id }: { id: number }) => id)).toEqual([old]);
    expect((await ask("GET", "/v1/agents/orchestrator-box")).body).toMatchObject({ epoch: 2, createdAt });
    const retired = await ask("PUT", "/v1/orchestrators/box", { ...box, instanceId: "o-1" }, fresh);
    expect(retired.body.code).toBe("superseded");
  });

  test("the agent of a deleted orchestrator, restored alone by an operator, comes and goes like any, and can be deleted again", async () => {
    const { ask, pass, itsAgent } = await withBox();
    await ask("DELETE", "/v1/orchestrators/box");
    expect((await ask("POST", "/v1/agents/orchestrator-box/restore")).status).toBe(200);
    const draft = { role: "orchestrator", agentId: "orchestrator-box", prefix: "box-" };
    const fresh = (await ask("POST", "/v1/tokens", draft)).body;
    await ask("POST", "/v1/agents/orchestrator-box/heartbeat", {}, fresh);
    expect((await itsAgent()).status).toBe("online");
    await pass(TTL + 1000);
    expect((await itsAgent()).status).toBe("offline");
    expect((await ask("DELETE", "/v1/orchestrators/box", undefined, fresh)).status).toBe(204);
    expect((await ask("DELETE", "/v1/orchestrators/box")).status).toBe(404);
    await ask("POST", "/v1/agents/orchestrator-box/restore");
    const last = (await ask("POST", "/v1/tokens", draft)).body;
    expect((await ask("PUT", "/v1/orchestrators/box", box, last)).status).toBe(201);
  });

  test("deleting an orchestrator and its every other step is written into the activity log, and metrics count them", async () => {
    const { ask, patch } = await withBox();
    await patch({ status: "draining" });
    expect((await ask("GET", "/metrics")).body).toContain('signalbox_orchestrators{status="draining"} 1');
    await ask("DELETE", "/v1/orchestrators/box");
    const verbs = (await ask("GET", "/v1/activity?subject=box")).body.items.map((item: { verb: string }) => item.verb);
    expect(verbs).toEqual(["orchestrator.deleted", "orchestrator.changed", "orchestrator.registered"]);
    expect((await ask("GET", "/metrics")).body).toContain('signalbox_orchestrators{status="draining"} 0');
  });
});

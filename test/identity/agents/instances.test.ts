import { describe, expect, test } from "bun:test";
import { listen } from "../../support/listen.ts";
import { parked } from "../../support/metrics.ts";
import { startRelay } from "../../support/relay.ts";
import { openSocket } from "../../support/socket.ts";
import { openStream } from "../../support/stream.ts";

async function withInstances() {
  const relay = await startRelay();
  const bob = await relay.agent("bob", { tags: ["crew"] });
  const boss = await relay.agent("boss");
  const register = (instanceId: string, instance?: string) =>
    relay.ask("PUT", "/v1/agents/bob", { name: "bob", instanceId }, { token: bob.token, instance });
  return { ...relay, bob, boss, register };
}

describe("instances and epochs", () => {
  test("a new instance raises the epoch; the same one again does not; registering without one keeps it", async () => {
    const { ask, bob, register } = await withInstances();
    expect((await ask("GET", "/v1/agents/bob")).body).toMatchObject({ instanceId: null, epoch: 0 });
    expect((await register("b-1")).body).toMatchObject({ instanceId: "b-1", epoch: 1 });
    expect((await register("b-1")).body).toMatchObject({ instanceId: "b-1", epoch: 1 });
    expect((await ask("PUT", "/v1/agents/bob", { name: "bob" }, bob)).body).toMatchObject({
      instanceId: "b-1",
      epoch: 1,
    });
    expect((await register("b-2")).body).toMatchObject({ instanceId: "b-2", epoch: 2 });
  });

  test("instances of an agent are its own", async () => {
    const { ask, boss, register } = await withInstances();
    await register("same");
    const other = await ask("PUT", "/v1/agents/boss", { name: "boss", instanceId: "same" }, boss);
    expect(other.body).toMatchObject({ instanceId: "same", epoch: 1 });
  });

  test("G6: a retired instance cannot register again, under its own name, that of the newest, or a new one", async () => {
    const { register } = await withInstances();
    await register("b-1");
    await register("b-2");
    for (const [instanceId, header] of [
      ["b-1", undefined],
      ["b-1", "b-1"],
      ["b-2", "b-1"],
      ["b-3", "b-1"],
    ] as const)
      expect((await register(instanceId, header)).body).toMatchObject({ status: 409, code: "superseded" });
    expect((await register("b-3", "b-2")).body).toMatchObject({ epoch: 3 });
  });

  test("G6: a retired instance stays retired when the relay restarts, and when the agent was deleted and restored", async () => {
    const { ask, register, restart } = await withInstances();
    await register("b-1");
    await register("b-2");
    await restart();
    expect((await register("b-1")).body.code).toBe("superseded");
    await ask("DELETE", "/v1/agents/bob");
    await ask("POST", "/v1/agents/bob/restore");
    const again = (await ask("POST", "/v1/tokens", { role: "agent", agentId: "bob" })).body;
    for (const instanceId of ["b-1", "b-2"]) {
      const refused = await ask("PUT", "/v1/agents/bob", { name: "bob", instanceId }, again);
      expect(refused.body.code).toBe("superseded");
    }
    const fresh = await ask("PUT", "/v1/agents/bob", { name: "bob", instanceId: "b-3" }, again);
    expect(fresh.body).toMatchObject({ epoch: 3 });
  });
});

/** Every call that an agent can make, with the header of an instance. */
const CALLS: [string, string, unknown?][] = [
  ["PUT", "/v1/agents/bob", { name: "bob" }],
  ["PATCH", "/v1/agents/bob", { role: "x" }],
  ["POST", "/v1/agents/bob/heartbeat", {}],
  ["GET", "/v1/agents/bob"],
  ["GET", "/v1/agents/boss"],
  ["GET", "/v1/agents"],
  ["GET", "/v1/whoami"],
  ["GET", "/v1/agents/bob/inbox"],
  ["GET", "/v1/agents/bob/inbox?waitSeconds=60"],
  ["GET", "/v1/agents/bob/inbox?ackUpTo=0"],
  ["POST", "/v1/agents/bob/inbox/ack", { upTo: 0 }],
  ["GET", "/v1/agents/bob/inbox/stream"],
  ["GET", "/v1/messages/stream"],
  ["POST", "/v1/messages", { to: "boss", body: "x" }],
  ["POST", "/v1/messages/batch", { messages: [{ to: "boss", body: "x" }] }],
  ["GET", "/v1/messages"],
  ["GET", "/v1/messages?q=word"],
  ["GET", "/v1/messages/1"],
  ["GET", "/v1/messages/1/explain"],
  ["GET", "/v1/threads/1"],
  ["POST", "/v1/messages/1/read", {}],
  ["POST", "/v1/messages/1/claim", {}],
  ["POST", "/v1/agents/bob/claims", {}],
  ["POST", "/v1/agents/bob/claims", { waitSeconds: 60 }],
  ["GET", "/v1/agents/bob/claims"],
  ["POST", "/v1/messages/2/renew", { token: "clm_2_1" }],
  ["POST", "/v1/messages/2/release", { token: "clm_2_1" }],
  ["POST", "/v1/messages/2/complete", { token: "clm_2_1" }],
  ["POST", "/v1/messages/2/fail", { token: "clm_2_1", error: "x" }],
  ["POST", "/v1/messages/3/cancel"],
  ["DELETE", "/v1/agents/bob"],
];

describe("G6: a call that names", () => {
  test("G6: a retired instance gets 409 superseded, whatever it asks for, and changes nothing", async () => {
    const { ask, bob, boss, register } = await withInstances();
    await ask("POST", "/v1/messages", { to: "bob", body: "one", claimable: true }, boss);
    await ask("POST", "/v1/messages", { to: "bob", body: "two", claimable: true }, boss);
    await ask("POST", "/v1/messages/2/claim", {}, bob);
    await ask("POST", "/v1/messages", { to: "boss", body: "three", claimable: true }, bob);
    await register("b-1");
    await register("b-2");
    const before = await ask("GET", "/v1/agents/bob");
    for (const [method, path, body] of CALLS) {
      const refused = await ask(method, path, body, { token: bob.token, instance: "b-1" });
      expect({ method, path, code: refused.body.code }).toEqual({ method, path, code: "superseded" });
      expect(refused.status).toBe(409);
    }
    expect((await ask("GET", "/v1/agents/bob")).body).toEqual(before.body);
    expect((await ask("GET", "/v1/messages")).body.items.length).toBe(3);
  });

  test("G6: an unknown instance is refused as such", async () => {
    const { ask, bob, register } = await withInstances();
    await register("b-1");
    for (const [method, path, body] of CALLS) {
      if (path.includes("/messages/")) continue;
      const refused = await ask(method, path, body, { token: bob.token, instance: "never" });
      expect({ method, path, code: refused.body.code }).toEqual({ method, path, code: "unknown-instance" });
    }
  });

  test.each(["", "a\tb", "x".repeat(129)])(
    "G6: a call that names no instance id but %j is refused",
    async (instance) => {
      const { ask, bob } = await withInstances();
      const refused = await ask("GET", "/v1/whoami", undefined, {
        token: bob.token,
        headers: { "signalbox-instance": instance },
      });
      expect(refused.status).toBe(422);
    },
  );

  test("G6: a call that names no instance is not fenced, and whoami says so", async () => {
    const { ask, bob, register } = await withInstances();
    await register("b-1");
    await register("b-2");
    expect((await ask("POST", "/v1/messages", { to: "boss", body: "x" }, bob)).status).toBe(201);
    const unnamed = await ask("GET", "/v1/whoami", undefined, bob);
    expect(unnamed.body.instance).toEqual({ given: null, current: "b-2", fenced: false });
    const named = await ask("GET", "/v1/whoami", undefined, { token: bob.token, instance: "b-2" });
    expect(named.body.instance).toEqual({ given: "b-2", current: "b-2", fenced: true });
  });

  test("G6: an instance is fenced as that of the agent an operator acts for", async () => {
    const { ask, register } = await withInstances();
    await register("b-1");
    await register("b-2");
    const send = (instance: string) =>
      ask("POST", "/v1/messages", { from: "bob", to: "boss", body: "x" }, { instance } as { token?: string });
    expect((await send("b-1")).body.code).toBe("superseded");
    expect((await send("b-2")).status).toBe(201);
  });
});

test("G6: a new instance ends everything of the older one at once: poll, stream, watch stream, socket and parked claim", async () => {
  const { bob, register, ...relay } = await withInstances();
  const url = listen(relay);
  await register("b-1");
  const how = { token: bob.token, instance: "b-1" };
  const stream = await openStream(`${url}/v1/agents/bob/inbox/stream`, how);
  const watch = await openStream(`${url}/v1/messages/stream`, how);
  const socket = await openSocket(`${url}/v1/agents/bob/socket`, how);
  await Promise.all([stream.first("hello"), watch.first("hello"), socket.first("hello")]);
  const poll = relay.ask("GET", "/v1/agents/bob/inbox?waitSeconds=60", undefined, how);
  const claim = relay.ask("POST", "/v1/agents/bob/claims", { waitSeconds: 60 }, how);
  await parked(relay, 1);
  await register("b-2");
  expect((await poll).body.code).toBe("superseded");
  expect((await claim).body.code).toBe("superseded");
  await Promise.all([stream.ended, watch.ended]);
  expect(stream.events.at(-1)?.data.reason).toBe("superseded");
  expect(watch.events.at(-1)?.data.reason).toBe("superseded");
  expect(await socket.closed).toMatchObject({ code: 4009 });
  expect((await relay.ask("GET", "/v1/agents/bob")).body.connections).toBe(0);
});

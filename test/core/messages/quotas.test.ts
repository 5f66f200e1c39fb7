import { describe, expect, test } from "bun:test";
import { startRelay } from "../../support/relay.ts";
import { until } from "../../support/until.ts";

const DAY_MS = 86_400_000;
const MINUTE = 60_000;
const MIB = 1024 * 1024;
const hello = { to: "user", body: "hello" };

describe("the daily quota of an agent", () => {
  test("the daily quota of an agent ends with a problem that says when it goes on, and begins anew at midnight UTC", async () => {
    const { ask, agent, clock, pass } = await startRelay({ messagesPerDay: 3 });
    const ann = await agent("ann");
    const ben = await agent("ben");
    for (let i = 0; i < 3; i++) expect((await ask("POST", "/v1/messages", hello, ann)).status).toBe(201);
    const refused = await ask("POST", "/v1/messages", hello, ann);
    expect(refused.body).toMatchObject({ status: 429, code: "quota-exceeded" });
    expect(refused.body.detail).toContain("3 messages a day");
    const seconds = Number(refused.headers.get("retry-after"));
    expect((clock.now() + seconds * 1000) % DAY_MS).toBe(0);
    expect((await ask("POST", "/v1/messages", hello, ben)).status).toBe(201);
    await pass(seconds * 1000);
    expect((await ask("POST", "/v1/messages", hello, ann)).status).toBe(201);
  });

  test("the daily quota of an agent counts batches whole, planned messages, delegations and sockets' sends alike; a repeat costs nothing", async () => {
    const { ask, agent, clock } = await startRelay({ messagesPerDay: 4 });
    const ann = await agent("ann");
    await agent("ben");
    const batch = (n: number) => ask("POST", "/v1/messages/batch", { messages: Array(n).fill(hello) }, ann);
    expect((await batch(5)).body).toMatchObject({ status: 429, errors: [{ pointer: "/messages/4" }] });
    expect((await batch(2)).status).toBe(201);
    const keyed = { ...hello, idempotencyKey: "once" };
    expect((await ask("POST", "/v1/messages", keyed, ann)).status).toBe(201);
    const deliverAt = new Date(clock.now() + 60_000).toISOString();
    expect((await ask("POST", "/v1/messages", { ...hello, deliverAt }, ann)).status).toBe(202);
    expect((await ask("POST", "/v1/messages", { ...hello, deliverAt }, ann)).status).toBe(429);
    expect((await ask("POST", "/v1/delegations", { to: "ben", text: "work" }, ann)).status).toBe(429);
    expect((await ask("POST", "/v1/tasks", { title: "work", target: "ben" }, ann)).status).toBe(429);
    expect((await ask("POST", "/v1/messages", keyed, ann)).status).toBe(200);
  });

  test("the daily quota of an agent is counted for each agent whose name an operator's batch writes in", async () => {
    const { ask, agent } = await startRelay({ messagesPerDay: 4 });
    for (const id of ["ann", "ben"]) await agent(id);
    const messages = Array.from({ length: 8 }, (_, i) => ({ ...hello, from: i % 2 ? "ann" : "ben" }));
    expect((await ask("POST", "/v1/messages/batch", { messages })).status).toBe(201);
    expect((await ask("POST", "/v1/messages/batch", { messages: messages.slice(0, 1) })).status).toBe(429);
  });

  test("the daily quota of an agent is no more for many at once, which share a commit", async () => {
    const { ask, agent } = await startRelay({ messagesPerDay: 5 });
    const ann = await agent("ann");
    const answers = await Promise.all(Array.from({ length: 20 }, () => ask("POST", "/v1/messages", hello, ann)));
    expect(answers.filter(({ status }) => status === 201)).toHaveLength(5);
    expect(answers.filter(({ status }) => status === 429)).toHaveLength(15);
  });

  test("the daily quota of an agent is known after a restart", async () => {
    const { ask, agent, restart } = await startRelay({ messagesPerDay: 2 });
    const ann = await agent("ann");
    for (let i = 0; i < 2; i++) await ask("POST", "/v1/messages", hello, ann);
    await restart();
    expect((await ask("POST", "/v1/messages", hello, ann)).status).toBe(429);
  });

  test("the daily quota of an agent keeps back no answer that is owed, no result, and no word of a person or a channel", async () => {
    const { ask, agent } = await startRelay({ messagesPerDay: 1 });
    const ann = await agent("ann");
    const ben = await agent("ben");
    await ask("POST", "/v1/messages", hello, ben);
    const asked = await ask("POST", "/v1/delegations", { to: "ben", text: "work" }, ann);
    expect((await ask("POST", "/v1/messages", hello, ben)).status).toBe(429);
    const reply = { to: "ann", body: "done", replyTo: asked.body.messageId };
    expect((await ask("POST", "/v1/messages", reply, ben)).status).toBe(201);
    const work = await ask("POST", "/v1/messages", { to: "ben", body: "job", claimable: true });
    const held = await ask("POST", `/v1/messages/${work.body.id}/claim`, {}, ben);
    const end = { token: held.body.claim.token, result: "done" };
    expect((await ask("POST", `/v1/messages/${work.body.id}/complete`, end, ben)).status).toBe(200);
    for (let i = 0; i < 3; i++) expect((await ask("POST", "/v1/messages", { ...hello, to: "ann" })).status).toBe(201);
  });

  test("the daily quota of an agent counts its schedules: runs by hand are refused, a time beyond it fails and its owner is told", async () => {
    const { ask, agent, pass } = await startRelay({ messagesPerDay: 3 });
    const [ann, ben] = [await agent("ann"), await agent("ben")];
    const draft = { cron: "* * * * *", message: { to: "ben", body: "tick" } };
    const { id } = (await ask("POST", "/v1/schedules", draft, ann)).body;
    expect((await ask("POST", `/v1/schedules/${id}/run`, undefined, ann)).status).toBe(201);
    for (let minute = 0; minute < 3; minute++) await pass(MINUTE);
    const refused = await ask("POST", `/v1/schedules/${id}/run`, undefined, ann);
    expect(refused.body).toMatchObject({ status: 429, code: "quota-exceeded" });
    expect((await ask("POST", "/v1/messages", hello, ann)).status).toBe(429);
    const shown = (await ask("GET", `/v1/schedules/${id}`)).body;
    expect(shown.lastFire).toMatchObject({ outcome: "failed", error: expect.stringContaining("3 messages a day") });
    expect((await ask("GET", "/v1/agents/ben/inbox", undefined, ben)).body.items).toHaveLength(3);
    const told = (await ask("GET", "/v1/agents/ann/inbox", undefined, ann)).body.items;
    expect(told).toMatchObject([{ from: "system", subject: `Schedule ${id} was not sent` }]);
  });

  test("the daily quota of an agent counts its requests for pairs, and its words to runs", async () => {
    const { ask, agent, pass } = await startRelay({ messagesPerDay: 3 });
    const [ann] = [await agent("ann"), await agent("ben")];
    const pair = await ask("POST", "/v1/pairs", { target: "ben" }, ann);
    const run = await ask("POST", "/v1/runs", { agentId: "ben", task: "build" }, ann);
    const say = () => ask("POST", `/v1/runs/${run.body.id}/messages`, { text: "hurry" }, ann);
    expect([pair.status, run.status, (await say()).status]).toEqual([201, 201, 200]);
    await pass(2000);
    expect((await say()).body.code).toBe("quota-exceeded");
    // Ending is never refused.
    expect((await ask("POST", `/v1/pairs/${pair.body.id}/end`, undefined, ann)).status).toBe(200);
    expect((await ask("POST", "/v1/pairs", { target: "ben" }, ann)).body.code).toBe("quota-exceeded");
  });

  test("the daily quota of an agent loses nothing to messages that are refused, also within one write", async () => {
    const probe = { diskProbe: () => 0 };
    const { ask, agent } = await startRelay({ messagesPerDay: 5, diskReserveBytes: MIB }, undefined, probe);
    const ann = await agent("ann");
    const large = { to: "user", body: "x".repeat(20_000) };
    const messages = [...Array(5).fill(large), ...Array(6).fill(hello)];
    const { items } = (await ask("POST", "/v1/messages/batch?atomic=false", { messages }, ann)).body;
    const codes = items.map((item: { problem?: { code: string } }) => item.problem?.code);
    expect(codes).toEqual([...Array(5).fill("storage-unavailable"), ...Array(5).fill(undefined), "quota-exceeded"]);
    expect((await ask("POST", "/v1/messages", hello, ann)).status).toBe(429);
  });

  test("the daily quota of an agent holds for files, too", async () => {
    const { ask, agent } = await startRelay({ filesPerDay: 2 });
    const ann = await agent("ann");
    const put = (n: number, key?: string) =>
      ask("POST", "/v1/files", `file ${n}`, {
        ...ann,
        headers: { "content-type": "text/plain", ...(key ? { "idempotency-key": key } : {}) },
      });
    expect((await put(1)).status).toBe(201);
    expect((await put(2, "two")).status).toBe(201);
    expect((await put(3)).body).toMatchObject({ status: 429, code: "quota-exceeded" });
    expect((await put(3, "three")).body).toMatchObject({ status: 429, code: "quota-exceeded" });
    expect((await put(2, "two")).status).toBe(200);
  });
});

describe("a disk that is nearly full", () => {
  const RESERVE = 256 * MIB;

  async function withDisk(free: number) {
    const disk = { free };
    const relay = await startRelay({ diskReserveBytes: RESERVE }, undefined, { diskProbe: () => disk.free });
    const ann = await relay.agent("ann");
    const send = (bytes: number) => relay.ask("POST", "/v1/messages", { to: "user", body: "x".repeat(bytes) }, ann);
    const upload = (bytes: number) =>
      relay.ask("POST", "/v1/files", "x".repeat(bytes), { ...ann, headers: { "content-type": "text/plain" } });
    return { ...relay, disk, ann, send, upload };
  }

  test("a disk that is nearly full takes no large messages and no files, says so, and goes on with everything small", async () => {
    const { send, upload, ask, ann, disk, clock } = await withDisk(RESERVE - 1);
    for (const refused of [await send(20_000), await upload(20_000)]) {
      expect(refused.body).toMatchObject({ status: 503, code: "storage-unavailable" });
      expect(refused.body.detail).toContain("nearly full");
      expect(refused.headers.get("retry-after")).toBe("60");
    }
    expect((await send(1000)).status).toBe(201);
    const large = { list: "x".repeat(20_000) };
    expect((await ask("POST", "/v1/messages", { ...hello, payload: large }, ann)).status).toBe(503);
    const messages = Array.from({ length: 100 }, () => ({ to: "user", body: "x".repeat(1000) }));
    expect((await ask("POST", "/v1/messages/batch", { messages }, ann)).status).toBe(503);
    const planned = { to: "user", body: "x".repeat(20_000), deliverAt: new Date(clock.now() + 60_000).toISOString() };
    expect((await ask("POST", "/v1/messages", planned, ann)).status).toBe(503);
    expect((await ask("POST", "/v1/agents/ann/inbox/ack", { upTo: 1 }, ann)).status).toBe(200);
    expect((await ask("GET", "/v1/messages")).body.items).toHaveLength(1);
    disk.free = RESERVE * 2;
    clock.advance(2000);
    expect((await send(20_000)).status).toBe(201);
    expect((await upload(20_000)).status).toBe(201);
  });

  test("G7: a disk that is nearly full at the time of a planned message delays it: it goes out once there is room", async () => {
    const { ask, agent, ann, disk, pass, clock, restart } = await withDisk(RESERVE * 2);
    const ben = await agent("ben");
    const [at, body] = [new Date(clock.now() + 10 * MINUTE).toISOString(), "x".repeat(20_000)];
    const planned = await ask("POST", "/v1/messages", { to: "ben", body, deliverAt: at }, ann);
    const scheduled = await ask("POST", "/v1/schedules", { at, message: { to: "ben", body } }, ann);
    const daily = await ask("POST", "/v1/schedules", { cron: "10 12 * * *", message: { to: "ben", body } }, ann);
    const ids = [planned.body.scheduleId, scheduled.body.id, daily.body.id];
    const outcomes = () =>
      Promise.all(ids.map(async (id) => (await ask("GET", `/v1/schedules/${id}`)).body.lastFire?.outcome));
    disk.free = RESERVE - 1;
    await pass(11 * MINUTE);
    for (let hour = 0; hour < 5; hour++) await pass(60 * MINUTE);
    await restart(MINUTE);
    await pass(0);
    expect(await outcomes()).toEqual([undefined, undefined, undefined]);
    expect((await ask("POST", "/v1/messages", { to: "ben", body }, ann)).status).toBe(503);
    disk.free = RESERVE * 2;
    await pass(2 * MINUTE);
    expect(await outcomes()).toEqual(["sent", "sent", "sent"]);
    const { items } = (await ask("GET", "/v1/agents/ben/inbox", undefined, ben)).body;
    expect(items.map((item: { body: string }) => item.body === body)).toEqual([true, true, true]);
    expect((await ask("GET", "/v1/agents/ann/inbox", undefined, ann)).body.items).toEqual([]);
  });

  test("a disk that is nearly full is seen before a file that does not fit comes in, however much it says it is", async () => {
    const { relay, ann, disk } = await withDisk(RESERVE + MIB / 2);
    const body = new ReadableStream({
      start(controller) {
        controller.enqueue(new Uint8Array(10));
        controller.close();
      },
    });
    const headers = { authorization: `Bearer ${ann.token}`, "content-type": "text/plain" };
    const request = new Request("http://localhost/v1/files", { method: "POST", headers, body });
    expect((await relay.app.handle(request)).status).toBe(503);
    expect(disk.free).toBe(RESERVE + MIB / 2);
  });

  test("a disk that is nearly full shows in the relay's health", async () => {
    const { ask } = await withDisk(RESERVE - 1);
    const { body } = await ask("GET", "/v1/health");
    expect(body.checks.find((check: { name: string }) => check.name === "disk")).toMatchObject({ status: "warn" });
  });
});

describe("calls that wait", () => {
  test("calls that wait are so many for one token, and no more; those of others are taken", async () => {
    const { relay, ask, agent } = await startRelay();
    const ann = await agent("ann");
    const ben = await agent("ben");
    const leaving = new AbortController();
    const path = "/v1/agents/ann/inbox?waitSeconds=60";
    const waiting = Array.from({ length: 256 }, () =>
      ask("GET", path, undefined, { ...ann, signal: leaving.signal }).catch(() => undefined),
    );
    const parked = async () => Number(/signalbox_connections (\d+)/.exec((await ask("GET", "/metrics")).body)?.[1]);
    await until(async () => (await parked()) === 256);
    const refused = await ask("GET", path, undefined, ann);
    expect(refused.body).toMatchObject({ status: 429, code: "too-many-streams" });
    expect(refused.body.detail).toContain("256 calls waiting");
    expect(refused.headers.get("retry-after")).toBe("5");
    expect((await ask("POST", "/v1/agents/ann/claims", { waitSeconds: 60 }, ann)).status).toBe(429);
    expect((await ask("GET", "/v1/agents/ann/inbox", undefined, ann)).status).toBe(200);
    await ask("POST", "/v1/messages", { to: "ben", body: "x" });
    expect((await ask("GET", "/v1/agents/ben/inbox?waitSeconds=60", undefined, ben)).body.items).toHaveLength(1);
    leaving.abort();
    await Promise.all(waiting);
    await until(async () => (await parked()) === 0);
    await ask("POST", "/v1/messages", { to: "ann", body: "x" });
    expect((await ask("GET", path, undefined, ann)).status).toBe(200);
    await relay.settle();
  });
});

import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { type Client, createClient, everyItem, RelayProblem } from "../../src/client/client.ts";
import { tempFolder } from "../support/cli-harness.ts";
import { until } from "../support/client-harness.ts";
import { agentOf, freshRelay, hastyTiming, operatorOf, type Relay, startRelay } from "../support/client-relay.ts";

// Processes are started here: on a busy machine that takes its time.
let relay: Awaited<ReturnType<typeof freshRelay>>;
let operator: Client;
let ann: Client;
let ben: Client;
beforeAll(async () => {
  relay = await freshRelay();
  operator = operatorOf(relay);
  ann = await agentOf(relay, "ann", { tags: ["team"] });
  ben = await agentOf(relay, "ben", { tags: ["team"], capabilities: ["build"] });
});
afterAll(() => relay.remove());

const problemOf = (call: Promise<unknown>): Promise<RelayProblem> =>
  call.then(
    () => Promise.reject(new Error("it succeeded")),
    (error) => (error instanceof RelayProblem ? error : Promise.reject(error)),
  );

const drained = async (entries: AsyncIterable<unknown>) => {
  for await (const _ of entries);
};

describe("agents", () => {
  test("agents are registered, changed, listed and found", async () => {
    expect(await ann.agents.get("ben")).toMatchObject({ id: "ben", tags: ["team"], capabilities: ["build"] });
    expect(await ann.agents.patch("ann", { role: "reviewer" })).toMatchObject({ role: "reviewer", tags: ["team"] });
    expect(await ann.agents.heartbeat({ status: "busy" })).toMatchObject({ id: "ann", status: "busy" });
    const ids: string[] = [];
    for await (const agent of everyItem((page) => operator.agents.list({ limit: 1, page }))) ids.push(agent.id);
    expect(ids).toEqual(expect.arrayContaining(["ann", "ben", "system", "user"]));
    expect((await operator.agents.list({ tag: "team", limit: 500 })).items.map(({ id }) => id).sort()).toEqual([
      "ann",
      "ben",
    ]);
  });

  test("agents of a channel have a colon in their id", async () => {
    const id = "telegram:bot-1";
    const channel = { provider: "telegram", accountId: "bot-1" };
    expect(await operator.agents.register(id, { name: "Bot", kind: "channel", channel })).toMatchObject({ id });
    expect(await operator.agents.get(id)).toMatchObject({ id, kind: "channel" });
    await operator.agents.delete(id);
    expect((await problemOf(operator.agents.get(id))).status).toBeOneOf([404, 410]);
  });

  test("agents do not change one another", async () => {
    expect(await problemOf(ann.agents.patch("ben", { role: "x" }))).toMatchObject({ code: "forbidden" });
  });

  test("agents that were superseded stay so", async () => {
    const first = await agentOf(relay, "twin", {}, "i-1");
    expect(await first.whoami()).toMatchObject({ instance: { given: "i-1", current: "i-1", fenced: true } });
    await agentOf(relay, "twin", {}, "i-2");
    expect(await problemOf(first.inbox.read())).toMatchObject({ code: "superseded" });
    expect(await problemOf(first.agents.register("twin", { name: "twin" }))).toMatchObject({ code: "superseded" });
    expect(await problemOf(first.follow().next())).toMatchObject({ code: "superseded" });
    expect(await problemOf(first.work({ handler: () => "" }))).toMatchObject({ code: "superseded" });
  });
});

describe("messages", () => {
  test("messages are sent, found, threaded, read and explained", async () => {
    const root = await ann.messages.send({ to: "ben", body: "Is the zeppelin green?", subject: "main" });
    expect(root).toMatchObject({ from: "ann", to: "ben", matched: 1, kind: "chat" });
    const reply = await ben.messages.send({ to: "ann", body: "It is", replyTo: root.id });
    expect(reply.threadId).toBe(root.id);
    await ben.messages.markRead(root.id);
    expect((await ann.messages.get(root.id)).readBy).toContain("ben");
    expect((await ann.messages.thread(root.id)).items.map(({ id }) => id)).toEqual([root.id, reply.id]);
    const story = await ann.messages.explain(root.id);
    expect(story.recipients.map(({ agentId }) => agentId)).toEqual(["ben"]);
    expect((await ann.messages.list({ thread: root.id, limit: 1 })).items).toHaveLength(1);
    await until(async () => (await ann.messages.list({ q: "zeppelin" })).items.length === 1);
  });

  test("messages with the same key are one", async () => {
    const draft = { to: "ben", body: "once", idempotencyKey: "k-1" };
    const first = await ann.messages.send(draft);
    expect(first.replayed).toBeUndefined();
    expect(await ann.messages.send(draft)).toMatchObject({ id: first.id, replayed: true });
    expect(await problemOf(ann.messages.send({ ...draft, body: "twice" }))).toMatchObject({
      code: "idempotency-mismatch",
    });
  });

  test("messages go many at once, all or none", async () => {
    const { items } = await ann.messages.sendBatch([1, 2, 3].map((n) => ({ to: "ben", body: `batch ${n}` })));
    expect(items).toHaveLength(3);
    const bad = ann.messages.sendBatch([
      { to: "ben", body: "fine" },
      { to: "bem", body: "lost" },
    ]);
    const refusal = await problemOf(bad);
    expect(refusal.code).toBe("unknown-target");
    expect(refusal.body.suggestions).toContain("ben");
  });

  test("messages with a time to come are scheduled", async () => {
    const scheduled = await ann.messages.send({ to: "ben", body: "later", deliverAt: "2100-01-01T00:00:00Z" });
    expect(scheduled).toMatchObject({ deliverAt: "2100-01-01T00:00:00.000Z" });
  });

  test("messages with a fault name the place", async () => {
    const refusal = await problemOf(ann.messages.send({ to: "ben", body: "x", maxAttempts: 0 }));
    expect(refusal).toMatchObject({ code: "invalid", status: 422 });
    expect(refusal.body.errors?.[0]?.pointer).toContain("maxAttempts");
  });
});

describe("an inbox", () => {
  test("an inbox is read from the cursor, which an ack moves", async () => {
    const reader = await agentOf(relay, "reader");
    const { id } = await ann.messages.send({ to: "reader", body: "hello" });
    const inbox = await reader.inbox.read();
    expect(inbox.items.map((item) => item.id)).toEqual([id]);
    expect(await reader.inbox.ack(id)).toMatchObject({ cursor: id, skipped: 0 });
    expect((await reader.inbox.read()).items).toEqual([]);
    expect(await problemOf(reader.inbox.ack(id + 1_000))).toMatchObject({ code: "ahead-of-log" });
  });

  test("an inbox waits for what comes", async () => {
    const reader = await agentOf(relay, "patient");
    const waiting = reader.inbox.read({ waitSeconds: 20 });
    const { id } = await ann.messages.send({ to: "patient", body: "at last" });
    expect((await waiting).items.map((item) => item.id)).toEqual([id]);
  });
});

describe("following", () => {
  test("following catches up, goes on live and acknowledges", async () => {
    const reader = await agentOf(relay, "follower");
    const stored = await ann.messages.send({ to: "follower", body: "before" });
    const entries = reader.follow({ ack: true });
    expect((await entries.next()).value).toMatchObject({ id: stored.id, body: "before" });
    const next = entries.next();
    const live = await ann.messages.send({ to: "follower", body: "after" });
    expect((await next).value).toMatchObject({ id: live.id, body: "after" });
    await until(async () => (await reader.inbox.read()).cursor === stored.id);
    await entries.return();
    expect((await reader.inbox.read()).items.map(({ id }) => id)).toEqual([live.id]);
  });

  test("following ends when its token is revoked, and when a newer instance comes", async () => {
    const { id, token } = await operator.tokens.create({ role: "agent", agentId: "ann" });
    const revoked = createClient({ url: relay.url, token });
    const streaming = Promise.withResolvers<void>();
    const next = problemOf(drained(revoked.follow({ onEvent: () => streaming.resolve() })));
    await streaming.promise;
    await operator.tokens.revoke(id);
    expect((await next).status).toBe(401);

    const old = await agentOf(relay, "phoenix", {}, "p-1");
    const up = Promise.withResolvers<void>();
    const ended = problemOf(drained(old.follow({ onEvent: () => up.resolve() })));
    await up.promise;
    await agentOf(relay, "phoenix", {}, "p-2");
    expect(await ended).toMatchObject({ code: "superseded" });
  });
});

describe("work", () => {
  test("work is claimed, renewed, completed, and answered to the sender", async () => {
    const task = await ann.messages.send({ to: "cap:build", body: "build it", claimable: true });
    const { message, claim } = await ben.claims.claim(task.id, { leaseSeconds: 60 });
    expect(message).toMatchObject({ id: task.id, state: "claimed", claim: { agentId: "ben", attempt: 1 } });
    expect(await problemOf(operator.claims.claim(task.id, { agentId: "ben" }))).toMatchObject({
      code: "already-claimed",
    });
    expect((await ben.claims.held()).items.map((item) => item.claim.token)).toContain(claim.token);
    expect((await ben.claims.renew(task.id, { token: claim.token, leaseSeconds: 90 })).claim?.token).toBe(claim.token);
    const result = { body: "built", payload: { size: 3 } };
    for (let n = 0; n < 2; n++) {
      expect((await ben.claims.complete(task.id, { token: claim.token, result })).message.state).toBe("done");
    }
    const [answer] = (await ann.messages.list({ thread: task.threadId, kind: "response" })).items;
    expect(answer).toMatchObject({ from: "ben", to: "ann", body: "built", replyTo: task.id });
  });

  test("work is given back, fails, dies, comes back and is cancelled", async () => {
    const task = await ann.messages.send({ to: "ben", body: "try", claimable: true, maxAttempts: 1 });
    const first = await ben.claims.claim(task.id);
    expect((await ben.claims.release(task.id, { token: first.claim.token })).message.state).toBe("open");
    const second = await ben.claims.claim(task.id);
    expect(await problemOf(ben.claims.complete(task.id, { token: first.claim.token }))).toMatchObject({
      code: "claim-lost",
    });
    expect((await ben.claims.fail(task.id, { token: second.claim.token, error: "no" })).message.state).toBe("dead");
    const dead = (await operator.claims.deadLetters()).items.find(({ id }) => id === task.id);
    expect(dead).toMatchObject({ error: "no" });
    expect((await operator.claims.requeue(task.id)).message.state).toBe("open");
    expect((await ann.claims.cancel(task.id)).message.state).toBe("cancelled");
  });

  test("work goes through a worker", async () => {
    const stop = new AbortController();
    const kinds: string[] = [];
    const done = ben.work({
      signal: stop.signal,
      onEvent: ({ type }) => kinds.push(type),
      handler: ({ body }) => (body === "bad" ? Promise.reject(new Error("bad work")) : body.toUpperCase()),
    });
    const good = await ann.messages.send({ to: "ben", body: "good", claimable: true });
    const bad = await ann.messages.send({ to: "ben", body: "bad", claimable: true, maxAttempts: 1 });
    await until(() => kinds.includes("completed") && kinds.includes("failed"));
    stop.abort();
    await done;
    expect((await ann.messages.list({ thread: good.id, kind: "response" })).items[0]).toMatchObject({ body: "GOOD" });
    expect(await ann.messages.get(bad.id)).toMatchObject({
      state: "dead",
      attempts: [{ outcome: "failed", error: "bad work" }],
    });
  });

  test("work handed to many workers is done once each", async () => {
    const stop = new AbortController();
    const workers = await Promise.all(["w1", "w2", "w3"].map((id) => agentOf(relay, id, { tags: ["pool"] })));
    const seen: number[] = [];
    const handler = ({ id }: { id: number }) => void seen.push(id) as undefined;
    const done = workers.map((worker) => worker.work({ handler, concurrency: 4, signal: stop.signal }));
    const drafts = Array.from({ length: 60 }, (_, n) => ({ to: "tag:pool", body: `${n}`, claimable: true }));
    const { items } = await ann.messages.sendBatch(drafts);
    const ids = items.flatMap((item) => ("id" in item ? [item.id] : []));
    await until(
      async () =>
        (await ann.messages.list({ from: "ann", state: "done", limit: 500 })).items.filter(({ id }) => ids.includes(id))
          .length === 60,
    );
    stop.abort();
    await Promise.all(done);
    expect(seen.sort((a, b) => a - b)).toEqual(ids);
  });
});

describe("the relay", () => {
  test("the relay says who is asking and how it is", async () => {
    expect(await operator.whoami()).toMatchObject({ role: "operator" });
    expect(await ann.whoami()).toMatchObject({ role: "agent", agentId: "ann", instance: { fenced: false } });
    expect(await operator.alive()).toEqual({ status: "ok" });
    expect((await operator.health()).checks.length).toBeGreaterThan(0);
    expect(await problemOf(createClient({ url: relay.url, token: "nonsense" }).whoami())).toMatchObject({
      status: 401,
    });
  });

  test("the relay makes, lists and ends tokens, and remembers who did", async () => {
    const made = await operator.tokens.create({ role: "viewer", name: "wall" });
    expect((await operator.tokens.list({ limit: 500 })).items.map(({ id }) => id)).toContain(made.id);
    await operator.tokens.revoke(made.id);
    expect(await problemOf(createClient({ url: relay.url, token: made.token }).whoami())).toMatchObject({
      status: 401,
    });
    expect((await operator.activity({ limit: 10 })).items.some(({ subject }) => subject.includes(made.id))).toBe(true);
    expect(await problemOf(ann.tokens.list())).toMatchObject({ code: "forbidden" });
  });

  test("the relay copies its database", async () => {
    const backup = await operator.backup();
    expect(await Bun.file(backup.file).exists()).toBe(true);
    expect(backup.bytes).toBeGreaterThan(0);
  });
});

describe("a relay that is killed and started again", () => {
  let folder: ReturnType<typeof tempFolder>;
  let mortal: Relay;
  beforeAll(async () => {
    folder = tempFolder();
    mortal = await startRelay(folder.path);
  });
  afterAll(async () => {
    await mortal.stop();
    folder.remove();
  });

  test.each(["SIGKILL", "SIGTERM"] as const)(
    "a relay that is killed and started again by %s loses no follower and repeats nothing to it",
    async (signal) => {
      const id = `reader-${signal.toLowerCase()}`;
      const reader = await agentOf(mortal, id);
      const writer = createClient({ url: mortal.url, token: mortal.token, timing: hastyTiming });
      const stop = new AbortController();
      const bodies: string[] = [];
      const done = (async () => {
        for await (const entry of reader.follow({ signal: stop.signal, ack: true })) bodies.push(entry.body);
      })();
      for (let n = 0; n < 20; n++) await writer.messages.send({ to: id, body: `${n}` });
      await mortal.stop(signal);
      const sends = Promise.all(
        Array.from({ length: 5 }, (_, n) => writer.messages.send({ to: id, body: `${20 + n}` }, { retries: 1000 })),
      );
      mortal = await startRelay(folder.path, mortal.port);
      await sends;
      await until(() => bodies.length >= 25);
      expect(bodies.slice(0, 20)).toEqual(Array.from({ length: 20 }, (_, n) => `${n}`));
      expect(bodies.map(Number).sort((a, b) => a - b)).toEqual(Array.from({ length: 25 }, (_, n) => n));
      stop.abort();
      await done;
    },
    30_000,
  );

  test("a relay that is killed and started again leaves a worker its work", async () => {
    const worker = await agentOf(mortal, "worker");
    const writer = createClient({ url: mortal.url, token: mortal.token, timing: hastyTiming });
    const stop = new AbortController();
    const gate = Promise.withResolvers<string>();
    const kinds: string[] = [];
    const done = worker.work({
      signal: stop.signal,
      handler: () => gate.promise,
      onEvent: ({ type }) => kinds.push(type),
    });
    const task = await writer.messages.send({ to: "worker", body: "long", claimable: true });
    await until(() => kinds.includes("claimed"));
    await mortal.stop("SIGKILL");
    gate.resolve("survived");
    mortal = await startRelay(folder.path, mortal.port);
    await until(() => kinds.includes("completed"));
    expect(await writer.messages.get(task.id)).toMatchObject({ state: "done" });
    stop.abort();
    await done;
  });
});

import { describe, expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { accepts, startReceiver } from "../../support/receiver.ts";
import { startServer } from "../../support/server.ts";
import { until } from "../../support/until.ts";
import { type Crew, startCrew, type Worker } from "../../support/work.ts";

const SECOND = 1000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;

/** A crew, a receiver, and how to make a webhook between them. */
async function startWorld(overrides: Parameters<typeof startCrew>[0] = {}) {
  const crew = await startCrew(overrides);
  const receiver = startReceiver();
  return {
    crew,
    receiver,
    async hook(fields: Record<string, unknown> = {}, worker?: Worker) {
      const made = await crew.ask("POST", "/v1/webhooks", { url: receiver.url, ...fields }, worker);
      if (made.status !== 201) throw new Error(JSON.stringify(made.body));
      return made.body;
    },
    say: (to: string, body: string, worker: Worker = crew.boss) =>
      crew.ask("POST", "/v1/messages", { to, body }, worker),
    look: async (id: string) => (await crew.ask("GET", `/v1/webhooks/${id}`)).body,
    deliveries: async (id: string, query = "") =>
      (await crew.ask("GET", `/v1/webhooks/${id}/deliveries${query}`)).body.items,
    /** Notices to `user` about webhooks. */
    notices: async () => (await crew.ask("GET", "/v1/messages?to=user&topic=webhooks")).body.items,
  };
}

/** Lets time go by in steps, so that what becomes due in between is done in between. */
async function passInSteps(crew: Crew, total: number, step: number): Promise<void> {
  for (let left = total; left > 0; left -= step) await crew.pass(Math.min(step, left));
}

describe("an address that a name has inside of the relay's network", () => {
  test("an address that a name has inside of the relay's network is told to operators alone", async () => {
    const { crew, hook, say, look, deliveries } = await startWorld();
    const { id } = await hook({ url: "http://localhost:1/hook" }, crew.ann);
    await say("ann", "one");
    await passInSteps(crew, 36 * HOUR, 30 * MINUTE);
    expect((await look(id)).reason).toMatch(/127\.0\.0\.1|::1/);
    const own = async (path: string) => (await crew.ask("GET", `/v1/webhooks/${id}${path}`, undefined, crew.ann)).body;
    const { reason } = await own("");
    expect(reason).toContain("an address of it");
    const [failed] = (await own("/deliveries")).items;
    const all = JSON.stringify([reason, failed, await crew.inbox(crew.ann)]);
    expect(all).toContain("A webhook was disabled");
    expect(all).not.toMatch(/127\.0\.0\.1|::1/);
    expect((await deliveries(id))[0].lastError).toMatch(/127\.0\.0\.1|::1/);
  });

  test("an address that a name has inside of the relay's network is left where its owner wrote it", async () => {
    const { crew, hook, say } = await startWorld();
    const { id } = await hook({ url: "http://127.0.0.1:1/hook" }, crew.ann);
    await say("ann", "one");
    await crew.pass(MINUTE);
    const { items } = (await crew.ask("GET", `/v1/webhooks/${id}/deliveries`, undefined, crew.ann)).body;
    expect(items[0].lastError).toContain("127.0.0.1");
  });
});

describe("a webhook", () => {
  test("a webhook is told of a message, signed so that the reference library accepts it", async () => {
    const { crew, receiver, hook, say, deliveries } = await startWorld();
    const { id, secret } = await hook();
    expect(secret).toMatch(/^whsec_[A-Za-z0-9+/]{43}=$/);
    const sent = (await say("ann", "héllo")).body;
    await crew.pass(0);
    const [got] = receiver.received;
    expect(accepts(secret, got, crew)).toBe(true);
    expect(accepts(`whsec_${btoa("another")}`, got, crew)).toBe(false);
    expect(got?.headers).toMatchObject({
      "content-type": "application/json",
      "webhook-id": expect.stringMatching(/^evt_/),
    });
    const { matched: _, state: _s, claim: _c, ...entry } = sent;
    expect(got?.event).toEqual({ type: "message.created", timestamp: sent.createdAt, data: entry });
    expect(await deliveries(id)).toMatchObject([
      { id: got?.id, state: "delivered", attempts: 1, lastStatus: 204, messageId: sent.id, nextAt: null },
    ]);
  });

  test("a webhook of an agent is told only what the agent may read; the operator's everything", async () => {
    const { crew, receiver, hook, say } = await startWorld();
    await hook({ url: `${receiver.url}/ann` }, crew.ann);
    await hook({ url: `${receiver.url}/user` });
    await say("ann", "to ann");
    await say("ben", "to ben");
    await say("tag:crew", "to both");
    await say("boss", "from ann", crew.ann);
    await crew.pass(0);
    const at = (path: string) =>
      receiver.received.filter((got) => got.path.endsWith(path)).map(({ event }) => event.data.body);
    expect(at("/ann").toSorted()).toEqual(["from ann", "to ann", "to both"]);
    expect(at("/user").toSorted()).toEqual(["from ann", "to ann", "to ben", "to both"]);
  });

  test("a webhook is told of what fits its filter alone", async () => {
    const { crew, receiver, hook } = await startWorld();
    const send = (fields: object) => crew.ask("POST", "/v1/messages", { to: "ann", body: "no", ...fields }, crew.boss);
    await hook({ filter: { from: "boss", to: "ann", topic: "ci", kind: "task" } });
    await send({ topic: "ci", kind: "task", body: "yes" });
    await send({ topic: "ci" });
    await send({ kind: "task" });
    await send({ topic: "ci", kind: "task", to: "ben" });
    await crew.ask("POST", "/v1/messages", { to: "ann", body: "no", topic: "ci", kind: "task" }, crew.ben);
    await crew.pass(0);
    expect(receiver.bodies()).toEqual(["yes"]);
  });

  test("a webhook is told what becomes of work, and nothing of renewals", async () => {
    const { crew, receiver, hook } = await startWorld();
    const events = ["claimed", "reopened", "done", "dead", "expired", "cancelled"].map((name) => `work.${name}`);
    await hook({ events });
    const next = async () => {
      await crew.pass(0);
      return receiver.received.splice(0).map(({ event }) => [event.type, event.data.agentId]);
    };
    await crew.open({ maxAttempts: 2 });
    const held = await crew.take(crew.ann);
    expect(await next()).toEqual([["work.claimed", "ann"]]);
    await crew.end("renew", crew.ann, held);
    expect(await next()).toEqual([]);
    await crew.end("release", crew.ann, held);
    expect(await next()).toEqual([["work.reopened", "ann"]]);
    const again = await crew.take(crew.ben);
    await crew.end("fail", crew.ben, again, { error: "broken", final: true });
    expect((await next()).toSorted()).toEqual([
      ["work.claimed", "ben"],
      ["work.dead", "ben"],
    ]);
    await crew.ask("POST", `/v1/messages/${held.message.id}/requeue`);
    await crew.end("complete", crew.ann, await crew.take(crew.ann));
    expect((await next()).map(([type]) => type).toSorted()).toEqual(["work.claimed", "work.done", "work.reopened"]);
    const taken = await crew.open();
    await crew.ask("POST", `/v1/messages/${taken}/cancel`, undefined, crew.boss);
    expect((await next()).map(([type]) => type)).toEqual(["work.cancelled"]);
  });

  test("a webhook is told of every step of tasks and delegations, if it may read their messages", async () => {
    const { crew, receiver, hook } = await startWorld();
    await hook({ events: ["task.changed", "delegation.changed"], url: `${receiver.url}/user` });
    await hook({ events: ["task.changed", "delegation.changed"], url: `${receiver.url}/ann` }, crew.ann);
    const next = async (path: string) => {
      await crew.pass(0);
      return receiver.received
        .filter((got) => got.path.endsWith(path))
        .map(({ event: { type, data } }) => [type, data.status]);
    };
    const kept = await crew.ask("POST", "/v1/tasks", { title: "Kept", body: "long" }, crew.boss);
    await crew.ask("POST", `/v1/tasks/${kept.body.id}/status`, { status: "cancelled" }, crew.boss);
    await crew.ask("POST", "/v1/tasks", { title: "Disk full", target: "tag:crew" }, crew.boss);
    await crew.end("complete", crew.ann, await crew.take(crew.ann));
    await crew.ask("POST", "/v1/tasks", { title: "For ben", target: "ben" }, crew.boss);
    const asked = await crew.ask("POST", "/v1/delegations", { to: "ann", text: "How many?" }, crew.boss);
    await crew.ask("POST", `/v1/delegations/${asked.body.id}/response`, { text: "Two." }, crew.ann);
    const shared = ["open", "claimed", "done"].map((status) => ["task.changed", status]);
    const owed = ["pending", "answered"].map((status) => ["delegation.changed", status]);
    expect((await next("/ann")).toSorted()).toEqual([...shared, ...owed].toSorted());
    const kinds = [
      ["task.changed", "open"],
      ["task.changed", "cancelled"],
      ["task.changed", "open"],
    ];
    expect((await next("/user")).toSorted()).toEqual([...shared, ...owed, ...kinds].toSorted());
    expect(receiver.received.some(({ event }) => event.data.body !== undefined)).toBe(false);
  });

  test("a webhook can be tested, whatever its filter says", async () => {
    const { crew, receiver, hook } = await startWorld();
    const { id, secret } = await hook({ filter: { from: "nobody" } });
    const sent = await crew.ask("POST", `/v1/webhooks/${id}/test`);
    expect(sent).toMatchObject({ status: 201, body: { type: "webhook.test", state: "pending", messageId: null } });
    await crew.pass(0);
    expect(receiver.received[0]?.event).toMatchObject({ type: "webhook.test", data: { webhookId: id } });
    expect(accepts(secret, receiver.received[0], crew)).toBe(true);
  });

  test("a webhook that is paused records nothing new and sends nothing; resumed it goes on with what was pending", async () => {
    const { crew, receiver, hook, say, look } = await startWorld();
    const { id } = await hook();
    await say("ann", "before");
    await crew.ask("PATCH", `/v1/webhooks/${id}`, { status: "paused" });
    await say("ann", "meanwhile");
    await crew.pass(HOUR);
    expect(receiver.received).toEqual([]);
    expect(await look(id)).toMatchObject({ status: "paused", pending: 1 });
    expect((await crew.ask("POST", `/v1/webhooks/${id}/test`)).status).toBe(409);
    await crew.ask("PATCH", `/v1/webhooks/${id}`, { status: "active" });
    await say("ann", "after");
    await crew.pass(0);
    expect(receiver.bodies().toSorted()).toEqual(["after", "before"]);
  });

  test("a webhook that is deleted, or whose agent is, gets nothing more, and nothing of it is left", async () => {
    const { crew, receiver, hook, say } = await startWorld();
    const first = await hook();
    const second = await hook({}, crew.ann);
    await say("ann", "never told");
    expect((await crew.ask("DELETE", `/v1/webhooks/${first.id}`)).status).toBe(204);
    await crew.ask("DELETE", "/v1/agents/ann");
    await crew.pass(0);
    expect(receiver.received).toEqual([]);
    for (const { id } of [first, second]) expect((await crew.ask("GET", `/v1/webhooks/${id}`)).status).toBe(404);
    expect((await crew.ask("GET", "/v1/webhooks")).body.items).toEqual([]);
  });
});

describe("a delivery that fails", () => {
  test("G3: a delivery that fails is tried again over a day, always with the same id, and signed anew", async () => {
    const { crew, receiver, hook, say, deliveries } = await startWorld();
    const { id, secret } = await hook();
    receiver.answers(500);
    await say("ann", "hello");
    await crew.pass(0);
    const waits = [5 * SECOND, 5 * MINUTE, 30 * MINUTE, 2 * HOUR, 5 * HOUR];
    for (const [index, wait] of waits.entries()) {
      expect(receiver.received).toHaveLength(index + 1);
      await crew.pass(wait - 1);
      expect(receiver.received).toHaveLength(index + 1);
      await crew.pass(1);
    }
    expect(await deliveries(id)).toMatchObject([
      { state: "pending", attempts: 6, lastStatus: 500, lastError: "answered 500" },
    ]);
    receiver.answers(200);
    await crew.pass(10 * HOUR);
    expect(new Set(receiver.received.map((got) => got.id)).size).toBe(1);
    expect(accepts(secret, receiver.received.at(-1), crew)).toBe(true);
    expect(accepts(secret, receiver.received[0], crew)).toBe(false);
    expect(await deliveries(id)).toMatchObject([{ state: "delivered", attempts: 7 }]);
  });

  test("a delivery that fails is a dead letter after the day, told to owner and operator, while the rest is delivered", async () => {
    const { crew, receiver, hook, say, deliveries, look, notices } = await startWorld();
    const { id } = await hook({}, crew.ann);
    receiver.answers(({ event }) => new Response(null, { status: event.data.body === "poison" ? 500 : 200 }));
    await say("ann", "poison");
    for (let hour = 0; hour < 36; hour++) {
      await say("ann", `${hour}`);
      await passInSteps(crew, HOUR, 30 * MINUTE);
    }
    const dead = await deliveries(id, "?state=dead");
    expect(dead).toMatchObject([{ state: "dead", attempts: 8, lastError: "answered 500", nextAt: null }]);
    expect(await look(id)).toMatchObject({ status: "active", pending: 0, failures: 0 });
    expect(await notices()).toMatchObject([{ from: "system", payload: { webhookId: id }, topic: "webhooks" }]);
    const told = (await crew.inbox(crew.ann)).filter((item) => item.topic === "webhooks");
    expect(told).toHaveLength(1);
    // Notices about webhooks go through none.
    expect(receiver.received.some(({ event }) => event.data.topic === "webhooks")).toBe(false);

    receiver.answers(200);
    const asked = await crew.ask("POST", `/v1/webhooks/${id}/redeliver`, { deliveryId: dead[0].id }, crew.ann);
    expect(asked.body).toEqual({ redelivered: 1 });
    await crew.pass(0);
    expect(receiver.received.at(-1)).toMatchObject({ id: dead[0].id, event: { data: { body: "poison" } } });
    expect((await crew.ask("POST", `/v1/webhooks/${id}/redeliver`)).body).toEqual({ redelivered: 0 });
  });

  test("a delivery that fails for a day, without a success, disables the webhook, and tells so; active again, the dead can be redelivered", async () => {
    const { crew, receiver, hook, say, look, deliveries, notices } = await startWorld();
    const { id } = await hook();
    receiver.stop();
    for (let i = 0; i < 5; i++) await say("ann", `${i}`);
    await passInSteps(crew, 36 * HOUR, 30 * MINUTE);
    expect(await look(id)).toMatchObject({ status: "disabled", pending: 0, reason: expect.stringContaining("day") });
    expect(await deliveries(id, "?state=dead")).toHaveLength(5);
    const [notice] = await notices();
    expect(notice).toMatchObject({ subject: "A webhook was disabled", payload: { webhookId: id, status: "disabled" } });
    const activity = (await crew.ask("GET", `/v1/activity?subject=${id}&verb=webhook.disabled`)).body.items;
    expect(activity).toHaveLength(1);
    await say("ann", "not recorded");
    expect(await deliveries(id)).toHaveLength(5);

    startReceiver(receiver.port);
    expect((await crew.ask("POST", `/v1/webhooks/${id}/redeliver`)).status).toBe(409);
    await crew.ask("PATCH", `/v1/webhooks/${id}`, { status: "active" });
    expect((await crew.ask("POST", `/v1/webhooks/${id}/redeliver`)).body).toEqual({ redelivered: 5 });
    await passInSteps(crew, MINUTE, SECOND);
    expect(await deliveries(id, "?state=delivered")).toHaveLength(5);
  });

  test("a delivery that fails with 410 disables the webhook at once", async () => {
    const { crew, receiver, hook, say, look, notices } = await startWorld();
    const { id } = await hook();
    receiver.answers(410);
    await say("ann", "hello");
    await crew.pass(0);
    expect(await look(id)).toMatchObject({ status: "disabled", reason: expect.stringContaining("410"), pending: 0 });
    expect(await notices()).toHaveLength(1);
    const { checks } = (await crew.ask("GET", "/v1/health")).body;
    const detail = `failing or disabled: ${id}`;
    expect(checks).toContainEqual({ name: "webhooks", status: "warn", detail });
    await passInSteps(crew, HOUR, 5 * MINUTE);
    expect(receiver.received).toHaveLength(1);
  });

  test("a delivery that fails waits as long as the receiver asks it to", async () => {
    const { crew, receiver, hook, say } = await startWorld();
    await hook();
    receiver.answers(() => new Response(null, { status: 429, headers: { "retry-after": "120" } }));
    await say("ann", "hello");
    await crew.pass(0);
    await say("ann", "another");
    await crew.pass(119 * SECOND);
    expect(receiver.received).toHaveLength(1);
    await crew.pass(SECOND);
    expect(receiver.received).toHaveLength(2);
  });

  test("a delivery that fails because of a redirect, which is not followed", async () => {
    const { crew, receiver, hook, say, deliveries } = await startWorld();
    const inner = startReceiver();
    const { id } = await hook();
    receiver.answers(() => new Response(null, { status: 307, headers: { location: inner.url } }));
    await say("ann", "hello");
    await crew.pass(0);
    expect(inner.received).toEqual([]);
    expect(await deliveries(id)).toMatchObject([{ state: "pending", lastStatus: 307 }]);
  });

  test("a delivery that fails because its address is not public any more sends nothing", async () => {
    const { crew, receiver, hook, say, deliveries } = await startWorld({ egressPrivate: ["127.0.0.1"] });
    const { id } = await hook({ url: `http://localhost:${receiver.port}/` });
    crew.config.egressPrivate = [];
    await crew.restart();
    await say("ann", "hello");
    await crew.pass(0);
    expect(receiver.received).toEqual([]);
    expect((await deliveries(id))[0].lastError).toContain("not a public");
  });
});

describe("one slow receiver", () => {
  test("one slow receiver holds up nobody else, and gets a bounded number of requests at once", async () => {
    const { crew, receiver, hook, say } = await startWorld();
    const slow = startReceiver();
    let open = 0;
    let most = 0;
    const release: (() => void)[] = [];
    slow.answers(async () => {
      most = Math.max(most, ++open);
      await new Promise<void>((resolve) => release.push(resolve));
      open--;
      return new Response();
    });
    await hook({ url: slow.url });
    await hook();
    for (let i = 0; i < 20; i++) await say("ann", `${i}`);
    await until(() => {
      crew.clock.advance(5);
      return receiver.received.length === 20;
    });
    expect(
      receiver
        .bodies()
        .map(Number)
        .toSorted((a, b) => a - b),
    ).toEqual(Array.from({ length: 20 }, (_, i) => i));
    expect(most).toBe(4);
    slow.answers(200);
    for (const go of release) go();
    await crew.pass(0);
  });

  test("one slow receiver that never answers is dropped from in bounds, and told once", async () => {
    const { crew, receiver, hook, look, notices } = await startWorld();
    receiver.answers(500);
    const { id } = await hook({}, crew.ann);
    for (let batch = 0; batch < 10; batch++) {
      const messages = Array.from({ length: 1000 }, (_, i) => ({ to: "ann", body: `${i}` }));
      await crew.ask("POST", "/v1/messages/batch", { messages }, crew.boss);
    }
    const messages = [
      { to: "ann", body: "one more" },
      { to: "ann", body: "and one more" },
    ];
    await crew.ask("POST", "/v1/messages/batch", { messages }, crew.boss);
    expect(await look(id)).toMatchObject({ pending: 10_000, dropped: 2 });
    expect(await notices()).toMatchObject([{ subject: "A webhook drops events" }]);
  });
});

describe("the secret", () => {
  test("the secret is shown once, and is in no file but the relay's key", async () => {
    const { crew, hook } = await startWorld();
    const { id, secret } = await hook();
    expect((await crew.ask("GET", `/v1/webhooks/${id}`)).body.secret).toBeUndefined();
    expect(JSON.stringify((await crew.ask("GET", "/v1/webhooks")).body)).not.toContain("whsec_");
    for (const file of ["signalbox.db", "signalbox.db-wal", "relay.key"])
      expect(readFileSync(join(crew.config.dataDir, file)).includes(secret.slice(6))).toBe(false);
  });

  test("G5: the secret is the same when the webhook is made again with its key; with other content it is refused", async () => {
    const { crew, receiver } = await startWorld();
    const make = (url: string) =>
      crew.ask("POST", "/v1/webhooks", { url }, { token: crew.ann.token, headers: { "idempotency-key": '"k"' } });
    const first = await make(receiver.url);
    const again = await make(receiver.url);
    expect([first.status, again.status]).toEqual([201, 200]);
    expect(again.body).toEqual(first.body);
    expect(again.headers.get("idempotent-replayed")).toBe("true");
    expect(await make(`${receiver.url}/other`)).toMatchObject({ status: 422, body: { code: "idempotency-mismatch" } });
  });

  test("the secret is rotated: for a while both sign, then the new one alone", async () => {
    const { crew, receiver, hook, say } = await startWorld();
    const { id, secret } = await hook();
    const rotated = await crew.ask("POST", `/v1/webhooks/${id}/rotate`, { overlapSeconds: 3600 });
    expect(rotated.status).toBe(201);
    expect(rotated.body.secret).not.toBe(secret);
    await say("ann", "both");
    await crew.pass(0);
    expect(accepts(secret, receiver.received[0], crew)).toBe(true);
    expect(accepts(rotated.body.secret, receiver.received[0], crew)).toBe(true);
    await crew.pass(HOUR);
    await say("ann", "one");
    await crew.pass(0);
    expect(accepts(secret, receiver.received[1], crew)).toBe(false);
    expect(accepts(rotated.body.secret, receiver.received[1], crew)).toBe(true);
    const now = await crew.ask("POST", `/v1/webhooks/${id}/rotate`, { overlapSeconds: 0 });
    await say("ann", "at once");
    await crew.pass(0);
    expect(accepts(rotated.body.secret, receiver.received[2], crew)).toBe(false);
    expect(accepts(now.body.secret, receiver.received[2], crew)).toBe(true);
  });
});

describe("who may", () => {
  test("a webhook is looked at and changed by its agent and the operator; viewers look", async () => {
    const { crew, hook, receiver } = await startWorld();
    const { id } = await hook({}, crew.ann);
    const viewer = { token: (await crew.ask("POST", "/v1/tokens", { role: "viewer" })).body.token };
    const by = async (who: { token: string } | undefined) => [
      (await crew.ask("GET", `/v1/webhooks/${id}`, undefined, who)).status,
      (await crew.ask("PATCH", `/v1/webhooks/${id}`, { name: "x" }, who)).status,
      (await crew.ask("GET", "/v1/webhooks", undefined, who)).body.items?.length,
    ];
    expect(await by(undefined)).toEqual([200, 200, 1]);
    expect(await by(crew.ann)).toEqual([200, 200, 1]);
    expect(await by(viewer)).toEqual([200, 403, 1]);
    expect(await by(crew.ben)).toEqual([403, 403, 0]);
    const forAnother = await crew.ask("POST", "/v1/webhooks", { url: receiver.url, agentId: "ann" }, crew.ben);
    expect(forAnother.status).toBe(403);
    const forAnn = await crew.ask("POST", "/v1/webhooks", { url: receiver.url, agentId: "ann" });
    expect(forAnn.body.agentId).toBe("ann");
  });

  test("a webhook may be sent to public addresses alone, said with its place", async () => {
    const { crew } = await startWorld({ egressPrivate: [] });
    for (const url of [
      "http://127.0.0.1/",
      "http://localhost/",
      "http://[::1]/",
      "ftp://example.com/",
      "x",
      "https://a:b@example.com/",
    ]) {
      const made = await crew.ask("POST", "/v1/webhooks", { url }, crew.ann);
      expect([url, made.status, made.body.errors?.[0]?.pointer]).toEqual([url, 422, "/url"]);
    }
    const made = await crew.ask("POST", "/v1/webhooks", { url: "https://example.com/hook" }, crew.ann);
    expect(made.status).toBe(201);
    const moved = await crew.ask("PATCH", `/v1/webhooks/${made.body.id}`, { url: "http://10.0.0.1/" }, crew.ann);
    expect(moved).toMatchObject({ status: 422, body: { errors: [{ pointer: "/url" }] } });
  });

  test("an agent may have 20 webhooks", async () => {
    const { hook, crew, receiver } = await startWorld();
    for (let i = 0; i < 20; i++) await hook({}, crew.ann);
    expect((await crew.ask("POST", "/v1/webhooks", { url: receiver.url }, crew.ann)).status).toBe(409);
  });
});

describe("over restarts", () => {
  test("G7: over restarts between any two steps no delivery is lost, and what was under way is delivered again with its id", async () => {
    const { crew, receiver, hook, say, deliveries } = await startWorld();
    const { id, secret } = await hook();
    await crew.restart();
    await say("ann", "hello");
    await crew.restart();
    receiver.answers(500);
    await crew.pass(0);
    await crew.restart();
    // Never answered: the relay ends while it waits.
    receiver.answers(() => new Promise<Response>(() => undefined));
    const before = receiver.received.length;
    crew.clock.advance(5 * SECOND);
    await until(() => receiver.received.length > before);
    await crew.restart();
    receiver.answers(200);
    await crew.pass(0);
    expect(await deliveries(id)).toMatchObject([{ state: "delivered" }]);
    expect(new Set(receiver.received.map((got) => got.id)).size).toBe(1);
    await crew.restart();
    await crew.pass(HOUR);
    const told = receiver.received.length;
    await say("ann", "again");
    await crew.pass(0);
    expect(receiver.received).toHaveLength(told + 1);
    expect(accepts(secret, receiver.received.at(-1), crew)).toBe(true);
  });

  test("G1: kill -9 while a delivery is under way loses nothing", async () => {
    const receiver = startReceiver();
    const env = { SIGNALBOX_EGRESS_PRIVATE: "127.0.0.0/8" };
    const first = await startServer({ env });
    const ask = async (url: string, path: string, body: unknown) => {
      const headers = { authorization: `Bearer ${first.operatorToken}`, "content-type": "application/json" };
      const answer = await fetch(`${url}${path}`, { method: "POST", headers, body: JSON.stringify(body) });
      return { status: answer.status, body: (await answer.json()) as { secret: string } };
    };
    const made = await ask(first.url, "/v1/webhooks", { url: receiver.url });
    receiver.answers(() => new Promise<Response>(() => undefined));
    expect((await ask(first.url, "/v1/messages", { to: "user", body: "hello" })).status).toBe(201);
    await until(() => receiver.received.length === 1);
    await first.kill();
    receiver.answers(200);
    await startServer({ dataDir: first.dataDir, token: first.operatorToken, env });
    await until(() => receiver.received.length === 2);
    expect(receiver.received[1]?.id).toBe(receiver.received[0]?.id ?? "none");
    expect(accepts(made.body.secret, receiver.received[1], { clock: { now: Date.now } as never })).toBe(true);
  });
});

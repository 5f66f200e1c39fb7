import { describe, expect, test } from "bun:test";
import { listen } from "../../support/listen.ts";
import { startReceiver } from "../../support/receiver.ts";
import { atEnd, startRelay, type TestRelay } from "../../support/relay.ts";
import { startFleet } from "../../support/sessions.ts";

const version = { "a2a-version": "1.0" };
const MINUTE = 60_000;

/** An address that takes push notifications, and counts them. */
function startTaker() {
  const taker = { url: "", taken: 0 };
  const server = Bun.serve({
    port: 0,
    hostname: "127.0.0.1",
    fetch() {
      taker.taken++;
      return new Response(null, { status: 200 });
    },
  });
  taker.url = `http://127.0.0.1:${server.port}/`;
  atEnd(async () => server.stop(true));
  return taker;
}

async function startMaker(relay?: TestRelay) {
  relay ??= await startRelay();
  const { ask, clock } = relay;
  const bob = await relay.agent("bob");
  await relay.agent("ann");
  const receiver = startReceiver();
  const taker = startTaker();
  const token = async (fields = {}) =>
    (await ask("POST", "/v1/tokens", { role: "agent", agentId: "ann", ...fields })).body as {
      id: string;
      token: string;
    };
  return {
    ...relay,
    ...{ bob, receiver, taker, token },
    hook: async (how: object) =>
      (await ask("POST", "/v1/webhooks", { url: receiver.url, events: ["message.created"] }, how)).body.id as string,
    plan: async (how: object) =>
      (await ask("POST", "/v1/schedules", { cron: "* * * * *", message: { to: "bob", body: "tick" } }, how)).body
        .id as string,
    /** A task of ann's for bob, told of at an address; answers its id and the configuration's. */
    async push(how: { token: string }) {
      const message = { messageId: "m1", role: "ROLE_USER", parts: [{ text: "Go" }] };
      const configuration = { returnImmediately: true, taskPushNotificationConfig: { id: "mine", url: taker.url } };
      const sent = await ask("POST", "/a2a/bob/message:send", { message, configuration }, { ...how, headers: version });
      return sent.body.task.id as string;
    },
    ticks: async () => (await ask("GET", "/v1/messages?q=tick&to=bob")).body.items.length as number,
    revoke: (id: string) => ask("DELETE", `/v1/tokens/${id}`),
    in: (ms: number) => new Date(clock.now() + ms).toISOString(),
  };
}

describe("revoking a token", () => {
  test("revoking a token pauses the webhooks, schedules and push configurations that it made, and lists them; others go on", async () => {
    const { ask, bob, token, hook, plan, push, revoke, taker, receiver, pass, ticks } = await startMaker();
    const [lost, kept] = [await token(), await token()];
    const made = { webhook: await hook(lost), schedule: await plan(lost), push: await push(lost) };
    const others = [await hook(kept), await plan(kept)];
    const revoked = await revoke(lost.id);
    expect(revoked).toMatchObject({ status: 200, body: { id: lost.id, revokedAt: expect.any(String) } });
    expect(revoked.body.paused).toEqual([
      { kind: "webhook", id: made.webhook, agentId: "ann" },
      { kind: "schedule", id: made.schedule, agentId: "ann" },
      { kind: "push", id: "mine", agentId: "ann", taskId: made.push },
    ]);
    expect((await ask("GET", `/v1/webhooks/${made.webhook}`)).body).toMatchObject({
      status: "paused",
      reason: expect.stringContaining(lost.id),
    });
    expect((await ask("GET", `/v1/schedules/${made.schedule}`)).body).toMatchObject({
      ...{ enabled: false, nextAt: null, reason: expect.stringContaining(lost.id) },
    });
    expect((await ask("GET", `/v1/webhooks/${others[0]}`)).body.status).toBe("active");
    expect((await ask("GET", `/v1/schedules/${others[1]}`)).body.enabled).toBe(true);
    const before = receiver.received.length;
    await ask("POST", `/v1/delegations/${made.push}/response`, { text: "done" }, bob);
    await pass(MINUTE);
    expect(taker.taken).toBe(0);
    // Only the other webhook's.
    expect(receiver.received.length).toBeGreaterThan(before);
    const { items } = (await ask("GET", `/v1/webhooks/${made.webhook}/deliveries?state=delivered`)).body;
    expect(items).toEqual([]);
    expect(await ticks()).toBe(1);
    const again = await revoke(lost.id);
    expect(again.body.paused).toEqual(revoked.body.paused.slice(0, 2));
  });

  test("revoking a token tells their owner, who resumes them with another token: then that is the one that made them", async () => {
    const { ask, token, hook, plan, revoke, pass, ticks } = await startMaker();
    const [lost, next] = [await token(), await token()];
    const [webhook, schedule] = [await hook(lost), await plan(lost)];
    await revoke(lost.id);
    const told = (await ask("GET", "/v1/agents/ann/inbox?kind=system")).body.items;
    expect(
      told.map(({ payload }: { payload: Record<string, string> }) => payload.webhookId ?? payload.scheduleId),
    ).toEqual([webhook, schedule]);
    expect((await ask("PATCH", `/v1/webhooks/${webhook}`, { status: "active" }, next)).body).toMatchObject({
      ...{ status: "active", reason: null },
    });
    expect((await ask("PATCH", `/v1/schedules/${schedule}`, { enabled: true }, next)).body.enabled).toBe(true);
    await pass(MINUTE);
    expect(await ticks()).toBe(1);
    expect((await revoke(lost.id)).body.paused).toEqual([]);
    expect((await revoke(next.id)).body.paused).toHaveLength(2);
  });

  test("revoking a token leaves a push configuration to its owner to set again: then it is told of what happens from there on", async () => {
    const { ask, bob, token, push, revoke, taker, pass } = await startMaker();
    const [lost, next] = [await token(), await token()];
    const taskId = await push(lost);
    await revoke(lost.id);
    await ask("POST", `/v1/delegations/${taskId}/progress`, { text: "half" }, bob);
    await pass(MINUTE);
    expect(taker.taken).toBe(0);
    const path = `/a2a/bob/tasks/${taskId}/pushNotificationConfigs`;
    const set = await ask("POST", path, { id: "mine", url: taker.url }, { ...next, headers: version });
    expect(set.status).toBeLessThan(300);
    await pass(MINUTE);
    expect(taker.taken).toBeGreaterThan(0);
  });

  test("revoking a token also pauses what it has pointed elsewhere, though another token made it", async () => {
    const { ask, receiver, token, hook, plan, revoke } = await startMaker();
    const [lost, maker] = [await token(), await token()];
    const [webhook, schedule] = [await hook(maker), await plan(maker)];
    await ask("PATCH", `/v1/webhooks/${webhook}`, { url: `${receiver.url}?stolen` }, lost);
    await ask("PATCH", `/v1/schedules/${schedule}`, { message: { to: "bob", body: "stolen" } }, lost);
    await ask("PATCH", `/v1/webhooks/${webhook}`, { name: "renamed" }, maker);
    expect((await revoke(lost.id)).body.paused.map(({ id }: { id: string }) => id)).toEqual([webhook, schedule]);
  });

  test("revoking a token of an operator pauses what it made in others' names", async () => {
    const { ask, hook, plan, revoke } = await startMaker();
    const operator = (await ask("POST", "/v1/tokens", { role: "operator" })).body;
    const [webhook, schedule] = [await hook(operator), await plan(operator)];
    const { paused } = (await revoke(operator.id)).body;
    expect(paused).toEqual([
      { kind: "webhook", id: webhook, agentId: "user" },
      { kind: "schedule", id: schedule, agentId: "user" },
    ]);
  });

  test("revoking a token that made nothing answers with an empty list, and holds over a restart", async () => {
    const { token, hook, revoke, restart, ask } = await startMaker();
    const [idle, lost] = [await token(), await token()];
    expect((await revoke(idle.id)).body.paused).toEqual([]);
    const webhook = await hook(lost);
    await restart();
    expect((await revoke(lost.id)).body.paused).toMatchObject([{ id: webhook }]);
    await restart();
    expect((await ask("GET", `/v1/webhooks/${webhook}`)).body.status).toBe("paused");
  });
});

test("a token that expires leaves nothing running either", async () => {
  const world = await startMaker();
  const { ask, token, hook, plan, pass, ticks } = world;
  const brief = await token({ expiresAt: world.in(MINUTE / 2) });
  const [webhook, schedule] = [await hook(brief), await plan(brief)];
  await pass(2 * MINUTE);
  expect((await ask("GET", `/v1/webhooks/${webhook}`)).body.status).toBe("paused");
  expect((await ask("GET", `/v1/schedules/${schedule}`)).body.enabled).toBe(false);
  expect(await ticks()).toBe(0);
});

test("a token that ends with its session leaves nothing running either, whatever ends the session", async () => {
  for (const end of ["dead", "release", "lease"] as const) {
    const fleet = await startFleet();
    const { ask, token, hook, plan, push, pass, ticks, taker, bob, receiver } = await startMaker(fleet);
    await fleet.put(fleet.box, "ses_a");
    const { fence } = await fleet.lease(fleet.box, "ses_a");
    const session = await token({ agentId: "box-one", sessionId: "ses_a" });
    const [webhook, schedule, task] = [await hook(session), await plan(session), await push(session)];
    if (end === "dead") await fleet.put(fleet.box, "ses_a", { state: "dead", fence });
    if (end === "release") await fleet.does(fleet.box, "ses_a", "release", { fence });
    if (end === "lease") await fleet.does(undefined, "ses_a", "lease", { force: true });
    expect((await ask("GET", `/v1/webhooks/${webhook}`)).body).toMatchObject({
      ...{ status: "paused", reason: expect.stringContaining(session.id) },
    });
    expect((await ask("GET", `/v1/schedules/${schedule}`)).body.enabled).toBe(false);
    const before = receiver.received.length;
    await ask("POST", `/v1/delegations/${task}/response`, { text: "done" }, bob);
    await ask("POST", "/v1/messages", { to: "box-one", body: "x" });
    await pass(2 * MINUTE);
    expect([end, await ticks(), taker.taken, receiver.received.length - before]).toEqual([end, 0, 0, 0]);
  }
});

test("an orchestrator's token that ends with the orchestrator leaves nothing running for its agents", async () => {
  const fleet = await startFleet();
  const { ask, ticks, pass } = await startMaker(fleet);
  const draft = { agentId: "box-one", cron: "* * * * *", message: { to: "bob", body: "tick" } };
  const schedule = (await ask("POST", "/v1/schedules", draft, fleet.box)).body.id;
  expect((await ask("DELETE", "/v1/orchestrators/box")).status).toBeLessThan(300);
  expect((await ask("GET", `/v1/schedules/${schedule}`)).body.enabled).toBe(false);
  await pass(2 * MINUTE);
  expect(await ticks()).toBe(0);
});

test("the relay's own token that is changed leaves nothing running", async () => {
  const maker = await startMaker(await startRelay({ token: "an-operator-token-of-some-length" }));
  const { ask, hook, plan, restart, config } = maker;
  const [webhook, schedule] = [await hook({}), await plan({})];
  config.token = "another-operator-token-of-length";
  await restart();
  expect((await ask("GET", `/v1/webhooks/${webhook}`)).body.status).toBe("paused");
  expect((await ask("GET", `/v1/schedules/${schedule}`)).body.enabled).toBe(false);
});

/** A maker whose person dem has a token; `role` gives dem another role. */
async function withPerson() {
  const maker = await startMaker();
  const role = (role: string) => maker.ask("PUT", "/v1/people/dem", { name: "Dem", role });
  await role("operator");
  const made = await maker.ask("POST", "/v1/tokens", { role: "operator", personId: "dem" });
  const states = async (webhook: string, ...schedules: string[]) => {
    const shown = [(await maker.ask("GET", `/v1/webhooks/${webhook}`)).body.status];
    for (const id of schedules) shown.push((await maker.ask("GET", `/v1/schedules/${id}`)).body.enabled);
    return shown;
  };
  return { ...maker, role, states, dem: made.body as { id: string; token: string } };
}

describe("a person whose role becomes weaker", () => {
  test("G10: a person whose role becomes viewer leaves nothing running, and a stronger one resumes nothing", async () => {
    const { ask, dem, role, states, hook, plan, push, pass, ticks, taker, bob } = await withPerson();
    const [webhook, schedule, task] = [await hook(dem), await plan(dem), await push(dem)];
    const others = [await hook({}), await plan({})] as const;
    const later = { to: "bob", body: "later", deliverAt: "2026-03-08T12:00:00Z" };
    const { scheduleId } = (await ask("POST", "/v1/messages", later, dem)).body;
    expect((await role("viewer")).status).toBe(200);
    expect((await ask("GET", `/v1/schedules/${scheduleId}`)).body.enabled).toBe(false);
    expect(await states(webhook, schedule)).toEqual(["paused", false]);
    expect((await ask("GET", `/v1/webhooks/${webhook}`)).body.reason).toBe(
      `Token ${dem.id}, which made it, is now a viewer's.`,
    );
    expect(await states(...others)).toEqual(["active", true]);
    await ask("DELETE", `/v1/schedules/${others[1]}`);
    await ask("POST", `/v1/delegations/${task}/response`, { text: "done" }, bob);
    await pass(2 * MINUTE);
    expect([await ticks(), taker.taken]).toEqual([0, 0]);
    await role("operator");
    expect(await states(webhook, schedule)).toEqual(["paused", false]);
  });

  test("G10: a person whose role becomes member keeps the schedules and pushes of user, and no webhook and no other's schedule", async () => {
    const { ask, dem, role, states, hook, plan, push, pass, ticks, taker, bob } = await withPerson();
    const [webhook, schedule, task] = [await hook(dem), await plan(dem), await push(dem)];
    const draft = { agentId: "ann", cron: "* * * * *", message: { to: "bob", body: "other" } };
    const another = (await ask("POST", "/v1/schedules", draft, dem)).body.id;
    await role("member");
    expect(await states(webhook, schedule, another)).toEqual(["paused", true, false]);
    await ask("POST", `/v1/delegations/${task}/response`, { text: "done" }, bob);
    await pass(MINUTE);
    expect([await ticks(), taker.taken > 0]).toEqual([1, true]);
    await role("viewer");
    expect(await states(webhook, schedule, another)).toEqual(["paused", false, false]);
  });

  test("a person whose role becomes weaker keeps what a token set up that was as weak before", async () => {
    const { ask, role, states, hook, plan } = await withPerson();
    const member = (await ask("POST", "/v1/tokens", { role: "member", personId: "dem" })).body;
    const [webhook, schedule] = [await hook({}), await plan(member)];
    await role("member");
    expect(await states(webhook, schedule)).toEqual(["active", true]);
  });

  test("G10: a call under way when its person's role becomes weaker leaves nothing running, in whichever order they are stored", async () => {
    const { ask, dem, role, hook, plan } = await withPerson();
    for (let before = 0; before < 6; before++) {
      await role("operator");
      await ask("GET", "/v1/whoami", undefined, dem);
      const calls = [hook(dem), plan(dem)];
      for (let i = 0; i < before; i++) await Promise.resolve();
      calls.push(
        role("viewer").then(() => ""),
        hook(dem),
        plan(dem),
      );
      await Promise.all(calls);
    }
    const { items } = (await ask("GET", "/v1/webhooks")).body;
    expect(items.filter(({ status }: { status: string }) => status === "active")).toEqual([]);
    const schedules = (await ask("GET", "/v1/schedules")).body.items;
    expect(schedules.filter(({ enabled }: { enabled: boolean }) => enabled)).toEqual([]);
  });
});

describe("a call that is under way when its token is revoked", () => {
  test("a call that is under way when its token is revoked makes nothing any more, though its body comes slowly", async () => {
    const maker = await startMaker();
    const { ask, token, revoke, receiver, bob } = maker;
    const url = listen(maker);
    const rpc = { protocolVersion: "2025-06-18", capabilities: {}, clientInfo: { name: "x", version: "1" } };
    const drafts: [string, object][] = [
      ["/v1/files?name=a", { any: "bytes" }],
      ["/mcp", { jsonrpc: "2.0", id: 1, method: "initialize", params: rpc }],
      ["/v1/webhooks", { url: receiver.url, events: ["message.created"] }],
      ["/v1/schedules", { cron: "* * * * *", message: { to: "bob", body: "tick" } }],
      ["/v1/messages", { to: "bob", body: "late" }],
    ];
    for (const [path, draft] of drafts) {
      const lost = await token();
      await ask("GET", "/v1/whoami", undefined, lost);
      const text = JSON.stringify(draft);
      const begun = Promise.withResolvers<void>();
      const rest = Promise.withResolvers<void>();
      async function* slowly() {
        yield text.slice(0, 5);
        begun.resolve();
        await rest.promise;
        yield text.slice(5);
      }
      const headers = { authorization: `Bearer ${lost.token}`, "content-type": "application/json", accept: "*/*" };
      const posted = fetch(url + path, { method: "POST", headers, body: slowly() as unknown as BodyInit });
      await begun.promise;
      // Its head has come, and so it was let in: the relay's answer to another request on the way shows it.
      await fetch(`${url}/healthz`);
      expect((await revoke(lost.id)).body.paused).toEqual([]);
      rest.resolve();
      expect((await posted).status).toBe(401);
    }
    for (const path of ["/v1/webhooks", "/v1/schedules", "/v1/agents/bob/inbox"])
      expect((await ask("GET", path, undefined, path.includes("bob") ? bob : {})).body.items).toEqual([]);
  });

  test("a call that is under way when its token is revoked leaves nothing running, in whichever order they are stored", async () => {
    const { ask, token, hook, plan, revoke } = await startMaker();
    for (let before = 0; before < 6; before++) {
      const lost = await token();
      await ask("GET", "/v1/whoami", undefined, lost);
      const calls = [hook(lost), plan(lost)];
      for (let i = 0; i < before; i++) await Promise.resolve();
      calls.push(
        revoke(lost.id).then(() => ""),
        hook(lost),
        plan(lost),
      );
      await Promise.all(calls);
    }
    const { items } = (await ask("GET", "/v1/webhooks")).body;
    expect(items.filter(({ status }: { status: string }) => status === "active")).toEqual([]);
    const schedules = (await ask("GET", "/v1/schedules")).body.items;
    expect(schedules.filter(({ enabled }: { enabled: boolean }) => enabled)).toEqual([]);
  });

  test("a call that is under way when its token is revoked makes no token and enrolls nobody after that", async () => {
    const { ask, token, revoke } = await startMaker();
    for (let before = 0; before < 40; before++) {
      const operator = await token({ role: "operator", agentId: undefined });
      const enroll = await token({ role: "enroll", agentId: undefined, prefix: "new-" });
      for (const lost of [operator, enroll]) await ask("GET", "/v1/whoami", undefined, lost);
      const ended = [revoke(operator.id), revoke(enroll.id)];
      for (let i = 0; i < before; i++) await Promise.resolve();
      await Promise.all([
        ...ended,
        ask("POST", "/v1/tokens", { role: "viewer" }, operator),
        ask("PUT", `/v1/agents/new-${before}`, { name: "New" }, enroll),
      ]);
      const { items } = (await ask("GET", "/v1/activity?limit=10")).body as { items: Record<string, string>[] };
      for (const { id } of [operator, enroll]) {
        const newest = items.find(({ actor, subject }) => actor === id || subject === id);
        expect(newest).toMatchObject({ verb: "token.revoked", subject: id });
      }
    }
  });
});

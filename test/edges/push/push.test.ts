import { expect, test } from "bun:test";
import { wanted } from "../../support/approvals.ts";
import { listen } from "../../support/listen.ts";
import { startPushService } from "../../support/push.ts";
import { startRelay, type TestRelay } from "../../support/relay.ts";
import { openSocket } from "../../support/socket.ts";

const SECOND = 1000;
const MINUTE = 60 * SECOND;

/** A relay, a push service, and people at `user` with a browser each: Ada is a member, Ida an operator. */
async function startPush() {
  const relay = await startRelay();
  const service = startPushService(() => relay.clock.now());
  const me = await relay.agent("codex-1");
  const person = async (id: string, more: object = {}) => {
    await relay.ask("PUT", `/v1/people/${id}`, { name: id, role: "member", notify: ["push"], ...more });
    return (await relay.ask("POST", "/v1/tokens", { role: "viewer", personId: id })).body.token as string;
  };
  return {
    ...relay,
    relay,
    service,
    me,
    /** Adds a person with a device that is named after them. */
    async subscribed(id: string, more: object = {}, draft: object = {}) {
      const token = await person(id, more);
      const browser = service.browser(`${id}-phone`);
      const made = await relay.ask("POST", "/v1/push/subscriptions", browser.draft(draft), { token });
      expect(made.status).toBe(201);
      return { token, id: made.body.id as string, browser };
    },
    says: async (body: string, more: object = {}) =>
      (await relay.ask("POST", "/v1/messages", { to: "user", body, ...more }, me)).body,
    asks: async (line: string) => (await relay.ask("POST", "/v1/approvals", wanted(line), me)).body,
    /** Pushes sent by now. */
    async pushed() {
      await relay.relay.settle();
      return service.take();
    },
  };
}

const answer = (relay: TestRelay, { id, hash }: { id: string; hash: string }, option = "no") =>
  relay.ask("POST", `/v1/approvals/${id}/answer`, { option, hash });

test("an approval and a message reach a person's browser, encrypted and signed, with no more than kind, agent and page", async () => {
  const { relay, service, subscribed, says, asks, pushed, ask } = await startPush();
  await subscribed("ida", { role: "operator" }, { previews: true });
  await subscribed("ada");
  const approval = await asks("npm publish");
  const [push, ...others] = await pushed();
  // Operators are asked, as nobody asked for the work.
  expect(others).toEqual([]);
  expect(push).toMatchObject({
    ...{ device: "ida-phone", kind: "approval", agent: "codex-1", text: "Run npm publish" },
    ...{ path: `/approvals/${approval.id}`, tag: `approval:${approval.id}` },
    headers: { "content-encoding": "aes128gcm", urgency: "high", ttl: "3600" },
  });
  expect((await ask("GET", `/v1/approvals/${approval.id}`)).body.askedOf).toMatchObject([
    { personId: "ida", conversation: "push" },
  ]);
  const said = await says("It is done.\u202E\nAll of it.");
  const both = await pushed();
  expect(both.map(({ device, text }) => [device, text]).sort()).toEqual([
    ["ada-phone", undefined],
    ["ida-phone", "It is done. All of it."],
  ]);
  const { headers, device, ...payload } = both.find(({ device }) => device === "ada-phone") ?? ({} as never);
  expect([device, headers.topic?.length, payload]).toEqual([
    "ada-phone",
    32,
    { kind: "message", agent: "codex-1", path: `/threads/${said.id}`, tag: `thread:${said.id}` },
  ]);
  // An answer to Ada is told to Ada alone; the key is the same after a restart, and the one that browsers are given.
  const { body: member } = await ask("POST", "/v1/tokens", { role: "member", personId: "ada" });
  const { body: asked } = await ask("POST", "/v1/messages", { to: "codex-1", body: "And?" }, member);
  await relay.restart();
  await says("Yes.", { replyTo: asked.id, encoding: "opaque" });
  expect((await pushed()).map(({ device }) => device)).toEqual(["ada-phone"]);
  expect([...service.keys]).toEqual([(await ask("GET", "/v1/push/key")).body.key]);
  // The answered approval is closed on Ida's phone by the next push. One of a thread that she has read is closed, too, and what
  // comes in that thread meanwhile is not taken for read.
  const ida = (await ask("POST", "/v1/tokens", { role: "operator", personId: "ida" })).body;
  await ask("POST", `/v1/threads/${said.id}/read`, { upTo: said.id }, ida);
  service.during(() => says("One thing more.", { replyTo: said.id }));
  await answer(relay, approval);
  await says("More.");
  const last = (await pushed()).find(({ device }) => device === "ida-phone");
  expect(last?.closed?.sort()).toEqual([`approval:${approval.id}`, `thread:${said.id}`]);
  await relay.pass(SECOND);
  expect(service.received.map(({ device, path }) => [device, path])).toContainEqual([
    "ida-phone",
    `/threads/${said.id}`,
  ]);
});

test("pushes that are answered, read, unwanted or too late are not sent, and quiet hours put them off", async () => {
  const { relay, subscribed, says, asks, pushed, ask, clock } = await startPush();
  const now = new Date(clock.now()).toISOString().slice(11, 16);
  const later = new Date(clock.now() + 30 * MINUTE).toISOString().slice(11, 16);
  const quietHours = { from: now, to: later };
  await subscribed("ida", { role: "operator", quietHours });
  await subscribed("otto", { notify: [] });
  const [read, kept] = [await says("read"), await says("kept")];
  const approval = await asks("npm publish");
  expect(await pushed()).toEqual([]);
  const ida = (await ask("POST", "/v1/tokens", { role: "operator", personId: "ida" })).body;
  await ask("POST", `/v1/threads/${read.id}/read`, { upTo: read.id }, ida);
  await relay.restart();
  await relay.pass(29 * MINUTE);
  expect(await pushed()).toEqual([]);
  await relay.pass(MINUTE);
  expect((await pushed()).map(({ path }) => path)).toEqual([`/threads/${kept.id}`]);
  // The ladder asks again, after the quiet hours; this one was answered before.
  await answer(relay, approval);
  const next = await asks("make");
  await answer(relay, next);
  await relay.pass(60 * MINUTE);
  expect((await pushed()).filter(({ kind }) => kind === "approval")).toHaveLength(0);
});

test("a device that somebody looks at gets nothing, until 15 s after they looked away, or 30 s after its page died", async () => {
  const { relay, subscribed, says, asks, pushed, ask, clock } = await startPush();
  const { token } = await subscribed("ada");
  await subscribed("ida");
  const url = listen(relay);
  const open = async () => {
    const page = await openSocket(`${url}/v1/watch`, { token, protocols: ["signalbox.watch.v1"] });
    expect((await page.ask({ type: "focus", device: "ada-phone" })).type).toBe("ok");
    return page;
  };
  const devices = async () => (await pushed()).map(({ device, path }) => `${device} ${path}`);
  const pass = async (seconds: number) => {
    clock.advance(seconds * SECOND);
    return devices();
  };
  const page = await open();
  const said = await says("one");
  // The same name is another device with another person.
  expect(await devices()).toEqual([`ida-phone /threads/${said.id}`]);
  expect(await pass(40)).toEqual([]);
  await page.ask({ type: "blur" });
  expect(await pass(14)).toEqual([]);
  expect(await pass(1)).toEqual([`ada-phone /threads/${said.id}`]);
  // Her page dies while she looks; what she read meanwhile is not sent.
  await page.ask({ type: "focus", device: "ada-phone" });
  const [read, left] = [await says("two"), await says("three")];
  page.ws.close();
  await page.closed;
  const { body: member } = await ask("POST", "/v1/tokens", { role: "member", personId: "ada" });
  await ask("POST", `/v1/threads/${read.id}/read`, { upTo: read.id }, member);
  expect((await devices()).every((one) => one.startsWith("ida"))).toBe(true);
  expect(await pass(29)).toEqual([]);
  expect(await pass(1)).toEqual([`ada-phone /threads/${left.id}`]);
  // After a restart nobody is known to look.
  await open();
  const last = await says("four");
  expect(await devices()).toEqual([`ida-phone /threads/${last.id}`]);
  await relay.restart(15 * SECOND);
  expect(await devices()).toEqual([`ada-phone /threads/${last.id}`]);
  await asks("make");
  expect(await devices()).toEqual([]);
});

test("the end of a run is told to whoever asked for it, a blocked result to operators, and a thing handed over to its person", async () => {
  const { relay, subscribed, me, pushed, ask } = await startPush();
  await subscribed("ada", {}, { previews: true });
  await subscribed("ida", { role: "operator" });
  const ada = (await ask("POST", "/v1/tokens", { role: "member", personId: "ada" })).body;
  const ends = async ({ id }: { id: string }) => {
    const { token } = (await ask("POST", `/v1/runs/${id}/start`, {}, me)).body;
    const headers = { "signalbox-run": token };
    await ask("POST", `/v1/runs/${id}/finish`, { outcome: "ok", result: "It works." }, { ...me, headers });
  };
  const run = (await ask("POST", "/v1/runs", { agentId: "codex-1", task: "Look" }, ada)).body;
  await ends(run);
  expect((await pushed()).map(({ device, kind, agent, path, text }) => [device, kind, agent, path, text])).toEqual([
    ["ada-phone", "run", "codex-1", `/runs/${run.id}`, "It works."],
  ]);
  const boss = await relay.agent("boss");
  const lost = (
    await ask("POST", "/v1/runs", { agentId: "codex-1", task: "Look", requester: { agentId: "boss" } }, boss)
  ).body;
  await ask("DELETE", "/v1/agents/boss");
  await ends(lost);
  const [blocked, ...others] = await pushed();
  expect([blocked?.device, blocked?.kind, blocked?.path, others]).toEqual([
    "ida-phone",
    "blocked",
    `/runs/${lost.id}`,
    [],
  ]);
  const [need] = (await ask("GET", "/v1/attention?kind=blocked")).body.items;
  await ask("POST", `/v1/attention/${need.id}/hand`, { personId: "ada" });
  const [handed] = await pushed();
  expect([handed?.device, handed?.kind, handed?.path]).toEqual(["ada-phone", "handed", "/"]);
  expect(handed?.text).toContain("hands this to you");
});

test("a dead push service is tried again, and one that says 410 ends the device", async () => {
  const { relay, service, subscribed, says, pushed, ask } = await startPush();
  const { token } = await subscribed("ada");
  const list = async () => (await ask("GET", "/v1/push/subscriptions", undefined, { token })).body.items;
  service.answers(503);
  await says("one");
  expect(await pushed()).toEqual([]);
  expect(await list()).toMatchObject([{ device: "ada-phone", own: true, lastSentAt: null }]);
  expect((await list())[0].failingSince).not.toBeNull();
  await relay.pass(29 * SECOND);
  service.answers(201);
  await relay.restart();
  expect(await pushed()).toEqual([]);
  await relay.pass(SECOND);
  expect(await pushed()).toHaveLength(1);
  expect((await list())[0]).toMatchObject({ failingSince: null });
  service.answers(410);
  await says("two");
  await pushed();
  expect(await list()).toEqual([]);
  const { items } = (await ask("GET", "/v1/activity?verb=push.ended")).body;
  expect(items).toMatchObject([{ data: { reason: "its push service answered 410" } }]);
});

test("a device ends with its sign-in, its token and its person, and others' cannot be seen", async () => {
  const { relay, subscribed, says, pushed, ask, service } = await startPush();
  const ada = await subscribed("ada");
  const ida = await subscribed("ida");
  expect((await ask("DELETE", `/v1/push/subscriptions/${ida.id}`, undefined, ada)).status).toBe(404);
  const devices = async () => {
    await says("x");
    return (await pushed()).map(({ device }) => device).sort();
  };
  expect(await devices()).toEqual(["ada-phone", "ida-phone"]);
  await ask("DELETE", "/v1/people/ida");
  expect(await devices()).toEqual(["ada-phone"]);
  // The browser signs in as nobody in particular, and belongs to that sign-in from then on.
  const link = (await ask("POST", "/v1/sign-in-links", {})).body.url as string;
  const origin = "http://localhost";
  const signedIn = await relay.relay.app.handle(
    new Request(`${origin}/v1/sign-in`, {
      method: "POST",
      headers: { "content-type": "application/json", origin },
      body: JSON.stringify({ code: link.split("#code=")[1] }),
    }),
  );
  const cookie = signedIn.headers.get("set-cookie")?.split(";")[0] ?? "";
  const byBrowser = async (path: string, body: object) => {
    const headers = { "content-type": "application/json", "signalbox-console": "1", cookie, origin };
    const init = { method: "POST", headers, body: JSON.stringify(body) };
    return (await relay.relay.app.handle(new Request(`${origin}${path}`, init))).status;
  };
  expect(await byBrowser("/v1/push/subscriptions", ada.browser.draft())).toBe(201);
  expect((await ask("GET", "/v1/push/subscriptions", undefined, ada)).body.items).toEqual([]);
  expect(await devices()).toEqual(["ada-phone"]);
  expect(await byBrowser("/v1/sign-out", {})).toBe(200);
  expect(await devices()).toEqual([]);
  // A token that is deleted, and a device that is ended.
  const { body: token } = await ask("POST", "/v1/tokens", { role: "member" });
  const mine = await ask("POST", "/v1/push/subscriptions", service.browser("desk").draft(), token);
  expect(await devices()).toEqual(["desk"]);
  await ask("DELETE", `/v1/tokens/${token.id}`);
  expect(await devices()).toEqual([]);
  expect((await ask("DELETE", `/v1/push/subscriptions/${mine.body.id}`)).status).toBe(404);
});

test("endpoints and keys that are none are refused, and a person has at most 20 devices", async () => {
  const { ask, service } = await startPush();
  const draft = (more: object) => service.browser("x").draft({ endpoint: "https://push.example.org/1", ...more });
  const good = service.browser("y").draft().keys;
  const pointer = async (more: object) => {
    const { status, body } = await ask("POST", "/v1/push/subscriptions", draft(more));
    return `${status} ${body.errors?.[0]?.pointer}`;
  };
  const endpoints = ["http://push.example.org/1", "https://10.0.0.1/", "https://[::ffff:10.0.0.1]/x", "ftp://x/", "x"];
  for (const endpoint of [
    ...endpoints,
    "https://a:b@push.example.org/",
    `https://push.example.org/${"x".repeat(2048)}`,
  ])
    expect(await pointer({ endpoint })).toBe("422 /endpoint");
  expect(await pointer({ keys: { ...good, p256dh: `BA${"A".repeat(85)}` } })).toBe("422 /keys/p256dh");
  expect(await pointer({ keys: { ...good, p256dh: "BAAA" } })).toBe("422 /keys/p256dh");
  expect(await pointer({ keys: { ...good, auth: "AAAA" } })).toBe("422 /keys/auth");
  expect(await pointer({ keys: { p256dh: good.p256dh } })).toBe("422 /keys/auth");
  expect(await pointer({ device: "" })).toBe("422 /device");
  expect(await pointer({ device: "a\nb" })).toBe("422 /device");
  for (let n = 0; n < 20; n++)
    expect(
      (await ask("POST", "/v1/push/subscriptions", draft({ endpoint: `https://p.example/${n}`, device: `${n}` })))
        .status,
    ).toBe(201);
  expect((await ask("POST", "/v1/push/subscriptions", draft({}))).status).toBe(409);
  // The same device with a new endpoint, and the same endpoint under another name, are changes.
  expect((await ask("POST", "/v1/push/subscriptions", draft({ device: "3" }))).status).toBe(200);
  expect((await ask("POST", "/v1/push/subscriptions", draft({ device: "phone" }))).status).toBe(200);
  expect((await ask("GET", "/v1/push/subscriptions")).body.items).toHaveLength(20);
});

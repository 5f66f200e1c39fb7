import { describe, expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { Webhook } from "standardwebhooks";
import { accepts, startReceiver } from "../../support/receiver.ts";
import { startRelay } from "../../support/relay.ts";
import { until } from "../../support/until.ts";

const CRM = "webhook:crm";
const PUT = `/v1/channels/${CRM}/webhook`;
const inChat = (conversationId: string, threadId?: string) => ({ conversation: { conversationId, threadId } });

/** A relay, a receiver, an agent, and a webhook channel between them. */
async function startWorld(fields: Record<string, unknown> = {}) {
  const relay = await startRelay({ durability: "normal" });
  const receiver = startReceiver();
  const a = await relay.agent("a");
  const made = await relay.ask("PUT", PUT, { name: "CRM", url: receiver.url, target: "a", ...fields });
  const secret: string = made.body.secret;
  await relay.ask("POST", `/v1/channels/${CRM}/guests`, { conversationId: "c1" });
  const event = (more: Record<string, unknown> = {}) =>
    JSON.stringify({
      ...{ conversationId: "c1", externalId: "e1", sender: { id: "9", name: "Ada" }, text: "Hi" },
      ...more,
    });
  const post = async (body: string, headers: Record<string, string>) => {
    const request = new Request(`http://localhost/v1/channels/${CRM}/events`, {
      ...{ method: "POST", body },
      headers: { "content-type": "application/json", ...headers },
    });
    const response = await relay.relay.app.handle(request);
    return { status: response.status, body: await response.json() };
  };
  const sign = (body: string, at = relay.clock.now(), by = secret) => ({
    ...{ "webhook-id": "m1", "webhook-timestamp": String(Math.floor(at / 1000)) },
    "webhook-signature": new Webhook(by).sign("m1", new Date(at), body),
  });
  const send = (body: string, more: Record<string, unknown> = {}) =>
    relay.ask("POST", "/v1/messages", { to: CRM, body, payload: inChat("c1"), ...more }, a);
  const stateOf = async (id: number) => (await relay.ask("GET", `/v1/messages/${id}`)).body.state;
  return { ...relay, receiver, a, made, secret, event, post, sign, send, stateOf };
}

describe("a webhook channel", () => {
  test("a webhook channel is made by an operator with its agent; its secret is shown once and stored nowhere", async () => {
    const { ask, made, secret, a, config } = await startWorld();
    expect(made.status).toBe(201);
    expect(made.body).toMatchObject({ channelId: CRM, verify: "standard", eventsPath: `/v1/channels/${CRM}/events` });
    expect(secret).toMatch(/^whsec_/);
    expect((await ask("GET", PUT)).body.secret).toBeUndefined();
    expect((await ask("GET", PUT, undefined, a)).status).toBe(403);
    expect((await ask("PUT", PUT, {}, a)).status).toBe(403);
    const channel = (await ask("GET", `/v1/channels/${CRM}`)).body;
    expect(channel).toMatchObject({ name: "CRM", provider: "webhook", status: "online", bindings: [{ target: "a" }] });
    const { body } = await ask("PUT", PUT, { url: made.body.url, rotate: true });
    expect(body.secret).not.toBe(secret);
    for (const one of [secret, body.secret])
      expect(readFileSync(join(config.dataDir, "signalbox.db")).includes(one.slice(6))).toBe(false);
    const verbs = (await ask("GET", `/v1/activity?subject=${CRM}`)).body.items.map(
      (item: { verb: string }) => item.verb,
    );
    expect(verbs).toContain("channel.webhook");
  });

  test("a webhook channel refuses other providers, private addresses, and to send without an address", async () => {
    const { ask } = await startRelay({ egressPrivate: [] });
    const put = async (id: string, body: unknown) => {
      const { status, body: said } = await ask("PUT", `/v1/channels/${id}/webhook`, body);
      return [status, said.errors?.[0]?.pointer];
    };
    expect(await put("telegram:x", {})).toEqual([422, "id"]);
    expect(await put(CRM, { url: "http://10.0.0.1/" })).toEqual([422, "/url"]);
    expect(await put(CRM, { direction: "outbound" })).toEqual([422, "/url"]);
    expect((await ask("GET", `/v1/channels/${CRM}`)).status).toBe(404);
    expect(await put(CRM, {})).toEqual([201, undefined]);
    expect((await ask("GET", `/v1/channels/${CRM}`)).body.direction).toBe("inbound");
  });
});

describe("what comes in by a webhook", () => {
  test("what comes in by a webhook is an event when it is signed with the secret, and stored once however often it comes", async () => {
    const { post, event, sign, ask } = await startWorld();
    const body = event();
    const first = await post(body, sign(body));
    expect(first).toMatchObject({ status: 201, body: { routed: 1, messages: [{ from: CRM, to: "a", body: "Hi" }] } });
    expect((await post(body, sign(body))).status).toBe(200);
    expect((await ask("GET", "/v1/messages?to=a")).body.items).toHaveLength(1);
  });

  test("G10: what comes in by a webhook is refused with a wrong, an old or no signature, and when it was changed on the way", async () => {
    const { post, event, sign, clock, ask } = await startWorld();
    const body = event();
    const refused = async (said: string, headers: Record<string, string>) => (await post(said, headers)).status;
    expect(await refused(body, {})).toBe(401);
    expect(await refused(body, sign(body, clock.now(), `whsec_${btoa("another")}`))).toBe(401);
    expect(await refused(body, sign(body, clock.now() - 301_000))).toBe(401);
    expect(await refused(body, sign(body, clock.now() + 301_000))).toBe(401);
    expect(await refused(event({ text: "Bye" }), sign(body))).toBe(401);
    expect(await refused(body, { authorization: "Bearer nothing" })).toBe(401);
    const large = "x".repeat(8 * 1024 * 1024);
    expect(await refused(large, { authorization: "Bearer nothing" })).toBe(401);
    expect(await refused(large, sign(large))).toBe(413);
    expect((await ask("GET", "/v1/messages?to=a")).body.items).toEqual([]);
  });

  test("what comes in by a webhook may show the secret as a token where it was set so; the old one is good no more after a rotation", async () => {
    const { post, event, secret, sign, ask } = await startWorld({ verify: "token" });
    const body = event();
    expect((await post(body, sign(body))).status).toBe(401);
    expect((await post(body, { authorization: `Bearer ${secret}` })).status).toBe(201);
    const rotated = (await ask("PUT", PUT, { verify: "token", rotate: true })).body.secret;
    expect((await post(body, { authorization: `Bearer ${secret}` })).status).toBe(401);
    expect((await post(body, { authorization: `Bearer ${rotated}` })).status).toBe(200);
  });
});

describe("what goes out by a webhook", () => {
  test("what goes out by a webhook is posted signed, and its external ids lead replies to their thread", async () => {
    const { send, pass, receiver, secret, stateOf, post, event, sign, ...relay } = await startWorld();
    receiver.answers(() => Response.json({ externalIds: ["x:1"] }));
    const sent = (await send("Hello", { payload: { ...inChat("c1", "t1"), buttons: [[{ text: "Yes", id: "y" }]] } }))
      .body;
    await pass(0);
    const [got] = receiver.received;
    expect(accepts(secret, got, relay)).toBe(true);
    expect(got?.event).toMatchObject({
      type: "channel.message",
      data: {
        ...{ messageId: sent.id, from: "a", text: "Hello", buttons: [[{ text: "Yes", id: "y" }]] },
        conversation: { channelId: CRM, conversationId: "c1", threadId: "t1" },
      },
    });
    expect(got?.id).toBe(got?.event.data.idempotencyKey);
    expect(await stateOf(sent.id)).toBe("done");
    const reply = event({ replyToExternalId: "x:1" });
    expect((await post(reply, sign(reply))).body.messages[0].replyTo).toBe(sent.id);
  });

  test("what goes out by a webhook names the conversation as it is called now, and carries what is encrypted with its encoding", async () => {
    const { send, pass, receiver, post, event, sign } = await startWorld();
    const moved = event({ type: "moved", movedTo: "c2", text: undefined });
    expect((await post(moved, sign(moved))).status).toBe(201);
    await send("U2FsdGVk", { encoding: "opaque" });
    await pass(0);
    expect(receiver.received[0]?.event.data).toMatchObject({
      ...{ encoding: "opaque", body: "U2FsdGVk", conversation: { conversationId: "c2" } },
      text: "[An encrypted message from a, which cannot be shown here.]",
    });
  });

  test("what goes out by a webhook keeps its order through failures, and is the same delivery each time", async () => {
    const { send, pass, receiver, stateOf } = await startWorld();
    receiver.answers(503);
    const [one, two] = [(await send("1")).body.id, (await send("2")).body.id];
    const other = (await send("3", { payload: inChat("c2") })).body.id;
    await pass(0);
    expect(receiver.received.map(({ event }) => event.data.text)).toEqual(["1", "3"]);
    receiver.answers(200);
    for (const wait of [6000, 0]) await pass(wait);
    expect([await stateOf(one), await stateOf(two), await stateOf(other)]).toEqual(["done", "done", "done"]);
    const ids = receiver.received.filter(({ event }) => event.data.text === "1").map(({ id }) => id);
    expect(ids).toHaveLength(2);
    expect(new Set(ids).size).toBe(1);
  });

  test("G8: what goes out by a webhook is given up when the address refuses it for good, or too often, and the sender is told", async () => {
    const { send, pass, receiver, stateOf, ask } = await startWorld();
    receiver.answers(404);
    const gone = (await send("x")).body.id;
    await pass(0);
    expect(await stateOf(gone)).toBe("dead");
    const [told] = (await ask("GET", "/v1/messages?to=a&kind=system")).body.items;
    expect(told.payload).toMatchObject({ messageId: gone, failure: "permanent", code: "http-404" });
    receiver.answers(500);
    const tried = (await send("y", { maxAttempts: 2 })).body.id;
    for (const wait of [0, 6000, 30_000]) await pass(wait);
    expect(await stateOf(tried)).toBe("dead");
  });

  test("what goes out by a webhook waits while the channel is not ready", async () => {
    const { send, pass, receiver, ask, stateOf } = await startWorld();
    await ask("PATCH", `/v1/agents/${CRM}`, { ready: false });
    const { id } = (await send("x")).body;
    await pass(1000);
    expect(receiver.received).toHaveLength(0);
    await ask("PATCH", `/v1/agents/${CRM}`, { ready: true });
    await pass(0);
    expect(await stateOf(id)).toBe("done");
  });

  test("G7: what goes out by a webhook is posted after a restart, also when the relay ended while the request was under way", async () => {
    const { send, pass, receiver, stateOf, restart } = await startWorld();
    const { id } = (await send("x")).body;
    await restart();
    await pass(0);
    expect(await stateOf(id)).toBe("done");
    const held = Promise.withResolvers<Response>();
    receiver.answers(() => held.promise);
    const second = (await send("y")).body.id;
    const passing = pass(0);
    await restartWhile(receiver, restart);
    held.resolve(new Response());
    await passing.catch(() => undefined);
    receiver.answers(200);
    await pass(181_000);
    await pass(1000);
    expect(await stateOf(second)).toBe("done");
    const ids = receiver.received.filter(({ event }) => event.data.text === "y").map(({ id: key }) => key);
    expect(new Set(ids).size).toBe(1);
  });
});

/** Once the second request has come in. */
async function restartWhile(receiver: ReturnType<typeof startReceiver>, restart: () => Promise<void>): Promise<void> {
  await until(() => receiver.received.some(({ event }) => event.data.text === "y"), "the request is under way");
  await restart();
}

import { afterAll, beforeAll, expect, test } from "bun:test";
import { type Client, createClient } from "../../src/client/client.ts";
import { freshRelay, operatorOf } from "../support/client-relay.ts";

let relay: Awaited<ReturnType<typeof freshRelay>>;
let operator: Client;
let adapter: Client;
const ID = "telegram:main";
beforeAll(async () => {
  relay = await freshRelay();
  operator = operatorOf(relay);
  await operator.agents.register("helper", { name: "helper" });
  await operator.agents.register(ID, {
    ...{ name: "Main", kind: "channel" },
    channel: { provider: "telegram", accountId: "main" },
  });
  const { token } = await operator.tokens.create({ role: "agent", agentId: ID });
  adapter = createClient({ url: relay.url, token });
});
afterAll(() => relay.remove());

test("an adapter reports what comes in and posts what goes out, with the client alone", async () => {
  const bound = await operator.channels.bind(ID, { target: "helper" });
  expect((await operator.channels.get(ID)).bindings).toEqual([bound]);
  const guest = await operator.channels.addGuest(ID, { conversationId: "c" });
  expect((await operator.channels.guests(ID)).items).toEqual([guest]);
  const photo = await adapter.files.put(new TextEncoder().encode("PNG"), { name: "a b.png", type: "image/png" });
  const { name, type, size } = photo;
  const event = {
    ...{ conversationId: "c", externalId: "e1", sender: { id: "1", name: "Ada" } },
    attachments: [{ name, type, size, fileId: photo.id }],
  };
  const { messages, routed } = await adapter.channels.report(ID, event);
  expect(routed).toBe(1);
  expect((await adapter.channels.report(ID, event)).messages).toEqual(messages);
  const [inbound] = messages;
  await operator.messages.send({ from: "helper", to: ID, body: "Nice", replyTo: inbound?.id });
  const { items } = await adapter.claims.claimNext();
  const [item] = items;
  if (!item) throw new Error("nothing to post");
  expect(item).toMatchObject({ posts: [], message: { payload: { text: "Nice", replyToExternalId: "e1" } } });
  const token = item.claim.token;
  await adapter.channels.notePost(item.message.id, { token });
  const noted = await adapter.channels.notePost(item.message.id, { token, externalId: "e2" });
  expect(noted.posts).toEqual([{ part: 0, externalId: "e2" }]);
  const done = await adapter.claims.complete(item.message.id, { token, externalIds: ["e2"] });
  expect(done.message.state).toBe("done");
  const got = await adapter.files.get(photo.id);
  expect([new TextDecoder().decode(got.bytes), got.name, got.type]).toEqual(["PNG", "a b.png", "image/png"]);
  expect((await adapter.channels.events(ID)).items).toMatchObject([{ externalId: "e1", routed: 1 }]);
  expect((await adapter.channels.route(ID, { conversation: "c" })).items).toMatchObject([{ goesTo: "helper" }]);
  await operator.channels.removeGuest(ID, guest.id);
  expect((await operator.channels.setAccess(ID, "open")).access).toEqual({ mode: "open", warning: null });
  await operator.channels.unbind(ID, bound.id);
  expect((await operator.channels.bindings({ channel: ID })).items).toEqual([]);
});

test("a channel that the relay runs itself is set, and its secret told once", async () => {
  const made = await operator.channels.putWebhook("webhook:crm", {});
  expect(made.secret).toMatch(/^whsec_/);
  expect(await operator.channels.webhook("webhook:crm")).toEqual({ ...made, secret: undefined });
  expect((await operator.channels.choose("webhook:crm")).isDefault).toBe(true);
  expect((await operator.channels.unchoose("webhook:crm")).isDefault).toBe(false);
  expect((await operator.channels.list()).items.map(({ id }) => id)).toEqual(["webhook:crm", ID]);
});

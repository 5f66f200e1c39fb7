import { describe, expect, test } from "bun:test";
import { type ChannelWorld, startChannel, TELEGRAM } from "../../support/channel.ts";

const ADA = { sender: { id: "9", name: "Ada" } };
const EVE = { sender: { id: "666", name: "Eve" } };

/** A listed channel whose default is agent `a`, with Ada as a guest everywhere. */
async function world() {
  const made = await startChannel({ listed: true });
  const a = await made.agent("a");
  await made.bind({ target: "a" });
  const guest = await add(made, { senderId: "9" });
  return { ...made, a, guest };
}

async function add({ ask }: Pick<ChannelWorld, "ask">, body: object, id = TELEGRAM): Promise<{ id: string }> {
  const answer = await ask("POST", `/v1/channels/${id}/guests`, body);
  if (answer.status > 201) throw new Error(JSON.stringify(answer.body));
  return answer.body;
}

type World = Awaited<ReturnType<typeof world>>;
const inbox = async ({ ask }: Pick<World, "ask">, id = "a"): Promise<string[]> =>
  (await ask("GET", `/v1/agents/${id}/inbox?after=0`)).body.items.map((item: { body: string }) => item.body);

describe("a stranger", () => {
  test("G14: a stranger reaches no agent, no inbox of user and no thread, by no kind of event", async () => {
    const here = await world();
    const { ask, event, a } = here;
    const [asked] = (await event({ ...ADA, externalId: "asked" })).body.messages;
    const { body: post } = await ask("POST", "/v1/messages", { to: TELEGRAM, body: "Yes", replyTo: asked.id }, a);
    const [claimed] = await here.claim();
    const done = { token: claimed?.claim.token, externalIds: ["post"] };
    await ask("POST", `/v1/messages/${post.id}/complete`, done, here.adapter);
    const kinds = [
      { text: "Hello" },
      { type: "command", text: "/kill all" },
      { type: "button", text: undefined, button: { id: "yes", text: "Yes" }, replyToExternalId: "post" },
      { type: "button", text: undefined, button: { id: "apr_forged" } },
      { text: "An answer", replyToExternalId: "post" },
      { text: "An answer to a guest", replyToExternalId: "asked" },
      { text: "An edit", externalId: "asked:edit:1", replyToExternalId: "asked" },
      { text: "Passed on", forwardedFrom: "Ada", quoted: "Is it up?" },
      { text: "In a thread", threadId: "t" },
      { text: "I am a bot", sender: { ...EVE.sender, isBot: true } },
    ];
    for (const kind of kinds)
      expect((await event({ ...EVE, ...kind })).body).toMatchObject({
        routed: 0,
        messages: [{ to: "system", replyTo: null, person: null }],
      });
    expect(await inbox(here)).toEqual(["Is it up?"]);
    expect(await inbox(here, "user")).toEqual([]);
    expect((await ask("GET", `/v1/threads/${asked.id}`)).body.items).toHaveLength(2);
    const seen = (await ask("GET", `/v1/channels/${TELEGRAM}/events?strangers=true`)).body.items;
    expect(seen).toHaveLength(kinds.length);
    expect(seen[0]).toMatchObject({ stranger: true, unbound: false, routed: 0 });
    expect((await ask("GET", `/v1/messages/${seen[0].messageIds[0]}`, undefined, a)).status).toBe(403);
  });

  test("G14: a guest's answer to a stranger carries nothing of the stranger to the agent", async () => {
    const here = await world();
    await here.event({ ...EVE, conversationId: "group", externalId: "s1", text: "Obey me" });
    const said = await here.event({ ...ADA, conversationId: "group", text: "Look", replyToExternalId: "s1" });
    expect(said.body.messages).toMatchObject([{ to: "a", replyTo: null }]);
    const { body } = await here.ask("GET", "/v1/agents/a/inbox?after=0&include=parent");
    expect(JSON.stringify(body)).not.toContain("Obey me");
  });

  test("G14: a stranger is nobody's person, and a bound thread lets nobody into the rest of its chat", async () => {
    const here = await world();
    await here.bind({ target: "a", conversationId: "group", threadId: "t" });
    expect((await here.event({ ...EVE, conversationId: "group", threadId: "t" })).body.routed).toBe(1);
    expect((await here.event({ ...EVE, conversationId: "group" })).body.routed).toBe(0);
    expect((await here.event({ ...EVE, conversationId: "group", threadId: "u" })).body.routed).toBe(0);
    await here.bind({ target: "a", conversationId: "room" });
    expect((await here.event({ ...EVE, conversationId: "room", threadId: "x" })).body.routed).toBe(1);
  });

  test("G14: a group that moves takes its guests along, and lets in none of the chat that it moves to", async () => {
    const here = await world();
    const { event } = here;
    await add(here, { conversationId: "-7" });
    await add(here, { conversationId: "-8", senderId: "5", approves: true });
    await event({ type: "moved", text: undefined, conversationId: "-7", movedTo: "-1007", ...EVE });
    expect((await event({ ...EVE, conversationId: "-1007" })).body.routed).toBe(1);
    expect((await event({ ...EVE, conversationId: "-7" })).body.routed).toBe(1);
    expect((await event({ ...EVE, conversationId: "-8" })).body.routed).toBe(0);
    const moved = { type: "moved", conversationId: "-9", movedTo: "-1009", text: "I moved", ...EVE };
    expect((await event(moved)).body.routed).toBe(0);
    expect(await inbox(here)).toHaveLength(2);
  });

  test("G14: a guest that was removed is a stranger at once, also for what waits and for a replay", async () => {
    const here = await world();
    const { ask, event } = here;
    for (const { id } of (await ask("GET", `/v1/channels/${TELEGRAM}/bindings`)).body.items)
      await ask("DELETE", `/v1/channels/${TELEGRAM}/bindings/${id}`);
    expect((await event({ ...ADA, text: "Waits" })).body).toMatchObject({ routed: 0, messages: [{ to: "user" }] });
    await ask("DELETE", `/v1/channels/${TELEGRAM}/guests/${here.guest.id}`);
    const again = { target: "a", replay: true };
    expect(await here.bind(again)).toMatchObject({ replayed: 0 });
    expect((await event({ ...ADA, text: "Late" })).body.messages).toMatchObject([{ to: "system" }]);
    expect(await inbox(here)).toEqual([]);
    await add(here, { senderId: "9" });
    expect(await here.bind(again)).toMatchObject({ replayed: 2 });
    expect(await inbox(here)).toEqual(["Waits", "Late"]);
  });

  test("G14: a replay sends no press of an approval's button, and no event of a stranger", async () => {
    const here = await world();
    await here.event({ ...EVE, type: "button", text: undefined, button: { id: "apr_x" } });
    await here.event({ ...EVE, text: "Hello" });
    expect(await here.bind({ target: "a", replay: true })).toMatchObject({ replayed: 0 });
    await add(here, { senderId: "666" });
    expect(await here.bind({ target: "a", replay: true })).toMatchObject({ replayed: 1 });
    expect(await inbox(here)).toEqual(["Hello"]);
  });

  test("a stranger between two bots ends no chain: only those that are heard count", async () => {
    const here = await world();
    const bot = { sender: { id: "77", name: "CI", isBot: true } };
    await add(here, { senderId: "77" });
    const [first] = (await here.event(bot)).body.messages;
    await here.ask("POST", "/v1/messages", { to: TELEGRAM, body: "Yes", replyTo: first.id }, here.a);
    await here.event(EVE);
    const [last] = (await here.event(bot)).body.messages;
    const story = (await here.ask("GET", `/v1/messages/${last.id}`)).body;
    expect(story.hops).toBeGreaterThan(0);
  });
});

describe("guests", () => {
  test("guests are a chat, an account, or an account in a chat; an operator adds, changes and removes them", async () => {
    const here = await world();
    const { ask, event, a } = here;
    const put = (body: unknown, token = {}) => ask("POST", `/v1/channels/${TELEGRAM}/guests`, body, token);
    const first = await put({ conversationId: "c1", senderId: "5", name: "Bo" });
    const again = await put({ conversationId: "c1", senderId: "5", approves: true });
    expect([first.status, again.status]).toEqual([201, 200]);
    expect(again.body).toMatchObject({ id: first.body.id, approves: true, name: null, origin: "set" });
    const bo = { sender: { id: "5", name: "Bo" } };
    expect((await event({ ...bo, conversationId: "c1" })).body.routed).toBe(1);
    expect((await event({ ...bo, conversationId: "c2" })).body.routed).toBe(0);
    expect((await put({ senderId: "5" }, a)).status).toBe(403);
    expect((await put({ senderId: "5" }, here.adapter)).status).toBe(403);
    expect((await put({ conversationId: "c1", approves: true })).body.errors[0].pointer).toBe("/approves");
    expect((await put({})).body.errors[0].pointer).toBe("/conversationId");
    expect((await put({ senderId: "5", personId: "nobody" })).body.errors[0].pointer).toBe("/personId");
    expect((await ask("DELETE", `/v1/channels/${TELEGRAM}/guests/gst_none`)).status).toBe(404);
    const { items } = (await ask("GET", `/v1/activity?subject=${TELEGRAM}`)).body;
    expect(items.map((item: { verb: string }) => item.verb)).toContain("guest.set");
  });

  test("guests of a webhook channel approve nothing and are no person: its senders are not known surely", async () => {
    const here = await world();
    await here.ask("PUT", "/v1/channels/webhook:crm/webhook", { target: "a" });
    const put = (body: object) => here.ask("POST", "/v1/channels/webhook:crm/guests", body);
    expect((await put({ senderId: "5", approves: true })).body.errors[0].pointer).toBe("/approves");
    await here.ask("PUT", "/v1/people/ada", { name: "Ada", role: "member" });
    expect((await put({ senderId: "5", personId: "ada" })).body.errors[0].pointer).toBe("/personId");
    expect((await here.event({ sender: { id: "5", name: "x" } }, "webhook:crm")).body.routed).toBe(0);
    expect((await put({ senderId: "5" })).status).toBe(201);
    expect((await here.event({ sender: { id: "5", name: "x" } }, "webhook:crm")).body.routed).toBe(1);
  });

  test("guests are also the accounts of operators and members, but not of viewers", async () => {
    const here = await world();
    const person = (id: string, role: string) =>
      here.ask("PUT", `/v1/people/${id}`, { name: id, role, senders: [{ channelId: TELEGRAM, senderId: id }] });
    await person("mia", "member");
    await person("vic", "viewer");
    const from = async (id: string) => (await here.event({ sender: { id, name: id } })).body;
    expect(await from("mia")).toMatchObject({ routed: 1, messages: [{ person: "mia" }] });
    expect(await from("vic")).toMatchObject({ routed: 0 });
    await here.ask("DELETE", "/v1/people/mia");
    expect(await from("mia")).toMatchObject({ routed: 0 });
  });

  test("guests go with their channel: one that is added again is listed, and has none", async () => {
    const here = await world();
    await here.ask("PUT", `/v1/channels/${TELEGRAM}/access`, { mode: "open" });
    await here.ask("DELETE", `/v1/agents/${TELEGRAM}`);
    const channel = { provider: "telegram", accountId: "main" };
    await here.ask("PUT", `/v1/agents/${TELEGRAM}`, { name: "Main", channel });
    expect((await here.ask("GET", `/v1/channels/${TELEGRAM}`)).body.access).toEqual({ mode: "listed", warning: null });
    expect((await here.ask("GET", `/v1/channels/${TELEGRAM}/guests`)).body.items).toEqual([]);
  });
});

describe("an open channel", () => {
  test("an open channel hears everyone; an operator opens it, and is warned where its agent runs on a machine", async () => {
    const here = await world();
    const { ask, event } = here;
    const open = (token = {}) => ask("PUT", `/v1/channels/${TELEGRAM}/access`, { mode: "open" }, token);
    expect((await open(here.adapter)).status).toBe(403);
    expect((await open(here.a)).status).toBe(403);
    expect((await open()).body.access).toEqual({ mode: "open", warning: null });
    expect((await event(EVE)).body.routed).toBe(1);
    await ask("PATCH", "/v1/agents/a", { rig: "Claude Code" });
    expect((await open()).body.access.warning).toContain("gives orders to a,");
    const box = { hostname: "box", baseDir: "/work", providers: [], instanceId: "i1" };
    await ask("PUT", "/v1/orchestrators/box", box);
    const orchestrator = (
      await ask("POST", "/v1/tokens", { role: "orchestrator", agentId: "orchestrator-box", prefix: "box-" })
    ).body;
    const enrolled = await ask("PUT", "/v1/agents/box-x", { name: "X", instanceId: "x1" }, orchestrator);
    expect(enrolled.status).toBe(201);
    await here.bind({ target: "box-x", conversationId: "far" });
    expect((await ask("GET", `/v1/channels/${TELEGRAM}`)).body.access.warning).toContain("box-x");
    const closed = await ask("PUT", `/v1/channels/${TELEGRAM}/access`);
    expect(closed.body.access).toEqual({ mode: "listed", warning: null });
    expect((await event(EVE)).body.routed).toBe(0);
  });
});

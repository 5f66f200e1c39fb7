import { describe, expect, test } from "bun:test";
import { type Claimed, startChannel, TELEGRAM } from "../../support/channel.ts";

/** A group bound to `a`, with a topic or thread of its own for each session. */
async function world() {
  const made = await startChannel({ listed: true });
  const { ask, bind, event, claim, adapter } = made;
  const a = await made.agent("a");
  await bind({ target: "a", conversationId: "-100", topics: "per-session" });
  return {
    ...made,
    a,
    says: (more: object = {}) => event({ conversationId: "-100", inForum: true, text: "Fix the login page", ...more }),
    inbox: async () => (await ask("GET", "/v1/agents/a/inbox?after=0")).body.items,
    claimed: async (): Promise<Claimed> => {
      const [item] = await claim(1);
      if (!item) throw new Error("nothing to post");
      return item;
    },
    end: ({ message, claim: held }: Claimed, how: "complete" | "fail", body: object) =>
      ask("POST", `/v1/messages/${message.id}/${how}`, { token: held.token, ...body }, adapter),
  };
}

describe("topics of their own for sessions", () => {
  test("what is said outside of topics waits for a topic, goes on in it, and the answer is posted there", async () => {
    const here = await world();
    expect((await here.says()).body).toMatchObject({ routed: 0, messages: [{ to: "system" }] });
    expect(await here.inbox()).toEqual([]);
    const making = await here.claimed();
    expect(making.message.payload).toMatchObject({
      createTopic: { name: "Fix the login page" },
      conversation: { conversationId: "-100" },
    });
    await here.end(making, "complete", { externalIds: ["77"] });
    const [asked] = await here.inbox();
    expect(asked).toMatchObject({
      body: "Fix the login page",
      payload: { conversation: { conversationId: "-100", threadId: "77" } },
    });
    await here.ask("POST", "/v1/messages", { to: TELEGRAM, body: "Done", replyTo: asked.id }, here.a);
    expect((await here.claimed()).message.payload.conversation).toMatchObject({ threadId: "77" });
    const more = await here.says({ threadId: "77", inForum: undefined, text: "And the logo" });
    expect(more.body).toMatchObject({ routed: 1, messages: [{ payload: { conversation: { threadId: "77" } } }] });
  });

  test("a topic that cannot be made costs no message: it goes on where it was said", async () => {
    const here = await world();
    await here.says();
    const how = { error: "not enough rights", failure: "permanent", code: "forbidden" };
    await here.end(await here.claimed(), "fail", how);
    const [asked] = await here.inbox();
    expect(asked.payload.conversation).toEqual({ channelId: TELEGRAM, conversationId: "-100" });
  });

  test("G5: an event that comes twice makes one topic, also while it is being made", async () => {
    const here = await world();
    await here.says({ externalId: "once" });
    expect((await here.says({ externalId: "once" })).status).toBe(200);
    await here.end(await here.claimed(), "complete", { externalIds: ["77"] });
    expect((await here.says({ externalId: "once" })).body.routed).toBe(1);
    expect([await here.inbox(), await here.claim()]).toMatchObject([[{}], []]);
  });

  test("a platform with threads under messages needs no topic: the session's thread begins under the message", async () => {
    const here = await world();
    const asked = await here.says({ inForum: undefined, opens: "17.1", externalId: "-100:17.1" });
    expect(asked.body).toMatchObject({
      routed: 1,
      messages: [{ payload: { externalId: "-100:17.1", conversation: { threadId: "17.1" } } }],
    });
    expect(await here.claim()).toEqual([]);
  });

  test("G14: a stranger, a command and a press make no topic; a guest removed meanwhile gets none of it to the agent", async () => {
    const here = await world();
    const [binding] = (await here.ask("GET", `/v1/channels/${TELEGRAM}/bindings`)).body.items;
    await here.says({ text: "/agents" });
    await here.says({ type: "button", text: undefined, button: { id: "yes" } });
    expect((await here.claimed()).message.payload.createTopic).toBeUndefined();
    expect(await here.inbox()).toMatchObject([{ body: "yes" }]);
    await here.bind({ target: "a", topics: "per-session" });
    await here.ask("DELETE", `/v1/channels/${TELEGRAM}/bindings/${binding.id}`);
    await here.ask("POST", `/v1/channels/${TELEGRAM}/guests`, { conversationId: "-200" });
    await here.says({ conversationId: "-300" });
    await here.says({ conversationId: "-200" });
    const making = await here.claimed();
    expect(making.message.payload.conversation.conversationId).toBe("-200");
    const [guest] = (await here.ask("GET", `/v1/channels/${TELEGRAM}/guests`)).body.items;
    await here.ask("DELETE", `/v1/channels/${TELEGRAM}/guests/${guest.id}`);
    await here.end(making, "complete", { externalIds: ["77"] });
    expect(await here.inbox()).toHaveLength(1);
  });

  test("nobody but the relay makes topics by a message", async () => {
    const here = await world();
    const payload = { conversation: { conversationId: "-100" }, createTopic: { name: "Mine" } };
    expect((await here.ask("POST", "/v1/messages", { to: TELEGRAM, body: "x", payload }, here.a)).body.code).toBe(
      "reserved",
    );
  });
});

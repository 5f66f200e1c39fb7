import { describe, expect, test } from "bun:test";
import { startChannel, TELEGRAM } from "../../support/channel.ts";

/** A world with `a` for everything and `b` for the conversation c1. */
async function world() {
  const made = await startChannel();
  const [a, b] = [await made.agent("a"), await made.agent("b")];
  await made.bind({ target: "a" });
  await made.bind({ target: "b", conversationId: "c1" });
  const send = (body: string, conversationId: string, more: object = {}) =>
    made.ask("POST", "/v1/messages", { to: TELEGRAM, body, payload: { conversation: { conversationId } }, ...more }, b);
  return {
    ...made,
    ...{ a, b, send },
    moved: (from: string, movedTo: string, externalId = `moved:${from}:${movedTo}`, more: object = {}) =>
      made.event({ type: "moved", conversationId: from, movedTo, externalId, text: undefined, ...more }),
    async goesTo(conversationId: string, externalId?: string) {
      const { messages } = (await made.event({ conversationId, ...(externalId && { externalId }) })).body;
      return messages.map(({ to, payload }) => [to, payload.conversation.conversationId]);
    },
    async complete({ message, claim }: { message: { id: number }; claim: { token: string } }) {
      const done = { token: claim.token, externalIds: [`x:${message.id}`] };
      await made.ask("POST", `/v1/messages/${message.id}/complete`, done, made.adapter);
    },
  };
}

const textsOf = (items: { message: { body: string; payload: { conversation: { conversationId: string } } } }[]) =>
  items.map(({ message }) => [message.body, message.payload.conversation.conversationId]);

describe("a conversation that has another id now", () => {
  test("a conversation that has another id now keeps its bindings, of its threads too, under either name", async () => {
    const { moved, goesTo, ask, bind, agent } = await world();
    await agent("t");
    await bind({ target: "t", conversationId: "c1", threadId: "7" });
    const { status, body } = await moved("c1", "c2");
    expect([status, body]).toEqual([201, { messages: [], routed: 0 }]);
    expect(await goesTo("c2")).toEqual([["b", "c2"]]);
    expect(await goesTo("c1")).toEqual([["b", "c2"]]);
    for (const name of ["c1", "c2"]) {
      const path = `/v1/channels/${TELEGRAM}`;
      const { items } = (await ask("GET", `${path}/bindings?conversation=${name}`)).body;
      expect(
        items.map((one: { conversationId: string; target: string }) => `${one.conversationId} ${one.target}`).sort(),
      ).toEqual([...["c2 b", "c2 t"]]);
      const route = (await ask("GET", `${path}/route?conversation=${name}&thread=7`)).body;
      expect(route.items[0]).toMatchObject({ level: "thread", goesTo: "t" });
    }
    expect(await bind({ target: "a", conversationId: "c1", priority: 9 })).toMatchObject({ conversationId: "c2" });
    expect(await goesTo("c2")).toEqual([["a", "c2"]]);
  });

  test("a conversation that has another id now is told once: twice, from both sides, late and in the wrong order it comes to the same", async () => {
    const { moved, goesTo, ask } = await world();
    await moved("c2", "c3");
    await moved("c1", "c2");
    const again = await moved("c1", "c2");
    expect([again.status, again.headers.get("idempotent-replayed")]).toEqual([200, "true"]);
    for (const name of ["c1", "c2", "c3"]) expect(await goesTo(name)).toEqual([["b", "c3"]]);
    const { items } = (await ask("GET", "/v1/activity?verb=channel.moved")).body;
    expect(items).toHaveLength(2);
  });

  test("a conversation that has another id now may move back, and on again; what was told before then changes nothing", async () => {
    const { moved, goesTo } = await world();
    await moved("c1", "c2", "first");
    await moved("c2", "c1", "second");
    expect(await goesTo("c2")).toEqual([["b", "c1"]]);
    await moved("c1", "c2", "first");
    expect(await goesTo("c1")).toEqual([["b", "c1"]]);
    await moved("c1", "c2", "third");
    expect(await goesTo("c1")).toEqual([["b", "c2"]]);
    await moved("c2", "c4", "fourth");
    expect(await goesTo("c1")).toEqual([["b", "c4"]]);
  });

  test("a conversation that has another id now takes along what waits to be posted, in its order, and one at a time", async () => {
    const { moved, send, claim, complete } = await world();
    await send("one", "c1");
    await send("two", "c1");
    await send("three", "c2");
    await send("four", "c1");
    const [held] = await claim(1);
    await moved("c1", "c2");
    expect(textsOf(await claim())).toEqual([]);
    if (held) await complete(held);
    for (const next of ["two", "three", "four"]) {
      const [item, ...more] = await claim();
      expect([textsOf(item ? [item] : []), more]).toEqual([[[next, "c2"]], []]);
      if (item) await complete(item);
    }
  });

  test("a conversation that has another id now is where a post goes that was refused, requeued, or planned before", async () => {
    const { moved, send, claim, ask, adapter, clock } = await world();
    await send("refused", "c1");
    await send("planned", "c1", { deliverAt: new Date(clock.now() + 60_000).toISOString() });
    const [held] = await claim();
    const no = { token: held?.claim.token, error: "moved", failure: "permanent", code: "chat-moved" };
    await ask("POST", `/v1/messages/${held?.message.id}/fail`, no, adapter);
    await moved("c1", "c2");
    await ask("POST", `/v1/messages/${held?.message.id}/requeue`);
    expect(textsOf(await claim())).toEqual([["refused", "c2"]]);
    await clock.advance(60_000);
    await ask("POST", `/v1/messages/${held?.message.id}/cancel`);
    expect(textsOf(await claim())).toEqual([["planned", "c2"]]);
  });

  test("a conversation that has another id now is where answers go: to what was said before, by name, and the result of work that was held meanwhile", async () => {
    const { bind, moved, send, event, claim, ask, agent, b, complete } = await world();
    const pool = await agent("p", { tags: ["pool"] });
    const before = (await event({ conversationId: "c1", externalId: "x:1" })).body.messages[0];
    await bind({ target: "tag:pool", conversationId: "c1", priority: 5 });
    await event({ conversationId: "c1", externalId: "x:2" });
    const [work] = (await ask("POST", "/v1/agents/p/claims", {}, pool)).body.items;
    await moved("c1", "c2");
    await ask("POST", `/v1/messages/${work.message.id}/complete`, { token: work.claim.token, result: "result" }, pool);
    await ask("POST", "/v1/messages", { to: TELEGRAM, body: "answer", replyTo: before.id }, b);
    await send("by the old name", "c1", { replyTo: before.id });
    await send("by the new name", "c2", { replyTo: before.id });
    for (const text of ["result", "answer", "by the old name", "by the new name"]) {
      const [item] = await claim();
      expect(textsOf(item ? [item] : [])).toEqual([[text, "c2"]]);
      if (item) await complete(item);
    }
  });

  test("a conversation that has another id now is what work from it names that is claimed after it moved", async () => {
    const { bind, moved, event, ask, agent } = await world();
    const pool = await agent("p", { tags: ["pool"] });
    await bind({ target: "tag:pool", conversationId: "c1", priority: 5 });
    await event({ conversationId: "c1", threadId: "7" });
    await moved("c1", "c2");
    const [work] = (await ask("POST", "/v1/agents/p/claims", {}, pool)).body.items;
    const conversation = { channelId: TELEGRAM, conversationId: "c2", threadId: "7" };
    expect(work.message.payload).toMatchObject({ conversation });
  });

  test("a conversation that has another id now has one thread: what answers an old message, under either name, belongs to it", async () => {
    const { moved, event } = await world();
    const root = (await event({ conversationId: "c1", externalId: "x:1" })).body.messages[0];
    await moved("c1", "c2");
    const reply = (await event({ conversationId: "c2", externalId: "x:2", replyToExternalId: "x:1" })).body.messages[0];
    const late = (await event({ conversationId: "c1", externalId: "x:3", replyToExternalId: "x:2" })).body.messages[0];
    expect([reply.replyTo, late.replyTo, late.threadId]).toEqual([root.id, reply.id, root.id]);
  });

  test("a conversation that has another id now keeps a binding that was made for its new name; one that says the same is not doubled", async () => {
    const { moved, goesTo, ask, bind } = await world();
    await bind({ target: "b", conversationId: "c2", priority: 3 });
    await bind({ target: "a", conversationId: "c2", priority: 4 });
    await moved("c1", "c2");
    expect(await goesTo("c2")).toEqual([["a", "c2"]]);
    const { items } = (await ask("GET", `/v1/channels/${TELEGRAM}/bindings?conversation=c2`)).body;
    expect(items.map((one: { target: string; priority: number }) => `${one.target} ${one.priority}`).sort()).toEqual([
      ...["a 4", "b 3"],
    ]);
  });

  test("a conversation that has another id now is found by replay and in the list with all that came in under its old name", async () => {
    const { event, bind, ask, agent } = await startChannel();
    const a = await agent("a");
    await event({ conversationId: "c1", externalId: "x:1", text: "before" });
    await event({ type: "moved", conversationId: "c1", movedTo: "c2", externalId: "m", text: undefined });
    await event({ conversationId: "c2", externalId: "x:2", text: "after" });
    const listed = (await ask("GET", `/v1/channels/${TELEGRAM}/events?conversation=c2`)).body.items;
    expect(listed.map((one: { externalId: string }) => one.externalId)).toEqual(["x:2", "x:1"]);
    expect(await bind({ target: "a", conversationId: "c1", replay: true })).toMatchObject({ replayed: 2 });
    const { items } = (await ask("GET", "/v1/agents/a/inbox", undefined, a)).body;
    expect(
      items.map((one: { body: string; payload: { conversation: object } }) => [one.body, one.payload.conversation]),
    ).toEqual([
      ["before", { channelId: TELEGRAM, conversationId: "c2" }],
      ["after", { channelId: TELEGRAM, conversationId: "c2" }],
    ]);
  });

  test("a conversation that has another id now is told by the channel's own adapter alone, an outbound one too, and says what is missing", async () => {
    const { moved, ask, channel, b, goesTo } = await world();
    const flaw = async (more: object) => {
      const { status, body } = await moved("c1", "c2", "m", more);
      return [status, (body as unknown as { errors: { pointer: string }[] }).errors[0]?.pointer];
    };
    expect(await flaw({ movedTo: undefined })).toEqual([422, "/movedTo"]);
    expect(await flaw({ movedTo: "c1" })).toEqual([422, "/movedTo"]);
    expect(await flaw({ type: "text", text: "x" })).toEqual([422, "/movedTo"]);
    expect(await flaw({ button: { id: "x" } })).toEqual([422, "/button"]);
    const event = {
      conversationId: "c1",
      externalId: "m",
      sender: { id: "1", name: "x" },
      type: "moved",
      movedTo: "c2",
    };
    expect((await ask("POST", `/v1/channels/${TELEGRAM}/events`, event, b)).status).toBe(403);
    const out = await channel("slack:out", { direction: "outbound" });
    expect((await ask("POST", "/v1/channels/slack:out/events", event, out)).status).toBe(201);
    expect(await goesTo("c1")).toEqual([["b", "c1"]]);
  });

  test("a conversation that has another id now keeps it when its channel is deleted and added again: it is the same account", async () => {
    const { moved, ask, channel } = await world();
    await moved("c1", "c2");
    await ask("DELETE", `/v1/agents/${TELEGRAM}`);
    await channel(TELEGRAM);
    const event = { conversationId: "c1", externalId: "e", sender: { id: "1", name: "x" }, text: "x" };
    const [message] = (await ask("POST", `/v1/channels/${TELEGRAM}/events`, event)).body.messages;
    expect([message.to, message.payload.conversation.conversationId]).toEqual(["user", "c2"]);
  });
});

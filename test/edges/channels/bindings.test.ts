import { describe, expect, test } from "bun:test";
import { type ChannelWorld, startChannel, TELEGRAM } from "../../support/channel.ts";

/** Agents `a`, `b` (both `tag:pool`), and `stand-in`. */
async function world(): Promise<ChannelWorld> {
  const made = await startChannel();
  for (const id of ["a", "b"]) await made.agent(id, { tags: ["pool"] });
  await made.agent("stand-in");
  return made;
}

const targets = ({ body }: { body: { messages: { to: string }[] } }) => body.messages.map(({ to }) => to);

describe("bindings", () => {
  test("bindings are an upsert by conversation and target", async () => {
    const { ask } = await world();
    const put = (body: unknown) => ask("PUT", `/v1/channels/${TELEGRAM}/bindings`, body);
    const first = await put({ target: "a", conversationId: "c1", priority: 1 });
    const again = await put({ target: "a", conversationId: "c1", priority: 7, fallback: "b" });
    expect([first.status, again.status]).toEqual([201, 200]);
    expect(again.body).toMatchObject({ id: first.body.id, priority: 7, fallback: "b", origin: "set" });
    expect((await put({ target: "a", conversationId: "c2" })).status).toBe(201);
    const listed = await ask("GET", `/v1/channels/${TELEGRAM}/bindings?conversation=c1`);
    expect(listed.body.items).toEqual([again.body]);
  });

  test("bindings refuse whom nobody knows, channels, and a mode that makes no sense", async () => {
    const { ask } = await world();
    const put = async (body: unknown) => {
      const answer = await ask("PUT", `/v1/channels/${TELEGRAM}/bindings`, body);
      return [answer.status, answer.body.code, answer.body.errors?.[0]?.pointer];
    };
    expect(await put({ target: "stand-on" })).toEqual([422, "unknown-target", "/target"]);
    expect(await put({ target: "a", fallback: "nobody" })).toEqual([422, "unknown-target", "/fallback"]);
    expect(await put({ target: TELEGRAM })).toEqual([422, "invalid", "/target"]);
    expect(await put({ target: "@main" })).toEqual([422, "invalid", "/target"]);
    expect(await put({ target: "system" })).toEqual([422, "invalid", "/target"]);
    expect(await put({ target: "tag:pool", mode: "exclusive" })).toEqual([422, "invalid", "/mode"]);
    expect(await put({ target: "a", mode: "broadcast" })).toEqual([422, "invalid", "/mode"]);
    expect(await put({ target: "a", threadId: "t" })).toEqual([422, "invalid", "/threadId"]);
    expect(await put({ target: "a", fallback: "a" })).toEqual([422, "invalid", "/fallback"]);
  });

  test("bindings are the operator's alone to set; an agent sees those that send something to it", async () => {
    const { ask, agent, adapter, bind, clock } = await world();
    const c = await agent("c", { tags: ["pool"] });
    await bind({ target: "tag:pool" });
    clock.jump(1);
    await bind({ target: "stand-in", conversationId: "c1" });
    expect((await ask("PUT", `/v1/channels/${TELEGRAM}/bindings`, { target: "a" }, adapter)).status).toBe(403);
    const seen = async (token: { token?: string }) =>
      (await ask("GET", "/v1/bindings", undefined, token)).body.items.map((item: { target: string }) => item.target);
    expect(await seen({})).toEqual(["tag:pool", "stand-in"]);
    expect(await seen(adapter)).toEqual(["tag:pool", "stand-in"]);
    expect(await seen(c)).toEqual(["tag:pool"]);
    expect((await ask("GET", `/v1/channels/${TELEGRAM}/bindings`, undefined, c)).status).toBe(403);
  });

  test("bindings are told in the activity log when they are set and removed", async () => {
    const { ask, bind } = await world();
    const { id } = await bind({ target: "a", conversationId: "c1" });
    await ask("DELETE", `/v1/channels/${TELEGRAM}/bindings/${id}`);
    expect((await ask("DELETE", `/v1/channels/${TELEGRAM}/bindings/${id}`)).status).toBe(404);
    const { items } = (await ask("GET", `/v1/activity?subject=${TELEGRAM}`)).body;
    expect(items.slice(0, 2)).toMatchObject([
      { verb: "binding.removed", data: { id, target: "a" } },
      { verb: "binding.set", data: { id, conversationId: "c1" } },
    ]);
  });
});

describe("routing", () => {
  test("the binding of the exact thread counts before that of its conversation, and that before the default", async () => {
    const { bind, event } = await world();
    await bind({ target: "tag:pool" });
    await bind({ target: "a", conversationId: "c1", priority: -5 });
    await bind({ target: "b", conversationId: "c1", threadId: "t1", priority: -9 });
    expect(targets(await event({ conversationId: "c1", threadId: "t1" }))).toEqual(["b"]);
    expect(targets(await event({ conversationId: "c1", threadId: "t2" }))).toEqual(["a"]);
    expect(targets(await event({ conversationId: "c1" }))).toEqual(["a"]);
    expect(targets(await event({ conversationId: "c2", threadId: "t1" }))).toEqual(["tag:pool"]);
  });

  test("in one level of bindings the highest priority wins, then the last one that was changed", async () => {
    const { bind, event, clock } = await world();
    await bind({ target: "a" });
    clock.jump(5);
    await bind({ target: "b" });
    expect(targets(await event())).toEqual(["b"]);
    clock.jump(5);
    await bind({ target: "a" });
    expect(targets(await event())).toEqual(["a"]);
    await bind({ target: "b", priority: 1 });
    expect(targets(await event())).toEqual(["b"]);
  });

  test("an exclusive binding makes a message for one agent, a claimable one work for one of a group, a broadcast goes to all of them", async () => {
    const { bind, event, ask } = await world();
    await bind({ target: "a", conversationId: "one" });
    await bind({ target: "tag:pool", conversationId: "some" });
    await bind({ target: "tag:pool", mode: "broadcast", conversationId: "all" });
    await bind({ target: "broadcast", conversationId: "all" });
    const one = (await event({ conversationId: "one" })).body;
    expect(one).toMatchObject({ routed: 1, messages: [{ to: "a", claimable: false, kind: "channel.event" }] });
    const some = (await event({ conversationId: "some" })).body;
    expect(some.messages).toMatchObject([{ to: "tag:pool", claimable: true, kind: "channel.event", state: "open" }]);
    const all = await event({ conversationId: "all" });
    expect(targets(all).toSorted()).toEqual(["broadcast", "tag:pool"]);
    expect(all.body.routed).toBe(2);
    const route = all.body.messages[0].route;
    expect(route).toMatchObject({ tier: "binding", requested: all.body.messages[0].to });
    const story = (await ask("GET", `/v1/messages/${all.body.messages[0].id}/explain`)).body;
    expect(story.facts).toContainEqual(expect.objectContaining({ step: "routed", bindingId: route.bindingId }));
  });

  test("G8: a target that is offline is queued for; a fallback stands in only where the binding says so, and shows it", async () => {
    const { bind, event, ask } = await world();
    await bind({ target: "a", conversationId: "plain" });
    await bind({ target: "a", conversationId: "safe", fallback: "stand-in" });
    await ask("PATCH", "/v1/agents/a", { status: "offline" });
    expect((await event({ conversationId: "plain" })).body.messages).toMatchObject([
      { to: "a", route: { tier: "binding", requested: "a" } },
    ]);
    expect((await event({ conversationId: "safe" })).body.messages).toMatchObject([
      { to: "stand-in", route: { tier: "fallback", requested: "a" } },
    ]);
    await ask("PATCH", "/v1/agents/a", { status: "online" });
    expect(targets(await event({ conversationId: "safe" }))).toEqual(["a"]);
  });

  test("G8: an event whose target was deleted, where nobody stands in, is kept for the operator and says for whom it was", async () => {
    const { bind, event, ask } = await world();
    const { id } = await bind({ target: "a" });
    await ask("DELETE", "/v1/agents/a");
    const { body } = await event();
    expect(body).toMatchObject({
      routed: 0,
      messages: [{ to: "user", route: { bindingId: id, tier: "binding", requested: "a" } }],
    });
  });

  test("GET route shows every matching binding in order, those used, and where it would go", async () => {
    const { bind, ask } = await world();
    await bind({ target: "tag:pool" });
    await bind({ target: "a", conversationId: "c1", fallback: "b" });
    await bind({ target: "stand-in", conversationId: "c1", priority: -1 });
    await ask("PATCH", "/v1/agents/a", { status: "offline" });
    const { body } = await ask("GET", `/v1/channels/${TELEGRAM}/route?conversation=c1&thread=t`);
    expect(body.routed).toBe(true);
    expect(body.items).toMatchObject([
      { target: "a", level: "conversation", used: true, goesTo: "b" },
      { target: "stand-in", level: "conversation", used: false, goesTo: null },
      { target: "tag:pool", level: "default", used: false, goesTo: null },
    ]);
    expect((await ask("GET", `/v1/channels/${TELEGRAM}/route?thread=t`)).status).toBe(422);
    expect((await ask("GET", "/v1/channels/telegram:none/route")).status).toBe(404);
  });
});

import { describe, expect, test } from "bun:test";
import { startChannel, TELEGRAM } from "../../support/channel.ts";
import { startRelay } from "../../support/relay.ts";

describe("channels", () => {
  test("channels are suggested for a channel that is none, and agents are not", async () => {
    const { ask, agent } = await startChannel();
    await agent("telegram-helper");
    const { status, body } = await ask("GET", "/v1/channels/telegram:man");
    expect([status, body.suggestions]).toEqual([404, [TELEGRAM]]);
    expect((await ask("GET", "/v1/channels/telegram-helper")).body.suggestions).not.toContain("telegram-helper");
  });

  test("registering a channel agent makes its channel, changing it changes it, deleting it removes it and its bindings", async () => {
    const { ask, bind, agent } = await startChannel();
    await agent("builder");
    await bind({ target: "builder" });
    const made = await ask("GET", `/v1/channels/${TELEGRAM}`);
    expect(made.body).toMatchObject({
      ...{ id: TELEGRAM, agentId: TELEGRAM, name: "Main", provider: "telegram", transport: "telegram" },
      ...{ accountId: "main", direction: "bidirectional", ready: true, isDefault: false },
      bindings: [{ target: "builder", mode: "exclusive", origin: "set" }],
    });
    await ask("PATCH", `/v1/agents/${TELEGRAM}`, {
      ready: false,
      channel: { provider: "telegram", accountId: "main", displayName: "Other", direction: "inbound", topics: ["a"] },
    });
    expect((await ask("GET", `/v1/channels/${TELEGRAM}`)).body).toMatchObject({
      ...{ name: "Other", direction: "inbound", topics: ["a"], ready: false },
    });
    await ask("DELETE", `/v1/agents/${TELEGRAM}`);
    expect((await ask("GET", `/v1/channels/${TELEGRAM}`)).status).toBe(404);
    expect((await ask("GET", "/v1/bindings")).body.items).toEqual([]);
  });

  test("channels are listed ready ones first, then by name in any case, page by page", async () => {
    const { ask, channel } = await startChannel();
    await channel("slack:b", { displayName: "beta" });
    await channel("slack:a", { displayName: "Alpha" });
    await channel("slack:z", { displayName: "aaa" });
    await ask("PATCH", "/v1/agents/slack:z", { ready: false });
    const names: string[] = [];
    let page = "";
    do {
      const { body } = await ask("GET", `/v1/channels?limit=1${page}`);
      names.push(...body.items.map((item: { name: string }) => item.name));
      page = body.nextPage === null ? "" : `&page=${body.nextPage}`;
    } while (page);
    expect(names).toEqual(["Alpha", "beta", "Main", "aaa"]);
  });

  test("a message to @name reaches the channel of that display name, in any case; an unknown name is refused with the nearest", async () => {
    const { ask } = await startChannel();
    const sent = await ask("POST", "/v1/messages", {
      ...{ to: "@mAIn", body: "hello", payload: { conversation: { conversationId: "c1" } } },
    });
    expect(sent.body.to).toBe(TELEGRAM);
    const unknown = await ask("POST", "/v1/messages", { to: "@Mian", body: "hello" });
    expect(unknown).toMatchObject({ status: 422, body: { code: "unknown-target", suggestions: ["@Main"] } });
  });

  test("a name that several channels go by is refused, not guessed", async () => {
    const { ask, channel } = await startChannel();
    await channel("slack:x", { displayName: "MAIN" });
    const sent = await ask("POST", "/v1/messages", { to: "@main", body: "hello" });
    expect(sent).toMatchObject({ status: 422, body: { code: "unknown-target", suggestions: ["slack:x", TELEGRAM] } });
  });

  test("@default is the channel that the operator chose, else the oldest", async () => {
    const { ask, channel, clock } = await startChannel();
    clock.jump(5);
    await channel("slack:x", { displayName: "Slack" });
    const send = async () => {
      const payload = { conversation: { conversationId: "c1" } };
      return (await ask("POST", "/v1/messages", { to: "@Default", body: "hi", payload })).body.to;
    };
    expect(await send()).toBe(TELEGRAM);
    const chosen = await ask("PUT", "/v1/channels/slack:x/default");
    expect(chosen).toMatchObject({ status: 200, body: { id: "slack:x", isDefault: true } });
    expect(await send()).toBe("slack:x");
    await ask("DELETE", "/v1/channels/slack:x/default");
    expect(await send()).toBe(TELEGRAM);
    const { items } = (await ask("GET", "/v1/activity?verb=channel.default")).body;
    expect(items.map((item: { data: unknown }) => item.data)).toEqual([{ chosen: false }, { chosen: true }]);
  });

  test("only operators choose the default channel", async () => {
    const { ask, adapter } = await startChannel();
    expect((await ask("PUT", `/v1/channels/${TELEGRAM}/default`, undefined, adapter)).status).toBe(403);
  });
});

describe("the default binding of a registration", () => {
  const said = (target?: string) => ({ channel: { provider: "slack", accountId: "x", ...(target && { target }) } });

  test("the default binding of a registration is exclusive for an agent, broadcast for broadcast, else claimable; a later registration moves it", async () => {
    const { ask, channel } = await startChannel();
    await channel("slack:x", { target: "label:desk" });
    const bindings = async () => {
      const { items } = (await ask("GET", "/v1/channels/slack:x/bindings")).body;
      return items.map((item: { target: string; mode: string; origin: string }) => [
        item.target,
        item.mode,
        item.origin,
      ]);
    };
    expect(await bindings()).toEqual([["label:desk", "claimable", "registered"]]);
    await ask("PATCH", "/v1/agents/slack:x", said("broadcast"));
    expect(await bindings()).toEqual([["broadcast", "broadcast", "registered"]]);
    await ask("PATCH", "/v1/agents/slack:x", said("later"));
    expect(await bindings()).toEqual([["later", "exclusive", "registered"]]);
    await ask("PATCH", "/v1/agents/slack:x", said());
    expect(await bindings()).toEqual([]);
  });

  test("the default binding of a registration never overwrites, revives or competes with what an operator set or deleted", async () => {
    const { ask, channel, agent, bind } = await startChannel();
    await agent("mine");
    await channel("slack:x", { target: "label:desk" });
    const [{ id }] = (await ask("GET", "/v1/channels/slack:x/bindings")).body.items;
    await ask("DELETE", `/v1/channels/slack:x/bindings/${id}`);
    await ask("PUT", "/v1/agents/slack:x", { name: "x", instanceId: "again", ...said("label:desk") });
    await ask("PUT", "/v1/agents/slack:x", { name: "x", instanceId: "more", ...said("label:other") });
    expect((await ask("GET", "/v1/channels/slack:x/bindings")).body.items).toEqual([]);
    await bind({ target: "mine" }, "slack:x");
    await ask("PUT", "/v1/agents/slack:x", { name: "x", instanceId: "third", ...said("label:third") });
    expect((await ask("GET", "/v1/channels/slack:x/bindings")).body.items).toMatchObject([{ target: "mine" }]);
  });
});

describe("topics that a channel agent says in meta", () => {
  test("topics that a channel agent says in meta are the channel's, stay when it registers again, and change with meta", async () => {
    const { ask } = await startRelay();
    const topics = async () => (await ask("GET", "/v1/channels/telegram:ops")).body.topics;
    const put = (meta: unknown, more = {}) =>
      ask("PUT", "/v1/agents/telegram:ops", { name: "Ops", kind: "channel", meta, ...more });
    const account = { provider: "telegram", accountId: "ops" };
    await put({ ...account, topics: ["deploys", "alerts"] });
    expect(await topics()).toEqual(["deploys", "alerts"]);
    await ask("PUT", "/v1/agents/telegram:ops", { name: "Ops" });
    expect(await topics()).toEqual(["deploys", "alerts"]);
    await put({ ...account, topics: ["alerts"] });
    expect(await topics()).toEqual(["alerts"]);
    await put({ topics: ["alerts"] }, { channel: { ...account, topics: ["own"] } });
    expect(await topics()).toEqual(["own"]);
    expect((await put({ ...account, topics: "alerts" })).body).toMatchObject({
      status: 422,
      errors: [{ pointer: "/meta/topics" }],
    });
  });
});

import { describe, expect, test } from "bun:test";
import { listen } from "../../support/listen.ts";
import { startRelay } from "../../support/relay.ts";
import { openStream } from "../../support/stream.ts";
import { turns } from "../../support/until.ts";

async function withGroups() {
  const relay = await startRelay();
  const url = listen(relay);
  const bob = await relay.agent("bob", { tags: ["old"] });
  const ann = await relay.agent("ann", { tags: ["old", "new"] });
  return {
    ...relay,
    bob,
    ann,
    say: async (to: string, who = ann): Promise<number> =>
      (await relay.ask("POST", "/v1/messages", { to, body: `to ${to}` }, who)).body.id,
    tags: (tags: string[]) => relay.ask("PATCH", "/v1/agents/bob", { tags }, bob),
    follow: (query = "") => openStream(`${url}/v1/agents/bob/inbox/stream${query}`, { token: bob.token }),
    inbox: async (query = "?after=0") =>
      (await relay.ask("GET", `/v1/agents/bob/inbox${query}`, undefined, bob)).body.items.map(
        (item: { id: number }) => item.id,
      ),
  };
}

describe("groups that change while one follows", () => {
  test("G3: a tag that an agent gains takes effect from that place on", async () => {
    const { follow, say, tags, inbox } = await withGroups();
    const stream = await follow();
    await stream.first("hello");
    await say("tag:new");
    await tags(["old", "new"]);
    const id = await say("tag:new");
    await stream.first("message");
    expect(stream.ids()).toEqual([id]);
    expect(await inbox()).toEqual([id]);
  });

  test("G3: of a tag that an agent leaves comes what was appended before, and nothing after", async () => {
    const { follow, say, tags, inbox } = await withGroups();
    const before = [await say("tag:old"), await say("bob")];
    await tags([]);
    await say("tag:old");
    const direct = await say("bob");
    const stream = await follow();
    await stream.until(() => stream.ids().length >= 3);
    expect(stream.ids()).toEqual([...before, direct]);
    expect(await inbox()).toEqual([...before, direct]);
  });

  test("G3: leaving a group and sending to it in one breath, again and again, gives what was sent while the agent belonged", async () => {
    const { ask, follow, say, tags, inbox, ann } = await withGroups();
    const stream = await follow();
    await stream.first("hello");
    const written: Promise<unknown>[] = [];
    for (let i = 0; i < 60; i++) {
      written.push(tags(i % 2 ? ["old"] : []));
      for (let k = 0; k < i % 4; k++) written.push(ask("POST", "/v1/messages", { to: "tag:old", body: `${i}` }, ann));
      await turns(i % 3);
    }
    await Promise.all(written);
    const last = await say("bob");
    await stream.until(() => stream.ids().at(-1) === last);
    // Both the live stream and the stored log decide by the same rows.
    expect(stream.ids()).toEqual(await inbox("?after=0&limit=500"));
    expect(stream.ids().length).toBeGreaterThan(10);
    expect(stream.ids().length).toBeLessThan(91);
  });

  test("two memberships of one group with a gap between them leave the gap out", async () => {
    const { say, tags, follow } = await withGroups();
    const first = await say("tag:old");
    await tags([]);
    await say("tag:old");
    await tags(["old"]);
    const second = await say("tag:old");
    const stream = await follow("?after=0");
    await stream.until(() => stream.ids().length >= 2);
    expect(stream.ids()).toEqual([first, second]);
  });

  test("a message that one gets by two groups would be two messages; by one group it comes once", async () => {
    const { say, follow, ask, bob } = await withGroups();
    await ask("PATCH", "/v1/agents/bob", { label: "old", capabilities: ["old"] }, bob);
    const ids = [await say("tag:old"), await say("label:old"), await say("cap:old"), await say("broadcast")];
    const stream = await follow("?after=0");
    await stream.until(() => stream.ids().length >= 4);
    expect(stream.ids()).toEqual(ids);
  });
});

describe("one's own messages", () => {
  test("one's own messages to a group are left out, live and stored; to oneself by id they arrive", async () => {
    const { follow, say, bob, inbox } = await withGroups();
    const live = await follow();
    await live.first("hello");
    await say("tag:old", bob);
    await say("broadcast", bob);
    const reminder = await say("bob", bob);
    await live.first("message");
    expect(live.ids()).toEqual([reminder]);
    const stored = await follow("?after=0");
    await stored.first("message");
    expect(stored.ids()).toEqual([reminder]);
    expect(await inbox()).toEqual([reminder]);
  });

  test("one's own messages to a group reach its other members, and the sender may still read them", async () => {
    const { say, ask, bob, ann } = await withGroups();
    const id = await say("tag:old", bob);
    const theirs = await ask("GET", "/v1/agents/ann/inbox", undefined, ann);
    expect(theirs.body.items).toMatchObject([{ id }]);
    expect((await ask("GET", `/v1/messages/${id}`, undefined, bob)).status).toBe(200);
  });
});

describe("groups and those who are never in one", () => {
  test("user, system and channel agents get nothing by broadcast or by a tag, and are reached by their own id", async () => {
    const { ask, say, ann } = await withGroups();
    const id = "telegram:bot";
    await ask("PUT", `/v1/agents/${encodeURIComponent(id)}`, {
      name: "Bot",
      tags: ["old"],
      channel: { provider: "telegram", accountId: "bot" },
    });
    await say("broadcast");
    await say("tag:old");
    await say("tag:human");
    const direct = [await say(id), await say("user"), await say("system")];
    const read = async (agentId: string) =>
      (await ask("GET", `/v1/agents/${encodeURIComponent(agentId)}/inbox?after=0`)).body.items.map(
        (item: { id: number }) => item.id,
      );
    expect([await read(id), await read("user"), await read("system")]).toEqual(direct.map((one) => [one]));
    expect((await ask("POST", "/v1/messages", { to: "tag:human", body: "x" }, ann)).body.matched).toBe(0);
  });

  test("a send answers with how many others belong to the target now, offline ones too", async () => {
    const { ask, ann, bob, agent } = await withGroups();
    await agent("cleo", { tags: ["old"], status: "offline" });
    const matched = async (to: string) => (await ask("POST", "/v1/messages", { to, body: "x" }, ann)).body.matched;
    expect(await matched("tag:old")).toBe(2);
    expect(await matched("broadcast")).toBe(2);
    expect(await matched("tag:nobody")).toBe(0);
    await ask("PATCH", "/v1/agents/bob", { tags: [] }, bob);
    expect(await matched("tag:old")).toBe(1);
    await ask("DELETE", "/v1/agents/cleo");
    expect(await matched("tag:old")).toBe(0);
    expect(await matched("broadcast")).toBe(1);
  });
});

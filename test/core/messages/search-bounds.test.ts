import { describe, expect, test } from "bun:test";
import { startRelay } from "../../support/relay.ts";

async function withTexts() {
  const relay = await startRelay();
  const say = async (body: string): Promise<number> =>
    (await relay.ask("POST", "/v1/messages", { to: "user", body })).body.id;
  const search = async (q: string, more = "") => {
    await relay.relay.settle();
    return relay.ask("GET", `/v1/messages?q=${encodeURIComponent(q)}${more}`);
  };
  const find = async (q: string): Promise<number[]> =>
    (await search(q)).body.items.map((item: { id: number }) => item.id);
  return { ...relay, say, search, find };
}

describe("a search", () => {
  test("a search finds the beginnings of words that end in a star", async () => {
    const { say, find } = await withTexts();
    const zeppelin = await say("the zeppelin landed");
    const version = await say("version foo-barista shipped");
    const tokyo = await say("明日東京で会いましょう");
    expect(await find("zep*")).toEqual([zeppelin]);
    expect(await find("ZEP* land*")).toEqual([zeppelin]);
    expect(await find("foo-bar*")).toEqual([version]);
    expect(await find("oo-bar*")).toEqual([]);
    expect(await find("東京*")).toEqual([tokyo]);
    expect(await find("zep")).toEqual([]);
    expect(await find("*")).toEqual([]);
    expect(await find("z*p")).toEqual([]);
  });

  test("a search says what is repeated once", async () => {
    const { say, find } = await withTexts();
    const three = await say("a.a.a");
    expect(await find("a.".repeat(255))).toEqual([three]);
    expect(await find("a ".repeat(255))).toEqual([three]);
  });

  test.each([
    ["listen on 127.0.0.1:7350", "127.0.0.1", "127.0.1"],
    ["release 1.0.0-rc1", "1.0.0-rc*", "1.0-rc1"],
    ["你看看吧，高高兴兴", "你看看吧", "你看吧"],
    ["ha ha ha ha and on", "Ha-ha-HA-ha-and", "ha-ha-on"],
  ])("a search keeps a word that is said twice in a phrase: %s", async (body, q, other) => {
    const { say, find } = await withTexts();
    const id = await say(body);
    expect(await find(q)).toEqual([id]);
    expect(await find(other)).toEqual([]);
  });

  test("a search looks for long phrases in parts, in the order of their words", async () => {
    const { say, find } = await withTexts();
    const words = Array.from({ length: 40 }, (_, i) => `w${i}`);
    const id = await say(words.join("-"));
    const chinese = "今天我们在上海的办公室里讨论了下一个版本的发布计划和所有还没有解决的问题";
    const said = await say(chinese);
    expect(await find(words.join("."))).toEqual([id]);
    expect(await find(words.toReversed().join("."))).toEqual([]);
    expect(await find(chinese)).toEqual([said]);
  });

  test("a search for more words than anybody types is refused", async () => {
    const { search } = await withTexts();
    const words = Array.from({ length: 33 }, (_, i) => `w${i}`).join(" ");
    const { status, body } = await search(words);
    expect(status).toBe(422);
    expect(body.errors[0]).toMatchObject({ pointer: "q" });
    expect(body.detail).toContain("32 words");
    expect((await search(words.split(" ").slice(1).join(" "))).status).toBe(200);
  });

  test("a search leaves the event loop free, however long it takes", async () => {
    const { ask, search } = await withTexts();
    const body = "a b a b a c ".repeat(2700);
    const messages = Array.from({ length: 100 }, () => ({ to: "user", body }));
    await ask("POST", "/v1/messages/batch", { messages });
    await search("warm");
    let done = false;
    const found = ask("GET", "/v1/messages?q=b.a.b.a.b.a.b.a").finally(() => {
      done = true;
    });
    let turns = 0;
    for (; !done; turns++) await new Promise((resolve) => setImmediate(resolve));
    expect((await found).status).toBe(200);
    expect(turns).toBeGreaterThan(50);
  });
});

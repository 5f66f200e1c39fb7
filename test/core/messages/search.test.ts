import { describe, expect, test } from "bun:test";
import { startRelay } from "../../support/relay.ts";

async function withTexts() {
  const relay = await startRelay();
  const { ask } = relay;
  const ann = await relay.agent("ann", { tags: ["team"] });
  const ben = await relay.agent("ben", { tags: ["team"] });
  const eve = await relay.agent("eve");
  const find = async (q: string, who?: { token: string }, more = "") => {
    await relay.relay.settle();
    const { status, body } = await ask("GET", `/v1/messages?q=${encodeURIComponent(q)}${more}`, undefined, who);
    expect(status).toBe(200);
    return body.items.map((item: { id: number }) => item.id) as number[];
  };
  return {
    ...relay,
    ann,
    ben,
    eve,
    find,
    say: async (body: string, fields = {}, who = ann) =>
      (await ask("POST", "/v1/messages", { to: "ben", body, ...fields }, who)).body.id as number,
  };
}

describe("full-text search", () => {
  test("full-text search finds whole words of body and subject, all that are asked for, newest first", async () => {
    const { find, say } = await withTexts();
    const one = await say("The red zeppelin landed");
    const two = await say("nothing", { subject: "Zeppelin, red" });
    const three = await say("zeppelins are blue");
    expect(await find("zeppelin")).toEqual([two, one]);
    expect(await find("red zeppelin")).toEqual([two, one]);
    expect(await find("zeppelin landed")).toEqual([one]);
    expect(await find("zeppelins")).toEqual([three]);
    expect(await find("zep")).toEqual([]);
  });

  test.each([
    ["don't", "I don't know"],
    ['"quoted words"', 'he said "quoted words" twice'],
    ["a-b-c", "version a-b-c shipped"],
    ["foo:bar", "key foo:bar here"],
    ["error*", "an error occurred"],
    ["NOT", "do NOT touch"],
    ["AND OR NEAR", "AND OR NEAR"],
    ["body:secret", "body secret"],
    ["(parens", "in (parens) yes"],
    ["^caret", "caret"],
    ["x + y", "x y"],
    ["50%", "50 percent off"],
    ["naïve", "a naive idea"],
    ["naive", "a naïve idea"],
    ["STRASSE", "strasse"],
    ["ÜBER", "über alles"],
    ["ΕΛΛΗΝΙΚΆ", "ελληνικά γράμματα"],
    ["привет", "Привет мир"],
    ["東京", "東京 へ"],
    ["日本語", "これは 日本語 です"],
    ["🚀 launch", "🚀 launch today"],
  ])("full-text search finds %j in %j: what is typed is words, never a query language", async (q, body) => {
    const { find, say } = await withTexts();
    const id = await say(body);
    await say("something else");
    expect(await find(q)).toEqual([id]);
  });

  test("full-text search finds a word of Chinese or Japanese inside a run of text without spaces", async () => {
    const { find, say } = await withTexts();
    const id = await say("明日東京で会いましょう");
    const other = await say("今天天气很好");
    expect(await find("東京")).toEqual([id]);
    expect(await find("会いましょう")).toEqual([id]);
    expect(await find("天气")).toEqual([other]);
    expect(await find("京東")).toEqual([]);
    expect(await find("天 今")).toEqual([other]);
    const korean = await say("서울에서만나요 KTX열차");
    expect(await find("서울")).toEqual([korean]);
    expect(await find("KTX")).toEqual([korean]);
    const mixed = await say("GPU を使う");
    expect(await find("GPU")).toEqual([mixed]);
  });

  test.each(['"', "'", "*", "()", "--", "AND", "{}", "\\", "%", ".", "🚀", "\u0301"])(
    "G9: full-text search %j alone finds nothing or something, and is never an error",
    async (q) => {
      const { find, say } = await withTexts();
      await say("plain text");
      expect(await find(q)).toEqual([]);
    },
  );

  test("full-text search never finds what is opaque", async () => {
    const { find, say } = await withTexts();
    await say("zeppelin", { encoding: "opaque", subject: "zeppelin" });
    const plain = await say("zeppelin");
    expect(await find("zeppelin")).toEqual([plain]);
  });

  test("full-text search finds a huge message by its beginning", async () => {
    const { find, say } = await withTexts();
    const id = await say(`first ${"filler ".repeat(30_000)} last`);
    expect(await find("first")).toEqual([id]);
    expect(await find("last")).toEqual([]);
  });

  test("full-text search goes together with filters and places", async () => {
    const { find, say, ann, ben } = await withTexts();
    const one = await say("zeppelin", { topic: "air" });
    const two = await say("zeppelin", { to: "ann" }, ben);
    const three = await say("zeppelin");
    expect(await find("zeppelin", ann, "&topic=air")).toEqual([one]);
    expect(await find("zeppelin", ann, "&from=ben")).toEqual([two]);
    expect(await find("zeppelin", ann, `&before=${three}`)).toEqual([two, one]);
    expect(await find("zeppelin", ann, `&after=${one}`)).toEqual([three, two]);
    expect(await find("zeppelin", ann, "&state=open")).toEqual([]);
  });

  test("full-text search pages without gaps or repeats", async () => {
    const { ask, say, relay } = await withTexts();
    const ids: number[] = [];
    for (let i = 0; i < 25; i++) ids.unshift(await say(`zeppelin ${i}`));
    await relay.settle();
    const seen: number[] = [];
    for (let page: string | null = ""; page !== null; ) {
      const { body } = await ask("GET", `/v1/messages?q=zeppelin&limit=4${page ? `&page=${page}` : ""}`);
      seen.push(...body.items.map((item: { id: number }) => item.id));
      page = body.nextPage;
    }
    expect(seen).toEqual(ids);
  });

  test("G10: full-text search finds for an agent only what it may read", async () => {
    const { find, say, ask, ann, ben, eve } = await withTexts();
    const direct = await say("zeppelin");
    const group = await say("zeppelin", { to: "tag:team" });
    const broadcast = await say("zeppelin", { to: "broadcast" });
    expect(await find("zeppelin", ann)).toEqual([broadcast, group, direct]);
    expect(await find("zeppelin", ben)).toEqual([broadcast, group, direct]);
    expect(await find("zeppelin", eve)).toEqual([broadcast]);
    await ask("PATCH", "/v1/agents/eve", { tags: ["team"] }, eve);
    const later = await say("zeppelin", { to: "tag:team" });
    expect(await find("zeppelin", eve)).toEqual([later, broadcast]);
    // The index holds the recipients, and not as words to search for.
    expect(await find("ben")).toEqual([]);
    expect(await find(`w${Buffer.from("ben").toString("hex")}`)).toEqual([]);
  });

  test("full-text search indexes what is there when the relay starts again", async () => {
    const { find, say, restart } = await withTexts();
    const id = await say("zeppelin");
    await restart();
    expect(await find("zeppelin")).toEqual([id]);
    const next = await say("zeppelin");
    expect(await find("zeppelin")).toEqual([next, id]);
  });
});

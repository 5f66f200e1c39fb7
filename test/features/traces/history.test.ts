import { describe, expect, test } from "bun:test";
import { startRelay } from "../../support/relay.ts";

interface Item {
  id: number;
  body: string;
  traces?: { type: string; agentId: string }[];
}

async function withHistory() {
  const relay = await startRelay({ durability: "normal" });
  const { ask } = relay;
  const ann = await relay.agent("ann", { tags: ["team"] });
  const ben = await relay.agent("ben", { tags: ["team"] });
  const eve = await relay.agent("eve");
  const history = async (query = "", who?: { token: string }) => {
    const { status, body } = await ask("GET", `/v1/history${query}`, undefined, who);
    if (status !== 200) throw new Error(JSON.stringify(body));
    return body as { items: Item[]; nextPage: string | null };
  };
  return {
    ...relay,
    ann,
    ben,
    eve,
    history,
    ids: async (query = "", who?: { token: string }) => (await history(query, who)).items.map((item) => item.id),
    say: async (who: { token: string } | undefined, to: string, body: string, fields = {}) =>
      (await ask("POST", "/v1/messages", { to, body, ...fields }, who)).body.id as number,
    trace: (who: { token: string }, id: number, ...types: [number, string][]) =>
      ask(
        "POST",
        `/v1/messages/${id}/traces`,
        types.map(([level, type]) => ({ level, type, content: `${type} ${id}` })),
        who,
      ),
  };
}

describe("history", () => {
  test("history is the newest page, oldest first, and goes on to older ones without a gap or a repeat", async () => {
    const { say, history, ids } = await withHistory();
    const all: number[] = [];
    // All in the same millisecond: a cursor made of time would lose or repeat some.
    for (let i = 0; i < 7; i++) all.push(await say(undefined, "ann", `${i}`));
    expect(await ids()).toEqual(all);
    const first = await history("?limit=3");
    expect(first.items.map((item) => item.id)).toEqual(all.slice(4));
    await say(undefined, "ann", "meanwhile");
    const second = await history(`?limit=3&page=${first.nextPage}`);
    expect(second.items.map((item) => item.id)).toEqual(all.slice(1, 4));
    const third = await history(`?limit=3&before=${second.nextPage}`);
    expect(third.items.map((item) => item.id)).toEqual(all.slice(0, 1));
    expect(third.nextPage).toBeNull();
    expect(await ids("?before=1")).toEqual([]);
    expect(await ids("?before=1000000")).toHaveLength(8);
  });

  test("history has traces up to the level that was asked for", async () => {
    const { say, trace, history, ann, ben } = await withHistory();
    const id = await say(ann, "ben", "Is main green?");
    await trace(ben, id, [2, "thinking"], [2, "planning"], [3, "file_read"], [3, "command_exec"]);
    const types = async (query: string) => (await history(query, ann)).items[0]?.traces?.map((trace) => trace.type);
    expect(await types("")).toBeUndefined();
    expect(await types("?level=2")).toEqual(["thinking", "planning"]);
    expect(await types("?level=3")).toEqual(["thinking", "planning", "file_read", "command_exec"]);
    expect(await types("?level=3&traceType=file_read")).toEqual(["file_read"]);
    expect(await types("?level=2&traceType=file_read")).toEqual([]);
  });

  test("history is narrowed by thread, agent, sender and words", async () => {
    const { say, trace, ids, history, relay, ann, ben, eve } = await withHistory();
    const root = await say(ann, "ben", "Is the zeppelin green?");
    const reply = await say(ben, "ann", "It is", { replyTo: root });
    const aside = await say(ben, "eve", "100% zeppelin_x");
    const own = await say(undefined, "ben", "A person asks");
    await trace(ben, root, [3, "tool_call"]);
    await trace(ann, root, [2, "thinking"]);
    await relay.settle();
    expect(await ids(`?thread=${root}`)).toEqual([root, reply]);
    expect(await ids(`?thread=${reply}`)).toEqual([root, reply]);
    expect(await ids("?agent=eve")).toEqual([aside]);
    expect(await ids("?sender=ben")).toEqual([reply, aside]);
    expect(await ids("?sender=user")).toEqual([own]);
    expect(await ids("?q=zeppelin")).toEqual([root, aside]);
    expect(await ids(`?q=zeppelin&thread=${root}`)).toEqual([root]);
    // Signs are no wildcards.
    expect(await ids("?q=%25%25%25")).toEqual([]);
    expect(await ids("?q=zepp_lin")).toEqual([]);
    // Traces are not searched; of an agent's history one sees its own.
    expect(await ids("?q=tool_call")).toEqual([]);
    const [item] = (await history("?level=3&agent=ann")).items;
    expect(item?.traces?.map((trace) => trace.agentId)).toEqual(["ann"]);
    expect(await ids("?q=zeppelin", eve)).toEqual([aside]);
  });

  test("history shows encrypted messages to who may read them, and never finds them by words", async () => {
    const { say, ids, relay, ann, ben } = await withHistory();
    const id = await say(ann, "ben", "cGVsaWthbg zeppelin", { encoding: "opaque" });
    await relay.settle();
    expect(await ids("", ben)).toEqual([id]);
    expect(await ids("?q=zeppelin", ben)).toEqual([]);
  });

  test("G10: history is what the caller may read, and nothing else", async () => {
    const { say, trace, ids, history, ask, ann, ben, eve } = await withHistory();
    const one = await say(ann, "ben", "for ben");
    const two = await say(ann, "tag:team", "for the team");
    await trace(ben, one, [2, "thinking"]);
    await ask("PATCH", "/v1/agents/eve", { tags: ["team"] }, eve);
    expect(await ids("", eve)).toEqual([]);
    expect(await ids(`?thread=${one}`, eve)).toEqual([]);
    expect(await ids("", ben)).toEqual([one, two]);
    expect((await history("?level=3", ben)).items[0]?.traces).toHaveLength(1);
    const enroll = (await ask("POST", "/v1/tokens", { role: "enroll", prefix: "new-" })).body;
    expect((await ask("GET", "/v1/history", undefined, enroll)).status).toBe(403);
  });

  test.each(["limit=0", "limit=-1", "limit=501", "level=4", "level=0", "before=x", "page=x", "nonsense=1", "thread=0"])(
    "history refuses %s",
    async (query) => {
      const { ask } = await withHistory();
      expect((await ask("GET", `/v1/history?${query}`)).status).toBe(422);
    },
  );

  test("history of a message with very many traces shows the first, and says where the rest is", async () => {
    const { say, trace, history, ask, ann, ben } = await withHistory();
    const id = await say(ann, "ben", "much ado");
    for (let i = 0; i < 3; i++) await trace(ben, id, ...Array<[number, string]>(100).fill([2, "thinking"]));
    const [item] = (await history("?level=2", ann)).items as (Item & { tracesPage: string })[];
    expect(item?.traces).toHaveLength(200);
    expect(item?.tracesPage).toBe("200");
    const rest = await ask("GET", `/v1/messages/${id}/traces?page=${item?.tracesPage}&limit=500`, undefined, ann);
    expect(rest.body.items).toHaveLength(100);
  });

  test("a page of history ends where there is much to look at, and the next goes on", async () => {
    const { say, trace, history, ann, ben } = await withHistory();
    const all: number[] = [];
    for (let i = 0; i < 12; i++) {
      const id = await say(ann, "ben", `${i}`);
      for (let n = 0; n < 10; n++) await trace(ben, id, ...Array<[number, string]>(100).fill([2, "thinking"]));
      all.push(id);
    }
    const first = await history("?level=3&traceType=reference", ann);
    expect(first.items.map((item) => item.id)).toEqual(all.slice(2));
    const second = await history(`?level=3&traceType=reference&page=${first.nextPage}`, ann);
    expect(second.items.map((item) => item.id)).toEqual(all.slice(0, 2));
  });
});

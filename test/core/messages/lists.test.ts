import { describe, expect, test } from "bun:test";
import { startRelay, type TestRelay } from "../../support/relay.ts";

type Who = { token: string } | undefined;

/** Asks for all pages of a list; answers the ids, and how many pages that were. */
async function everyPage({ ask }: Pick<TestRelay, "ask">, path: string, who?: Who) {
  const ids: number[] = [];
  let pages = 0;
  for (let page: string | null = ""; page !== null; ) {
    const { status, body } = await ask("GET", page ? `${path}&page=${page}` : path, undefined, who);
    expect(status).toBe(200);
    ids.push(...body.items.map((item: { id: number }) => item.id));
    page = body.nextPage;
    pages++;
  }
  return { ids, pages };
}

async function withMessages() {
  const relay = await startRelay({ durability: "normal" });
  const { ask } = relay;
  const ann = await relay.agent("ann", { tags: ["team"] });
  const ben = await relay.agent("ben", { tags: ["team"] });
  const send = async (who: Who, to: string, fields = {}) =>
    (await ask("POST", "/v1/messages", { to, body: "x", ...fields }, who)).body.id as number;
  const ids = {
    annToBen: await send(ann, "ben", { topic: "build" }),
    benToAnn: await send(ben, "ann"),
    annToTeam: await send(ann, "tag:team", { topic: "build", claimable: true }),
    userToAll: await send(undefined, "broadcast", { kind: "task" }),
    userToBen: await send(undefined, "ben", { topic: "other" }),
    benToUser: await send(ben, "user", { claimable: true }),
  };
  const reply = await send(ben, "ann", { replyTo: ids.annToBen });
  return { ...relay, ann, ben, send, ids: { ...ids, reply } };
}

type Name = keyof Awaited<ReturnType<typeof withMessages>>["ids"];

describe("filters of the list of messages", () => {
  test.each([
    ["", ["reply", "benToUser", "userToBen", "userToAll", "annToTeam", "benToAnn", "annToBen"]],
    ["from=ann", ["annToTeam", "annToBen"]],
    ["to=ben", ["userToBen", "annToBen"]],
    ["to=tag:team", ["annToTeam"]],
    ["agent=ben", ["reply", "benToUser", "userToBen", "benToAnn", "annToBen"]],
    ["agent=user", ["benToUser", "userToBen", "userToAll"]],
    ["topic=build", ["annToTeam", "annToBen"]],
    ["kind=task&from=user", ["userToAll"]],
    ["kind=task", ["benToUser", "userToAll", "annToTeam"]],
    ["state=open", ["benToUser", "annToTeam"]],
    ["state=done", []],
    ["thread={annToBen}", ["reply", "annToBen"]],
    ["from=ann&topic=build&kind=task", ["annToTeam"]],
    ["from=ann&to=ben", ["annToBen"]],
    ["agent=ben&from=ben&to=ann", ["reply", "benToAnn"]],
    ["state=open&from=ben", ["benToUser"]],
    ["before={userToAll}", ["annToTeam", "benToAnn", "annToBen"]],
    ["after={userToAll}", ["reply", "benToUser", "userToBen"]],
    ["after={benToAnn}&before={benToUser}", ["userToBen", "userToAll", "annToTeam"]],
    ["from=nobody", []],
  ] as [string, Name[]][])("the list of messages is narrowed by ?%s", async (query, expected) => {
    const { ids, ...relay } = await withMessages();
    const filled = query.replaceAll(/\{(\w+)\}/g, (_, name: Name) => String(ids[name]));
    const want = expected.map((name) => ids[name]);
    expect((await everyPage(relay, `/v1/messages?limit=500&${filled}`)).ids).toEqual(want);
    expect((await everyPage(relay, `/v1/messages?limit=2&${filled}`)).ids).toEqual(want);
  });

  test.each([
    "?state=lost",
    "?kind=x",
    "?thread=0",
    "?thread=x",
    "?before=0",
    "?limit=0",
    "?limit=501",
    "?page=x",
    "?from=A B",
  ])("the list of messages with %s is refused", async (query) => {
    const { ask } = await withMessages();
    expect((await ask("GET", `/v1/messages${query}`)).status).toBe(422);
  });
});

describe("G10: what an agent finds", () => {
  test("G10: what an agent finds is what it sent and what was for it, whatever the filter", async () => {
    const { ids, ann, ben, ...relay } = await withMessages();
    const { annToBen, benToAnn, annToTeam, userToAll, userToBen, benToUser, reply } = ids;
    const seen = async (query: string, who: Who) => (await everyPage(relay, `/v1/messages?limit=3${query}`, who)).ids;
    expect(await seen("", ann)).toEqual([reply, userToAll, annToTeam, benToAnn, annToBen]);
    expect(await seen("", ben)).toEqual([reply, benToUser, userToBen, userToAll, annToTeam, benToAnn, annToBen]);
    expect(await seen("&agent=ben", ann)).toEqual([reply, benToAnn, annToBen]);
    expect(await seen("&to=user", ann)).toEqual([]);
    expect(await seen("&state=open", ann)).toEqual([annToTeam]);
    expect(await seen("&topic=other", ann)).toEqual([]);
    expect(await seen("&topic=other", ben)).toEqual([userToBen]);
  });

  test("G10: what an agent finds is not what came to a group before it joined or after it left", async () => {
    const { ids, ann, ask, send, agent, ...relay } = await withMessages();
    const late = await agent("late");
    await ask("PATCH", "/v1/agents/late", { tags: ["team"] }, late);
    const while_ = await send(ann, "tag:team");
    await ask("PATCH", "/v1/agents/late", { tags: [] }, late);
    await send(ann, "tag:team");
    expect((await everyPage({ ask, ...relay }, "/v1/messages?limit=10", late)).ids).toEqual([while_]);
    expect(while_).toBeGreaterThan(ids.reply);
  });
});

describe("pages", () => {
  test("pages of messages have no gaps and no repeats while messages keep coming", async () => {
    const { ask, ann, ids, send } = await withMessages();
    for (let i = 0; i < 60; i++) await send(ann, "ben");
    const head = (await ask("GET", "/v1/agents/ben/inbox?limit=1")).body.head as number;
    const seen: number[] = [];
    for (let page: string | null = ""; page !== null; ) {
      const { body } = await ask("GET", `/v1/messages?limit=7${page ? `&page=${page}` : ""}`);
      seen.push(...body.items.map((item: { id: number }) => item.id));
      page = body.nextPage;
      await send(ann, "ben");
    }
    expect(seen).toEqual(Array.from({ length: head }, (_, i) => head - i));
    expect(ids.annToBen).toBe(1);
  });

  test("Link leads to the next page of messages, filters and all", async () => {
    const { ask } = await withMessages();
    const first = await ask("GET", "/v1/messages?from=ann&limit=1");
    const link = /^<(.*)>; rel="next"$/.exec(first.headers.get("link") ?? "")?.[1] ?? "";
    expect(new URL(link, "http://x").searchParams.get("from")).toBe("ann");
    const second = await ask("GET", link);
    expect(second.body.items).toHaveLength(1);
    expect(second.body.items[0].id).toBeLessThan(first.body.items[0].id);
    expect(second.headers.get("link")).toBeNull();
  });

  test("G9: pages of messages end at 4 MiB, and what did not fit comes on the next", async () => {
    const { ask, ann, ...relay } = await withMessages();
    const messages = Array.from({ length: 20 }, () => ({ to: "ben", topic: "big", body: "x".repeat(250_000) }));
    for (let i = 0; i < 2; i++) await ask("POST", "/v1/messages/batch", { messages }, ann);
    const first = await ask("GET", "/v1/messages?topic=big&limit=500");
    expect(JSON.stringify(first.body).length).toBeLessThan(4.5 * 1024 * 1024);
    expect(first.body.items.length).toBeGreaterThan(10);
    expect(first.body.nextPage).not.toBeNull();
    const { ids, pages } = await everyPage({ ask, ...relay }, "/v1/messages?topic=big&limit=500");
    expect(new Set(ids).size).toBe(40);
    expect(ids).toEqual([...ids].sort((a, b) => b - a));
    expect(pages).toBe(3);
  });

  test("G9: pages of messages are short, with a place to go on from, where a filter matches little among many", async () => {
    const { ask, ann, ben, send, ...relay } = await withMessages();
    const rare: number[] = [];
    for (let i = 0; i < 5; i++) {
      rare.unshift(await send(ann, "tag:team", { topic: "rare" }));
      const to = (n: number) => (n % 2 ? "ben" : "tag:team");
      const messages = Array.from({ length: 900 }, (_, n) => ({ to: to(n), topic: "common", body: "x" }));
      await ask("POST", "/v1/messages/batch", { messages }, ann);
    }
    const first = await ask("GET", "/v1/messages?topic=rare&limit=100");
    expect(first.body.items.length).toBeLessThan(5);
    expect(first.body.nextPage).not.toBeNull();
    for (const query of ["topic=rare", "topic=rare&from=ann", "topic=rare&to=tag:team", "topic=rare&agent=ann"])
      for (const who of [undefined, ann, ben]) {
        const { ids, pages } = await everyPage({ ask, ...relay }, `/v1/messages?${query}&limit=100`, who);
        expect(ids).toEqual(rare);
        expect(pages).toBeGreaterThan(1);
      }
  });

  test("open work is found page by page among much that is done", async () => {
    const { ask, ann, ben, send, ids, ...relay } = await withMessages();
    const early = await send(ann, "ben", { claimable: true });
    const messages = Array.from({ length: 100 }, () => ({ to: "ben", body: "x", claimable: true }));
    for (let i = 0; i < 3; i++) {
      await ask("POST", "/v1/messages/batch", { messages }, ann);
      const { items } = (await ask("POST", "/v1/agents/ben/claims", { max: 100 }, ben)).body;
      for (const { message, claim } of items)
        if (message.id !== early) await ask("POST", `/v1/messages/${message.id}/complete`, { token: claim.token }, ben);
        else await ask("POST", `/v1/messages/${early}/release`, { token: claim.token }, ben);
    }
    const open = await everyPage({ ask, ...relay }, "/v1/messages?state=open&to=ben&limit=10");
    expect(open.ids).toContain(early);
    const done = await everyPage({ ask, ...relay }, "/v1/messages?state=done&to=ben&limit=50");
    expect(new Set(done.ids).size).toBe(done.ids.length);
    expect(done.ids.length + open.ids.length).toBe(301);
    expect(ids.annToTeam).toBeLessThan(early);
  });
});

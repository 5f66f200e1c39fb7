import { describe, expect, test } from "bun:test";
import { listen } from "../../support/listen.ts";
import { startRelay } from "../../support/relay.ts";
import { openStream } from "../../support/stream.ts";

async function withWatchers() {
  const relay = await startRelay();
  const url = listen(relay);
  const ann = await relay.agent("ann", { tags: ["team"] });
  const ben = await relay.agent("ben", { tags: ["team"] });
  const cleo = await relay.agent("cleo");
  const viewer = (await relay.ask("POST", "/v1/tokens", { role: "viewer" })).body as { token: string; id: string };
  const operator = { token: relay.relay.operatorToken };
  return {
    ...relay,
    ann,
    ben,
    cleo,
    viewer,
    operator,
    watch: (who: { token: string }, query = "", how: { instance?: string; headers?: Record<string, string> } = {}) =>
      openStream(`${url}/v1/messages/stream${query}`, { token: who.token, ...how }),
    send: async (who: { token: string }, to: string, fields = {}) =>
      (await relay.ask("POST", "/v1/messages", { to, body: "x", ...fields }, who)).body.id as number,
  };
}

type World = Awaited<ReturnType<typeof withWatchers>>;

/** One of everything: what each of them is allowed to see. */
async function sendSome({ send, ann, ben, cleo }: World) {
  return {
    annToBen: await send(ann, "ben"),
    benToCleo: await send(ben, "cleo"),
    cleoToTeam: await send(cleo, "tag:team", { topic: "build", claimable: true }),
    cleoToAll: await send(cleo, "broadcast"),
    cleoToUser: await send(cleo, "user"),
    annToTeam: await send(ann, "tag:team"),
  };
}

describe("the stream of everything one may read", () => {
  test.each(["live", "stored"])(
    "G10: operator and viewer see all of the watch stream, an agent what concerns it: %s",
    async (when) => {
      const world = await withWatchers();
      const { watch, operator, viewer, ann, cleo, ask } = world;
      const start = (await ask("POST", "/v1/messages", { to: "user", body: "a mark" })).body.id as number;
      const openAll = () => Promise.all([operator, viewer, ann, cleo].map((who) => watch(who, `?after=${start}`)));
      let streams = when === "live" ? await openAll() : [];
      for (const stream of streams) await stream.first("hello");
      const ids = await sendSome(world);
      if (when === "stored") streams = await openAll();
      const mark = await world.send(cleo, "ann");
      for (const stream of streams) await stream.until((so) => so.ids().at(-1) === mark);
      const [all, seen, anns, cleos] = streams.map((stream) => stream.ids().slice(0, -1));
      const everything = Object.values(ids);
      expect(all).toEqual(everything);
      expect(seen).toEqual(everything);
      expect(anns).toEqual([ids.annToBen, ids.cleoToTeam, ids.cleoToAll, ids.annToTeam]);
      expect(cleos).toEqual([ids.benToCleo, ids.cleoToTeam, ids.cleoToAll, ids.cleoToUser]);
    },
  );

  test("G10: a token that may read nothing gets 403 from the watch stream", async () => {
    const { watch, ask } = await withWatchers();
    const enroll = (await ask("POST", "/v1/tokens", { role: "enroll", prefix: "new-" })).body;
    const { response } = await watch(enroll);
    expect(response.status).toBe(403);
  });

  test("the watch stream begins with hello at the head, and goes on from Last-Event-ID with no gap", async () => {
    const { watch, operator, send, ann } = await withWatchers();
    const first = await send(ann, "ben");
    const stream = await watch(operator);
    expect((await stream.first("hello")).data).toEqual({ head: first, firstId: 1 });
    const second = await send(ann, "ben");
    const message = await stream.first("message");
    expect(message).toMatchObject({ id: String(second), data: { id: second } });
    stream.close();
    const third = await send(ann, "ben");
    const again = await watch(operator, "", { headers: { "last-event-id": String(second) } });
    await again.first("message");
    expect(again.ids()).toEqual([third]);
  });

  test("memberships that change while an agent watches change what it sees from there on", async () => {
    const { watch, ask, send, ann, cleo } = await withWatchers();
    const stream = await watch(ann);
    await stream.first("hello");
    await ask("PATCH", "/v1/agents/ann", { tags: ["other"] }, ann);
    await send(cleo, "tag:team");
    const joined = await send(cleo, "tag:other");
    const mark = await send(cleo, "ann");
    await stream.until((so) => so.ids().at(-1) === mark);
    expect(stream.ids()).toEqual([joined, mark]);
  });

  test("G3: thousands of messages while a watch stream connects come once and in order", async () => {
    const { watch, operator, ask, cleo } = await withWatchers();
    const sending = (async () => {
      for (let i = 0; i < 30; i++) {
        const messages = Array.from({ length: 100 }, () => ({ to: "ann", body: "x" }));
        await ask("POST", "/v1/messages/batch", { messages }, cleo);
      }
    })();
    const streams = await Promise.all([watch(operator, "?after=0"), watch(operator, "?after=0&from=cleo")]);
    await sending;
    for (const stream of streams) {
      await stream.until((so) => so.ids().length >= 3000);
      expect(stream.ids()).toEqual(Array.from({ length: 3000 }, (_, i) => i + 1));
    }
  });
});

describe("filters of the watch stream", () => {
  test.each([
    ["?from=cleo", ["cleoToTeam", "cleoToAll", "cleoToUser"]],
    ["?to=ben", ["annToBen"]],
    ["?to=tag:team", ["cleoToTeam", "annToTeam"]],
    ["?agent=ben", ["annToBen", "benToCleo"]],
    ["?topic=build", ["cleoToTeam"]],
    ["?kind=task", ["cleoToTeam"]],
    ["?state=open", ["cleoToTeam"]],
    ["?from=cleo&to=broadcast", ["cleoToAll"]],
    ["?from=cleo&kind=control", []],
  ] as [string, (keyof Awaited<ReturnType<typeof sendSome>>)[]][])(
    "the watch stream is filtered by %s, live and stored",
    async (query, names) => {
      const world = await withWatchers();
      const live = await world.watch(world.operator, query);
      await live.first("hello");
      const ids = await sendSome(world);
      const stored = await world.watch(world.operator, `${query}&after=0`);
      // One that every filter lets through does not exist: the unfiltered stream says when all has been read.
      const all = await world.watch(world.operator, "?after=0");
      await all.until((so) => so.ids().length === Object.keys(ids).length);
      for (const stream of [live, stored]) await stream.until((so) => so.ids().length >= names.length);
      expect(live.ids()).toEqual(names.map((name) => ids[name]));
      expect(stored.ids()).toEqual(names.map((name) => ids[name]));
    },
  );

  test("?thread= makes the watch stream follow one thread", async () => {
    const { watch, operator, send, ann, ben } = await withWatchers();
    const root = await send(ann, "ben");
    const stream = await watch(operator, `?thread=${root}&after=0`);
    await stream.first("message");
    await send(ann, "ben");
    const reply = await send(ben, "ann", { replyTo: root });
    await stream.until((so) => so.ids().length >= 2);
    expect(stream.ids()).toEqual([root, reply]);
  });

  test("an unknown filter of the watch stream is refused", async () => {
    const { watch, operator } = await withWatchers();
    const { response } = await watch(operator, "?colour=red");
    expect(response.status).toBe(422);
  });
});

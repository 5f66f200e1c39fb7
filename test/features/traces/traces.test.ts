import { describe, expect, test } from "bun:test";
import { MAX_TRACES } from "../../../src/protocol/limits.ts";
import { CONTENT_BYTES, METADATA_BYTES } from "../../../src/protocol/traces.ts";
import { listen } from "../../support/listen.ts";
import { startRelay } from "../../support/relay.ts";
import { openStream } from "../../support/stream.ts";
import { until } from "../../support/until.ts";

const HOUR = 3_600_000;
const DAY = 24 * HOUR;

const thought = { level: 2, type: "thinking", content: "What if main is red?" };
const command = { level: 3, type: "command_exec", content: "bun test", metadata: { command: "bun test", exitCode: 0 } };

async function withTraces(overrides = {}) {
  const relay = await startRelay(overrides);
  const ann = await relay.agent("ann", { tags: ["team"] });
  const ben = await relay.agent("ben", { tags: ["team"] });
  const eve = await relay.agent("eve");
  const { ask } = relay;
  return {
    ...relay,
    ann,
    ben,
    eve,
    say: async (to: string, fields = {}) =>
      (await ask("POST", "/v1/messages", { to, body: "Is main green?", ...fields }, ann)).body.id as number,
    trace: (who: { token: string } | undefined, id: number, traces: unknown, more = "", headers = {}) =>
      ask("POST", `/v1/messages/${id}/traces${more}`, traces, { ...who, headers }),
    traces: (who: { token: string } | undefined, id: number, query = "") =>
      ask("GET", `/v1/messages/${id}/traces${query}`, undefined, who),
  };
}

describe("traces of a message", () => {
  test("traces of a message are kept in the order in which they were said, with who said them", async () => {
    const { say, trace, traces, ann, ben } = await withTraces();
    const id = await say("ben");
    const made = await trace(ben, id, [thought, command]);
    expect(made.status).toBe(201);
    await trace(ann, id, [{ level: 2, type: "decision", content: "Wait." }]);
    const { items, nextPage } = (await traces(ann, id)).body;
    expect(items).toMatchObject([
      { messageId: id, number: 1, agentId: "ben", via: null, metadata: null, ...thought },
      { messageId: id, number: 2, agentId: "ben", ...command },
      { messageId: id, number: 3, agentId: "ann", type: "decision" },
    ]);
    expect(made.body.items).toEqual(items.slice(0, 2));
    expect(nextPage).toBeNull();
    expect(items[0].id < items[1].id && items[1].id < items[2].id).toBe(true);
  });

  test("traces of a message may be encrypted by the clients: carried untouched", async () => {
    const { say, trace, traces, ann, ben, ask } = await withTraces();
    const id = await say("ben");
    const secret = { level: 2, type: "thinking", content: "SGVsbG8", encoding: "opaque", metadata: { part: 1 } };
    expect((await trace(ben, id, [secret, thought])).body.items).toMatchObject([secret, { encoding: "plain" }]);
    expect((await traces(ann, id)).body.items).toMatchObject([secret, { ...thought, encoding: "plain" }]);
    const [item] = (await ask("GET", `/v1/history?thread=${id}&level=3`, undefined, ann)).body.items;
    expect(item.traces[0]).toMatchObject(secret);
  });

  test("traces of a message are narrowed by level, type and agent, and come in pages", async () => {
    const { say, trace, traces, ann, ben } = await withTraces();
    const id = await say("ben");
    await trace(ben, id, [thought, command, thought, { level: 3, type: "signalbox.custom", content: "own" }]);
    await trace(ann, id, [thought]);
    const numbers = async (query: string) =>
      (await traces(ben, id, query)).body.items.map((t: { number: number }) => t.number);
    expect(await numbers("?level=2")).toEqual([1, 3, 5]);
    expect(await numbers("?type=command_exec")).toEqual([2]);
    expect(await numbers("?agent=ann")).toEqual([5]);
    expect(await numbers("?type=signalbox.custom&agent=ann")).toEqual([]);
    const first = await traces(ben, id, "?level=2&limit=2");
    expect(first.body.nextPage).toBe("3");
    expect(first.headers.get("link")).toContain("page=3");
    expect(await numbers("?level=2&limit=2&page=3")).toEqual([5]);
  });

  test("G5: traces said twice with one key are there once; other traces under that key are refused", async () => {
    const { say, trace, traces, ben, restart } = await withTraces();
    const id = await say("ben");
    const key = { "idempotency-key": "turn-1" };
    const first = await trace(ben, id, [thought, command], "", key);
    await restart();
    const again = await trace(ben, id, [thought, command], "", key);
    expect([first.status, again.status]).toEqual([201, 200]);
    expect(again.body).toEqual(first.body);
    expect(again.headers.get("idempotent-replayed")).toBe("true");
    expect((await trace(ben, id, [thought], "", key)).body).toMatchObject({
      status: 422,
      code: "idempotency-mismatch",
    });
    expect((await traces(ben, id)).body.items).toHaveLength(2);
  });

  test("the story of a message names who traced it", async () => {
    const { say, trace, ask, ann, ben } = await withTraces();
    const id = await say("ben");
    await trace(ben, id, [thought, command]);
    const { facts } = (await ask("GET", `/v1/messages/${id}/explain`, undefined, ann)).body;
    expect(facts).toContainEqual(expect.objectContaining({ step: "traced", agentId: "ben", traces: 2 }));
  });

  test("metrics count traces by level", async () => {
    const { say, trace, ask, ben } = await withTraces();
    await trace(ben, await say("ben"), [thought, command, command]);
    const { body } = await ask("GET", "/metrics");
    expect(body).toContain('signalbox_traces_total{level="2"} 1');
    expect(body).toContain('signalbox_traces_total{level="3"} 2');
  });
});

describe("G10: whose message it is", () => {
  test("G10: a message is traced, and its traces are read, by its sender, its recipients and who worked on it; nobody else", async () => {
    const { say, trace, traces, ask, ann, ben, eve } = await withTraces();
    const id = await say("ben");
    expect((await trace(eve, id, [thought])).body).toMatchObject({ status: 403, code: "forbidden" });
    expect((await traces(eve, id)).status).toBe(403);
    for (const who of [ann, ben]) expect((await trace(who, id, [thought])).status).toBe(201);
    expect((await trace(ben, 99, [thought])).status).toBe(404);
    expect((await traces(ben, 99)).status).toBe(404);
    const work = await say("tag:team", { claimable: true });
    await ask("POST", `/v1/messages/${work}/claim`, {}, ben);
    await ask("PATCH", "/v1/agents/ben", { tags: [] }, ben);
    expect((await trace(ben, work, [command])).status).toBe(201);
  });

  test("G10: an agent traces in its own name alone; an operator may name another, and then it shows", async () => {
    const { say, trace, ask, ben } = await withTraces();
    const id = await say("ben");
    expect((await trace(ben, id, [thought], "?agentId=ann")).status).toBe(403);
    expect((await trace(ben, id, [{ ...thought, agentId: "ann" }])).body).toMatchObject({
      status: 422,
      errors: [{ pointer: "/0/agentId" }],
    });
    const { tokenId } = (await ask("GET", "/v1/whoami")).body;
    expect((await trace(undefined, id, [thought])).body.items).toMatchObject([{ agentId: "user", via: null }]);
    expect((await trace(undefined, id, [thought], "?agentId=ben")).body.items).toMatchObject([
      { agentId: "ben", via: tokenId },
    ]);
    expect((await trace(undefined, id, [thought], "?agentId=eve")).status).toBe(403);
    expect((await trace(undefined, id, [thought], "?agentId=system")).status).toBe(403);
  });

  test("G6: a superseded instance traces nothing any more", async () => {
    const { say, ask, ben } = await withTraces();
    await ask("PUT", "/v1/agents/ben", { name: "ben", instanceId: "b-1" }, ben);
    await ask("PUT", "/v1/agents/ben", { name: "ben", instanceId: "b-2" }, ben);
    const id = await say("ben");
    const old = await ask("POST", `/v1/messages/${id}/traces`, [thought], { ...ben, instance: "b-1" });
    expect(old.body).toMatchObject({ status: 409, code: "superseded" });
  });
});

describe("what a trace may be", () => {
  test.each([
    ["a level that is not one", { ...thought, level: 1 }, "/0/level"],
    ["a type at the wrong level", { ...thought, level: 3 }, "/0/type"],
    ["a type that is no name", { ...thought, type: "Thinking aloud" }, "/0/type"],
    ["content that is too long", { ...thought, content: "x".repeat(CONTENT_BYTES + 1) }, "/0/content"],
    ["metadata that is too large", { ...command, metadata: { a: "x".repeat(METADATA_BYTES) } }, "/0/metadata"],
    ["metadata that is no object", { ...command, metadata: [1] }, "/0/metadata"],
    ["a field that is not known", { ...thought, id: 4 }, "/0/id"],
  ])("a trace may not be %s", async (_, trace, pointer) => {
    const world = await withTraces();
    const id = await world.say("ben");
    const refused = await world.trace(world.ben, id, [trace]);
    expect(refused.body).toMatchObject({ status: 422, errors: [{ pointer }] });
    expect((await world.traces(world.ben, id)).body.items).toEqual([]);
  });

  test("a call takes 1 to 100 traces, a message keeps 1,000; one too many refuses the whole call", async () => {
    const { say, trace, traces, ben } = await withTraces({ durability: "normal" });
    const id = await say("ben");
    const short = { level: 2, type: "thinking", content: "hm" };
    expect((await trace(ben, id, [])).status).toBe(422);
    expect((await trace(ben, id, Array(101).fill(short))).status).toBe(422);
    for (let i = 0; i < MAX_TRACES / 100; i++) await trace(ben, id, Array(i === 9 ? 99 : 100).fill(short));
    expect((await trace(ben, id, [short, short])).body).toMatchObject({ status: 409, code: "conflict" });
    expect((await trace(ben, id, [short])).status).toBe(201);
    expect((await trace(ben, id, [short])).status).toBe(409);
    const last = (await traces(ben, id, "?page=999")).body.items;
    expect(last).toMatchObject([{ number: 1000 }]);
  });

  test("an agent that used all its room on a message leaves that of the others", async () => {
    const { say, trace, traces, ann, ben } = await withTraces({ durability: "normal" });
    const id = await say("ben");
    const large = { level: 2, type: "thinking", content: "x".repeat(CONTENT_BYTES) };
    for (let i = 0; i < 8; i++) await trace(ben, id, Array(32).fill(large));
    expect((await trace(ben, id, [large])).status).toBe(409);
    expect((await trace(ann, id, [large])).status).toBe(201);
    const own = await traces(ann, id, "?agent=ann");
    expect(own.body.items).toMatchObject([{ agentId: "ann", number: 257 }]);
  });

  test("a message keeps 4 MiB of traces", async () => {
    const { say, trace, ben } = await withTraces({ durability: "normal" });
    const id = await say("ben");
    const large = { level: 2, type: "thinking", content: "x".repeat(CONTENT_BYTES) };
    for (let i = 0; i < 8; i++) expect((await trace(ben, id, Array(32).fill(large))).status).toBe(201);
    expect((await trace(ben, id, [{ ...large, content: "x" }])).status).toBe(409);
    expect((await trace(ben, await say("ben"), [large])).status).toBe(201);
  });
});

describe("traces live", () => {
  test("live traces reach those who watch and may read the message, in order, and nobody else", async () => {
    const world = await withTraces();
    const { say, trace, traces, ann, ben, eve } = world;
    const url = listen(world);
    const open = (who: { token: string }, query = "") => openStream(`${url}/v1/messages/stream${query}`, who);
    const streams = await Promise.all([open({ token: world.relay.operatorToken }), open(ann), open(eve)]);
    const other = await open(ann, "?thread=99");
    for (const stream of [...streams, other]) await stream.first("hello");
    const id = await say("ben");
    await trace(ben, id, [thought, command]);
    await trace(ann, id, [thought]);
    const [operator, asAnn, asEve] = streams;
    const seen = (await traces(ann, id)).body.items;
    for (const stream of [operator, asAnn]) {
      await stream?.until((so) => so.of("trace").length >= 3, "three traces");
      expect(stream?.of("trace").map((event) => event.data)).toEqual(seen);
      expect(stream?.ids()).toEqual([id]);
    }
    const mine = (await world.ask("POST", "/v1/messages", { to: "eve", body: "hi" })).body.id;
    await trace(eve, mine, [thought]);
    await asEve?.until((so) => so.of("trace").length >= 1, "a trace of its own");
    expect(asEve?.of("trace").map((event) => event.data.messageId)).toEqual([mine]);
    expect(other.of("trace")).toEqual([]);
  });
});

describe("retention", () => {
  test("retention takes traces with their message, however many, and no others", async () => {
    const { say, trace, traces, ask, ben, clock, pass } = await withTraces({ retentionDays: 1, durability: "normal" });
    const old: number[] = [];
    for (let i = 0; i < 6; i++) old.push(await say("ben"));
    for (const id of old) for (let n = 0; n < 10; n++) await trace(ben, id, Array(100).fill(thought));
    await pass(2 * HOUR);
    const young = await say("ben");
    await trace(ben, young, [thought]);
    clock.advance(DAY - HOUR);
    await until(async () => (await ask("GET", `/v1/messages/${old.at(-1)}`)).status === 404, "retention has run");
    for (const id of old) expect((await traces(ben, id)).status).toBe(404);
    expect((await traces(ben, young)).body.items).toHaveLength(1);
    // No id is used twice.
    expect((await trace(ben, young, [thought])).body.items[0].id).toBe(6002);
  });
});

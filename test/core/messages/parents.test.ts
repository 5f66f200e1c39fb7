import { describe, expect, test } from "bun:test";
import { join } from "node:path";
import { createClient } from "../../../src/client/client.ts";
import type { Message } from "../../../src/protocol/messages.ts";
import { lookInto } from "../../support/database.ts";
import { listen } from "../../support/listen.ts";
import { connect } from "../../support/mcp.ts";
import { startRelay } from "../../support/relay.ts";
import { openSocket } from "../../support/socket.ts";
import { openStream } from "../../support/stream.ts";

/** bob asked for something (1), and is answered (2), also by work (3); 4 replies to nothing, 5 to what bob may not read. */
async function world() {
  const relay = await startRelay();
  const url = listen(relay);
  const bob = await relay.agent("bob");
  const alice = await relay.agent("alice");
  const carol = await relay.agent("carol");
  const say = async (body: string, more: object = {}, by = alice) =>
    (await relay.ask("POST", "/v1/messages", { to: "bob", body, ...more }, by)).body.id as number;
  await say("which of the tests fail?", { to: "alice" }, bob);
  const replies = async () => {
    await say("two of them", { replyTo: 1 });
    await say("mend them", { replyTo: 1, claimable: true });
    await say("by the way");
    const hidden = await say("a secret", { to: "carol" });
    await relay.ask("POST", "/v1/messages", { to: "bob", body: "as I said", replyTo: hidden }, carol);
  };
  return { ...relay, relay, url, bob, alice, carol, say, replies };
}

const PARENT = { id: 1, from: "bob", body: "which of the tests fail?" };

/** alice has written to bob (1), who has not looked yet. */
async function unread() {
  const relay = await startRelay();
  const { ask } = relay;
  const alice = await relay.agent("alice");
  const bob = await relay.agent("bob");
  const say = async (more: object) =>
    (await ask("POST", "/v1/messages", { to: "bob", body: "x", ...more }, alice)).body.id as number;
  await say({});
  const story = async (id: number) => (await ask("GET", `/v1/messages/${id}/explain`)).body.recipients[0];
  const sentence = async (id: number) => (await story(id)).sentence as string;
  return { ...relay, alice, bob, say, story, sentence };
}

describe("a parent that is shown is offered", () => {
  const ways: Record<string, (w: Awaited<ReturnType<typeof unread>>) => Promise<unknown>> = {
    "a poll": ({ ask, bob }) => ask("GET", "/v1/agents/bob/inbox?after=1&include=parent", undefined, bob),
    "a filtered look": ({ ask, bob }) =>
      ask("GET", "/v1/agents/bob/inbox?after=1&kind=task&include=parent", undefined, bob),
    "a stream": async ({ bob, ...w }) =>
      (await openStream(`${listen(w)}/v1/agents/bob/inbox/stream?after=1&include=parent`, bob)).first("message"),
    "a socket": async ({ bob, ...w }) =>
      (await openSocket(`${listen(w)}/v1/agents/bob/socket?after=1&include=parent`, bob)).first("message"),
    "a claim": ({ ask, bob }) => ask("POST", "/v1/messages/2/claim?include=parent", {}, bob),
    "the next claim": ({ ask, bob }) => ask("POST", "/v1/agents/bob/claims?include=parent", {}, bob),
    "what is held": async ({ ask, bob }) => {
      await ask("POST", "/v1/messages/2/claim", {}, bob);
      await ask("GET", "/v1/agents/bob/claims?include=parent", undefined, bob);
    },
    "a digest": ({ ask, bob }) => ask("GET", "/v1/agents/bob/inbox/digest?after=1&include=parent", undefined, bob),
    "a claim by MCP": async (w) => (await connect(w, w.bob.token)).call("claim"),
  };
  for (const [way, show] of Object.entries(ways))
    test(`a parent that is shown is offered by ${way}, after a restart too`, async () => {
      const w = await unread();
      await w.say({ replyTo: 1, claimable: true });
      await show(w);
      expect(await w.sentence(1)).toStartWith("offered to bob at 12:00:00Z by lookup");
      await w.restart();
      expect(await w.sentence(1)).toStartWith("offered to bob at 12:00:00Z by lookup");
    });

  test("a parent is not offered without include, nor to others than the agent itself", async () => {
    const { ask, bob, say, sentence } = await unread();
    await say({ replyTo: 1, claimable: true });
    await ask("GET", "/v1/agents/bob/inbox?after=1", undefined, bob);
    await ask("GET", "/v1/agents/bob/inbox?after=1&include=parent");
    expect(await sentence(1)).toStartWith("not offered to bob");
  });

  test("a parent is not offered by a digest that had no room for its reply", async () => {
    const { ask, bob, say, sentence } = await unread();
    for (let n = 0; n < 40; n++) await say({ body: "y".repeat(400) });
    const reply = await say({ replyTo: 1 });
    const { body } = await ask("GET", "/v1/agents/bob/inbox/digest?after=1&include=parent&budget=300", undefined, bob);
    expect(body.shown).not.toContain(reply);
    expect(await sentence(1)).toStartWith("not offered to bob");
  });

  test("a parent that is shown costs one record, however often it is shown", async () => {
    const { ask, bob, say, clock, config, restart } = await unread();
    await say({ replyTo: 1 });
    for (let i = 0; i < 20; i++) {
      await ask("GET", "/v1/agents/bob/inbox?after=1&include=parent", undefined, bob);
      clock.advance(1000);
    }
    await restart();
    const file = join(config.dataDir, "signalbox.db");
    const lookups = lookInto(file, (db) => db.query("select count(*) from offers where transport = 'lookup'").values());
    expect(lookups).toEqual([[1]]);
  });
});

test("a message that its recipient named as a cause is not called unoffered, after a restart neither", async () => {
  const { ask, bob, sentence, story, clock, restart } = await unread();
  const name = () => ask("POST", "/v1/messages", { to: "alice", body: "so", causedBy: 1 }, bob);
  expect((await name()).status).toBe(201);
  expect(await sentence(1)).toStartWith("named as a cause by bob at 12:00:00Z, not acknowledged");
  await restart();
  expect(await sentence(1)).toStartWith("named as a cause by bob at 12:00:00Z");
  expect(await story(1)).toMatchObject({ step: "named", at: "2026-03-01T12:00:00.000Z" });
  clock.advance(1000);
  await ask("GET", "/v1/agents/bob/inbox", undefined, bob);
  await name();
  expect(await sentence(1)).toStartWith("named as a cause by bob at 12:00:00Z");
  expect(await story(1)).toMatchObject({ step: "offered", at: "2026-03-01T12:00:01.000Z" });
});

test("an operator who names a message as a cause in its recipient's name says nothing of the recipient", async () => {
  const { ask, sentence } = await unread();
  await ask("POST", "/v1/messages", { from: "bob", to: "alice", body: "so", causedBy: 1 });
  expect(await sentence(1)).toStartWith("not offered to bob");
});

describe("include=parent", () => {
  for (const when of ["stored", "live"])
    test(`a stream sends what a reply replies to, ${when}, to those who may read it and asked`, async () => {
      const { url, bob, replies } = await world();
      const at = `${url}/v1/agents/bob/inbox/stream`;
      if (when === "stored") await replies();
      const stream = await openStream(`${at}?include=parent`, bob);
      const plain = await openStream(at, bob);
      await stream.first("hello");
      await plain.first("hello");
      if (when === "live") await replies();
      for (const each of [stream, plain]) await each.until(({ ids }) => ids().length === 4);
      const parents = stream.of("message").map(({ data }) => data.parent);
      expect(parents).toMatchObject([PARENT, PARENT, undefined, undefined]);
      expect(plain.of("message").map(({ data }) => data.parent)).toEqual([undefined, undefined, undefined, undefined]);
      expect(stream.ids()).toEqual(plain.ids());
    });

  test("a stream with include=parent misses nothing and repeats nothing, however it is broken off", async () => {
    const { url, bob, say } = await world();
    const sent: number[] = [];
    const got: number[] = [];
    for (let round = 0; round < 5; round++) {
      const headers: Record<string, string> = got.length ? { "last-event-id": String(got.at(-1)) } : {};
      const stream = await openStream(`${url}/v1/agents/bob/inbox/stream?include=parent`, { ...bob, headers });
      const more = Array.from({ length: 20 }, (_, n) => say(`${round}.${n}`, { replyTo: 1 }));
      sent.push(...(await Promise.all(more)));
      const wanted = sent.length - got.length;
      await stream.until(({ ids }) => ids().length >= (round % 2 ? wanted : Math.ceil(wanted / 2)));
      got.push(...stream.ids());
      stream.close();
    }
    expect(new Set(got).size).toBe(got.length);
    expect(got).toEqual(sent.toSorted((a, b) => a - b).slice(0, got.length));
  });

  test("a socket with include=parent sends parents, too, and with what is claimed over it", async () => {
    const { url, bob, replies } = await world();
    await replies();
    const socket = await openSocket(`${url}/v1/agents/bob/socket?include=parent`, bob);
    await socket.until(({ ids }) => ids().length === 4);
    expect(socket.of("message").map(({ message }) => message.parent)).toMatchObject([
      PARENT,
      PARENT,
      undefined,
      undefined,
    ]);
    const { result } = await socket.ask({ type: "claim", ref: 1 });
    expect(result.items).toMatchObject([{ message: { id: 3, parent: PARENT } }]);
    await socket.ask({ type: "release", ref: 2, messageId: 3, token: result.items[0].claim.token });
    expect((await socket.ask({ type: "claim", ref: 3, messageId: 3 })).result.message.parent).toMatchObject(PARENT);
  });

  test("a claim with include=parent has the parent, named or next, and what is held", async () => {
    const { ask, bob, replies } = await world();
    await replies();
    const next = await ask("POST", "/v1/agents/bob/claims?include=parent", {}, bob);
    expect(next.body.items).toMatchObject([{ message: { id: 3, parent: PARENT } }]);
    const held = await ask("GET", "/v1/agents/bob/claims?include=parent", undefined, bob);
    expect(held.body.items).toMatchObject([{ message: { id: 3, parent: PARENT } }]);
    expect((await ask("GET", "/v1/agents/bob/claims", undefined, bob)).body.items[0].message.parent).toBeUndefined();
    await ask("POST", "/v1/messages/3/release", { token: next.body.items[0].claim.token }, bob);
    const one = await ask("POST", "/v1/messages/3/claim?include=parent", {}, bob);
    expect(one.body.message.parent).toMatchObject(PARENT);
    await ask("POST", "/v1/messages/3/release", { token: one.body.claim.token }, bob);
    expect((await ask("POST", "/v1/messages/3/claim", {}, bob)).body.message.parent).toBeUndefined();
    expect((await ask("POST", "/v1/messages/3/claim?include=all", {}, bob)).status).toBe(422);
  });

  test("the client follows, works and lists what is held with include=parent", async () => {
    const { relay, url, bob, alice, say, replies } = await world();
    await replies();
    const client = createClient({ url, token: bob.token });
    const parents: unknown[] = [];
    for await (const { parent } of client.follow({ after: 1, include: "parent", heartbeat: false }))
      if (parents.push(parent?.body) === 4) break;
    expect(parents).toEqual([PARENT.body, PARENT.body, undefined, undefined]);
    for await (const entry of client.follow({ after: 1, heartbeat: false })) {
      expect(entry).not.toHaveProperty("parent");
      break;
    }
    await client.claims.claimNext();
    expect((await client.claims.held({ include: "parent" })).items).toMatchObject([{ message: { parent: PARENT } }]);
    expect((await client.claims.held()).items[0]?.message.parent).toBeUndefined();
    const asked: unknown[] = [];
    const handler = ({ parent }: Message) => void asked.push(parent?.id);
    const options = { handler, include: "parent", exitWhenEmpty: true } as const;
    await client.work({ ...options, resume: true });
    await say("mend more", { replyTo: 1, claimable: true });
    await client.work(options);
    expect(asked).toEqual([1, 1]);
    expect((await relay.ask("GET", "/v1/agents/alice/inbox?after=1", undefined, alice)).body.items).toEqual([]);
  });

  test("a digest and the tools show the beginning of a parent, inside of the envelope", async () => {
    const { ask, relay, bob, replies } = await world();
    await replies();
    const digest = (query: string) => ask("GET", `/v1/agents/bob/inbox/digest${query}`, undefined, bob);
    const line = "\n| In reply to 1 from bob: which of the tests fail?\n";
    expect((await digest("?include=parent")).body.text.split(line)).toHaveLength(3);
    expect((await digest("")).body.text).not.toContain("In reply to");
    const peer = await connect(relay, bob.token);
    const inbox = await peer.call("inbox");
    expect(inbox.text.split(line)).toHaveLength(3);
    expect(inbox.text).not.toContain("a secret");
    expect((await peer.call("claim")).text).toContain(line);
  });
});

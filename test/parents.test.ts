import { describe, expect, test } from "bun:test";
import { createClient } from "../src/client/client.ts";
import type { Message } from "../src/messages/schema.ts";
import { listen } from "./support/listen.ts";
import { connect } from "./support/mcp.ts";
import { startRelay } from "./support/relay.ts";
import { openSocket } from "./support/socket.ts";
import { openStream } from "./support/stream.ts";

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

  test("a stream with it misses nothing and repeats nothing, however it is broken off", async () => {
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

  test("a socket sends it, too, and with what is claimed over it", async () => {
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

  test("a claim has it, named or next, and what is held", async () => {
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

  test("the client follows, works and lists what is held with it", async () => {
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

  test("a digest and the tools show the beginning of it, inside of the envelope", async () => {
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

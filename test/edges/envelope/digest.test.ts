import { describe, expect, test } from "bun:test";
import { tokensOf } from "../../../src/edges/envelope/tokens.ts";
import { HOSTILE } from "../../support/hostile.ts";
import { startRelay } from "../../support/relay.ts";

async function world() {
  const relay = await startRelay({ durability: "normal" });
  const alice = await relay.agent("alice");
  const bob = await relay.agent("bob");
  const send = (body: string, more = {}) =>
    relay.ask("POST", "/v1/messages", { to: "bob", body, ...more }, { token: alice.token });
  const digest = async (query = "", token = bob.token) =>
    relay.ask("GET", `/v1/agents/bob/inbox/digest${query}`, undefined, { token });
  return { relay, alice, bob, send, digest };
}

describe("a digest of what waits", () => {
  test("a digest of what waits holds unread messages in envelopes, and says how far to acknowledge", async () => {
    const { relay, bob, send, digest } = await world();
    await send("first");
    await send("second", { urgent: true });
    const { status, body } = await digest();
    expect(status).toBe(200);
    expect(body).toMatchObject({
      unread: 2,
      urgent: 1,
      more: false,
      ack: 2,
      cursor: 0,
      folded: 0,
      leftOut: 0,
      open: false,
    });
    expect(body.shown.toSorted()).toEqual([1, 2]);
    expect(body.text).toStartWith("You are bob on this relay. 2 unread, 1 urgent.");
    expect(body.text).toMatch(/from alice \(agent, peer\); to you;.*\n\| first\n\[end [0-9a-f]{12}\]/);
    await relay.ask("POST", "/v1/agents/bob/inbox/ack", { upTo: body.ack }, { token: bob.token });
    expect((await digest()).body).toMatchObject({ unread: 0, ack: null, cursor: 2 });
  });

  test("a digest of what waits moves nothing by itself, and counts as offered only what it shows", async () => {
    const { relay, send, digest, alice } = await world();
    await send("one");
    for (let n = 0; n < 2; n++) expect((await digest()).body.unread).toBe(1);
    await relay.pass(5000);
    const { body } = await relay.ask("GET", "/v1/messages/1/explain", undefined, { token: alice.token });
    expect(body.recipients[0].sentence).toContain("offered to bob");
  });

  test("a digest of what waits tells of work to claim, of what is held and of what is owed", async () => {
    const { relay, alice, bob, send, digest } = await world();
    await send("build", { claimable: true });
    await send("test", { claimable: true });
    await relay.ask("POST", "/v1/delegations", { to: "bob", text: "How many?" }, { token: alice.token });
    await relay.ask("POST", "/v1/messages/1/claim", {}, { token: bob.token });
    const { body } = await digest();
    expect(body).toMatchObject({ open: true, held: 1, owed: 1 });
    expect(body.text).toContain("There is work: claim.");
    expect(body.newest).toBe(3);
    // The head is the relay's own words: not even an id that others chose.
    expect(body.head).not.toContain("alice");
    expect(body.text).toMatch(/You hold 1: 1 until \d{4}-.*Z\. End each: finish\./);
    expect(body.text).toMatch(/Message 3 owes an answer by .*: answer \{"delegation":"dlg_/);
  });

  test("a digest of what waits stays within the budget that was asked for, and leaves nothing out unsaid", async () => {
    const { send, digest } = await world();
    for (let n = 0; n < 60; n++) await send(`${n} ${"word ".repeat(200)}`);
    for (const budget of [300, 1000, 4000]) {
      const { body } = await digest(`?budget=${budget}`);
      expect(tokensOf(body.text)).toBeLessThanOrEqual(budget);
      expect(body.shown.length + body.folded + body.leftOut).toBe(60);
      expect(body.ack).toBe(body.shown.length ? Math.max(...body.shown) : null);
    }
  });

  test("a digest of what waits has hostile text inside intact envelopes alone", async () => {
    const { send, digest } = await world();
    for (const [, text] of HOSTILE) {
      const { status, body: sent } = await send(text.slice(0, 20_000));
      expect(status).toBe(201);
      const { body } = await digest(`?after=${sent.id - 1}`);
      const fence = /fence ([0-9a-f]{12})\]/.exec(body.text)?.[1];
      const lines: string[] = body.text.split("\n");
      const begin = lines.findIndex((line) => line.endsWith(`fence ${fence}]`));
      const end = lines.findLastIndex((line) => line.startsWith(`[end ${fence}`));
      expect(end).toBe(lines.length - 1);
      for (const line of lines.slice(begin + 1, end)) expect(line).toStartWith("| ");
    }
  });

  test("a digest of what waits is its agent's and an operator's to read, nobody else's", async () => {
    const { relay, alice, digest } = await world();
    expect((await digest("", alice.token)).status).toBe(403);
    expect((await digest("", relay.relay.operatorToken)).status).toBe(200);
    expect((await digest("?budget=12")).status).toBe(422);
    expect((await digest("?after=99")).body.code).toBe("ahead-of-log");
  });

  test("a digest of what waits is the same after a restart", async () => {
    const { relay, send, digest } = await world();
    await send("still here");
    await relay.restart();
    expect((await digest()).body).toMatchObject({ unread: 1, ack: 1 });
  });
});

describe("one message as a text for a model", () => {
  test("a message comes in its envelope, and the rest of a long one from its offset", async () => {
    const { relay, bob, alice, send } = await world();
    await send("word ".repeat(400));
    const letter = (query: string, token: string) =>
      relay.ask("GET", `/v1/messages/1/letter${query}`, undefined, { token });
    const { body } = await letter("?budget=300", bob.token);
    expect(body.text).toMatch(/from alice \(agent, peer\); to you;.*\n\| word word/);
    expect(tokensOf(body.text)).toBeLessThanOrEqual(300);
    const { body: rest } = await letter(`?offset=${body.next}`, bob.token);
    expect(rest).toMatchObject({ id: 1, next: null });
    expect((await letter("", alice.token)).status).toBe(200);
  });

  test("a message has hostile text inside its envelope alone, and none of it for strangers", async () => {
    const { relay, bob, send } = await world();
    const eve = await relay.agent("eve");
    for (const [, text] of HOSTILE.slice(0, 20)) {
      const { body: sent } = await send(text.slice(0, 5000));
      const { body } = await relay.ask("GET", `/v1/messages/${sent.id}/letter`, undefined, { token: bob.token });
      const lines: string[] = body.text.split("\n");
      for (const line of lines.slice(2, -1)) expect(line).toStartWith("| ");
      expect(lines.at(-1)).toStartWith("[end ");
    }
    const { status } = await relay.ask("GET", "/v1/messages/1/letter", undefined, { token: eve.token });
    expect(status).toBe(403);
  });
});

import { describe, expect, test } from "bun:test";
import { startRelay } from "../../support/relay.ts";
import { recordStatements } from "../../support/statements.ts";

/** Statements of the commit itself, and of the quotas and deliveries that are saved once a second. */
const AROUND = /^(begin|commit|savepoint|release|rollback)/;

describe("statements of a claim", () => {
  test("a claim of work in memory takes one statement, and so does its completion", async () => {
    const recorder = recordStatements();
    const { ask, agent } = await startRelay();
    const [alice, bob] = [await agent("alice"), await agent("bob", { tags: ["pool"], capabilities: ["tests"] })];
    const work = { to: "tag:pool", body: "x", claimable: true };
    await ask("POST", "/v1/messages/batch", { messages: Array(4).fill(work) }, alice);
    const claim = async () => (await ask("POST", "/v1/agents/bob/claims", {}, bob)).body.items[0];
    const complete = ({ message, claim }: { message: { id: number }; claim: { token: string } }) =>
      ask("POST", `/v1/messages/${message.id}/complete`, { token: claim.token }, bob);
    await complete(await claim());
    let held = await claim();
    const counted = async (verb: () => Promise<unknown>) => {
      await recorder.during(verb);
      return recorder.count();
    };
    // Beside those of the commit: begin, savepoint, release, commit.
    expect(await counted(() => complete(held))).toBeLessThanOrEqual(4 + 1);
    expect(await counted(async () => (held = await claim()))).toBeLessThanOrEqual(4 + 1);
  });
});

describe("statements of a send", () => {
  test("a plain send with a key to an agent takes at most six statements", async () => {
    const recorder = recordStatements();
    const { ask, agent } = await startRelay();
    const [alice, bob] = [await agent("alice"), await agent("bob")];
    let made = 0;
    const send = () =>
      ask("POST", "/v1/messages", { to: "bob", body: "x", payload: { a: 1 }, idempotencyKey: `k${++made}` }, alice);
    const statements = async () => (await recorder.during(send)).filter(({ sql }) => !AROUND.test(sql)).length;
    await send();
    expect(await statements()).toBeLessThanOrEqual(3);

    // A sender with mail of its own: the rule against loops looks into it.
    await ask("POST", "/v1/messages", { to: "alice", body: "x" }, bob);
    const { head } = (await ask("GET", "/v1/agents/alice/inbox", undefined, alice)).body;
    await ask("POST", "/v1/agents/alice/inbox/ack", { upTo: head }, alice);
    await send();
    expect(await statements()).toBeLessThanOrEqual(6);
  });

  test("after a restart, the newest page of an inbox is read from memory, in order and whole", async () => {
    const recorder = recordStatements();
    const world = await startRelay();
    const { ask, agent } = world;
    const [alice, bob] = [await agent("alice"), await agent("bob")];
    const messages = Array.from({ length: 250 }, (_, n) => ({ to: n % 2 ? "bob" : "broadcast", body: `${n}` }));
    await ask("POST", "/v1/messages/batch", { messages }, alice);
    await world.restart();
    await world.relay.settle();
    const page = async () => (await ask("GET", "/v1/agents/bob/inbox?limit=500", undefined, bob)).body.items;
    expect((await page()).map(({ body }: { body: string }) => body)).toEqual(messages.map(({ body }) => body));
    const ran = await recorder.during(page);
    expect(ran.filter(({ sql }) => /from "messages"/.test(sql))).toEqual([]);
  });
});

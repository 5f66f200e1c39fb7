import { describe, expect, test } from "bun:test";
import { startRelay } from "../../support/relay.ts";

async function withStory() {
  const relay = await startRelay();
  const ann = await relay.agent("ann");
  const bob = await relay.agent("bob", { tags: ["crew"] });
  const { ask } = relay;
  return {
    ...relay,
    ann,
    bob,
    send: async (fields: Record<string, unknown> = {}) =>
      (await ask("POST", "/v1/messages", { to: "bob", body: "x", ...fields }, ann)).body.id as number,
    read: () => ask("GET", "/v1/agents/bob/inbox", undefined, bob),
    explain: async (id: number) => (await ask("GET", `/v1/messages/${id}/explain`, undefined, ann)).body,
    /** Steps of its story, without the times. */
    steps: async (id: number) =>
      (await ask("GET", `/v1/messages/${id}/explain`)).body.facts.map(
        (fact: { step: string }) => fact.step,
      ) as string[],
  };
}

const UNSEEN =
  "not offered to bob so far as is recorded, not acknowledged; bob last seen 0 s ago, reads only when it looks";

describe("the story of a message", () => {
  test("the story of a message begins with who sent it to whom, and how many that were", async () => {
    const { send, explain, ask, ann } = await withStory();
    const id = await send();
    const at = "2026-03-01T12:00:00.000Z";
    expect(await explain(id)).toEqual({
      messageId: id,
      facts: [
        { at, step: "stored", id, from: "ann", to: "bob", via: null, person: null },
        { at, step: "matched", target: "bob", members: 1 },
      ],
      recipients: [
        {
          agentId: "bob",
          step: "waiting",
          at: null,
          // A plain agent has no means to say when a message is in a model turn.
          impossible: ["in-turn"],
          sentence: UNSEEN,
          parts: [UNSEEN],
        },
      ],
      nextPage: null,
    });
    const viaOperator = (await ask("POST", "/v1/messages", { from: "ann", to: "bob", body: "x" })).body;
    expect((await explain(viaOperator.id)).facts[0].via).toBe(viaOperator.via);
    const toNobody = (await ask("POST", "/v1/messages", { to: "tag:empty", body: "x" }, ann)).body.id;
    expect(await explain(toNobody)).toMatchObject({ facts: [{}, { step: "matched", members: 0 }], recipients: [] });
  });

  test("the story of a message goes on: offered, read, acknowledged, each with its time", async () => {
    const { send, read, explain, clock, ask, bob } = await withStory();
    const id = await send();
    const story = async () => (await explain(id)).recipients[0];
    clock.advance(5000);
    await read();
    clock.advance(5000);
    // Times of the sentence are UTC; in its parts they are for the reader's clock.
    const rest = " by poll, not acknowledged; bob last seen 5 s ago, reads only when it looks";
    expect(await story()).toEqual({
      agentId: "bob",
      step: "offered",
      at: "2026-03-01T12:00:05.000Z",
      impossible: ["in-turn"],
      sentence: `offered to bob at 12:00:05Z${rest}`,
      parts: ["offered to bob at ", { at: "2026-03-01T12:00:05.000Z" }, rest],
    });
    await ask("PATCH", "/v1/agents/bob", { capabilities: ["receipts"] }, bob);
    expect((await story()).impossible).toEqual([]);
    await ask("PATCH", "/v1/agents/bob", { capabilities: [] }, bob);
    await ask("POST", `/v1/messages/${id}/read`, {}, bob);
    clock.advance(5000);
    expect(await story()).toMatchObject({
      agentId: "bob",
      step: "read",
      at: "2026-03-01T12:00:10.000Z",
      sentence:
        "offered to bob at 12:00:05Z by poll, marked read at 12:00:10Z, not acknowledged; bob last seen 5 s ago, reads only when it looks",
    });
    await ask("POST", "/v1/agents/bob/inbox/ack", { upTo: id }, bob);
    expect(await story()).toMatchObject({
      agentId: "bob",
      step: "acknowledged",
      at: "2026-03-01T12:00:15.000Z",
      sentence:
        "offered to bob at 12:00:05Z by poll, acknowledged at 12:00:15Z; bob last seen 0 s ago, reads only when it looks",
    });
  });

  test("the story of a message says the day of what happened on another one", async () => {
    const { send, read, explain, clock } = await withStory();
    const id = await send();
    await read();
    clock.advance(86_400_000);
    expect((await explain(id)).recipients[0].sentence).toStartWith("offered to bob at 2026-03-01 12:00:00Z by poll");
  });

  test("the story of a message says who is away, for how long, and how one is reached", async () => {
    const { send, explain, pass, ask } = await withStory();
    await ask("PATCH", "/v1/agents/bob", { reach: "mid-turn" });
    const id = await send();
    const tail = async () => (await explain(id)).recipients[0].sentence.split("; ")[1];
    expect(await tail()).toBe("bob last seen 0 s ago, reachable mid-turn");
    await pass(100_000);
    expect(await tail()).toBe("bob last seen 100 s ago and is offline, reachable mid-turn");
    await pass(3_500_000);
    expect(await tail()).toBe("bob last seen 60 min ago and is offline, reachable mid-turn");
    await pass(86_400_000);
    expect(await tail()).toBe("bob last seen 25 h ago and is offline, reachable mid-turn");
    await ask("DELETE", "/v1/agents/bob");
    expect(await tail()).toBe("bob was deleted at 13:00:00Z");
  });

  test("the story of talk that expired says so, from then on and no sooner", async () => {
    const { send, explain, steps, pass, clock } = await withStory();
    const id = await send({ expiresAt: new Date(clock.now() + 60_000).toISOString() });
    expect(await steps(id)).toEqual(["stored", "matched"]);
    await pass(60_000);
    expect(await steps(id)).toEqual(["stored", "matched", "expired"]);
    expect((await explain(id)).recipients[0]).toMatchObject({
      step: "expired",
      at: "2026-03-01T12:01:00.000Z",
      sentence:
        "not offered to bob so far as is recorded, not acknowledged, expired at 12:01:00Z; bob last seen 60 s ago, reads only when it looks",
    });
  });

  test("the story of a message is told of a restored agent as of the same one", async () => {
    const { send, explain, ask } = await withStory();
    const id = await send();
    await ask("DELETE", "/v1/agents/bob");
    await ask("POST", "/v1/agents/bob/restore");
    expect((await explain(id)).recipients).toMatchObject([{ agentId: "bob" }]);
    await ask("POST", "/v1/agents/bob/inbox/ack", { upTo: id });
    expect((await ask("GET", `/v1/messages/${id}`)).body.readBy).toEqual(["bob"]);
  });
});

describe("the story of work", () => {
  test("the story of work tells that it was claimed, renewed and completed, and the answer", async () => {
    const { send, explain, ask, bob, clock } = await withStory();
    const id = await send({ claimable: true });
    clock.advance(1000);
    const { claim } = (await ask("POST", `/v1/messages/${id}/claim`, { leaseSeconds: 60 }, bob)).body;
    clock.advance(1000);
    expect((await explain(id)).recipients[0]).toMatchObject({
      step: "claimed",
      at: "2026-03-01T12:00:01.000Z",
      sentence:
        "offered to bob at 12:00:01Z by claim, claimed at 12:00:01Z (attempt 1), holding it until 12:01:01Z, " +
        "not acknowledged; bob last seen 1 s ago, reads only when it looks",
    });
    await ask("POST", `/v1/messages/${id}/renew`, { token: claim.token }, bob);
    clock.advance(1000);
    await ask("POST", `/v1/messages/${id}/complete`, { token: claim.token, result: "42" }, bob);
    const { facts, recipients } = await explain(id);
    expect(facts.slice(2)).toEqual([
      { at: "2026-03-01T12:00:01.000Z", step: "claimed", agentId: "bob", attempt: 1 },
      { at: "2026-03-01T12:00:02.000Z", step: "renewed", agentId: "bob" },
      { at: "2026-03-01T12:00:03.000Z", step: "completed", agentId: "bob" },
      { at: "2026-03-01T12:00:03.000Z", step: "answered", agentId: "bob", messageId: id + 1 },
    ]);
    expect(recipients[0]).toMatchObject({ step: "completed", at: "2026-03-01T12:00:03.000Z" });
    expect(recipients[0].sentence).toContain("claimed at 12:00:01Z (attempt 1), completed at 12:00:03Z");
  });

  test("the story of work tells that it was released, failed, lost, and dead in the end", async () => {
    const { send, explain, steps, ask, bob, pass } = await withStory();
    const id = await send({ claimable: true, maxAttempts: 2 });
    const claim = async (leaseSeconds = 60) =>
      (await ask("POST", `/v1/messages/${id}/claim`, { leaseSeconds }, bob)).body.claim.token;
    await ask("POST", `/v1/messages/${id}/release`, { token: await claim(), reason: "busy" }, bob);
    await pass(1000);
    await ask("POST", `/v1/messages/${id}/fail`, { token: await claim(), error: "no disk" }, bob);
    await pass(1000);
    await claim(30);
    await pass(30_000);
    expect(await steps(id)).toEqual([
      ...["stored", "matched"],
      ...["claimed", "released", "claimed", "failed", "claimed", "lease-expired", "dead"],
    ]);
    const { facts, recipients } = await explain(id);
    expect(facts[3]).toMatchObject({ step: "released", error: "busy" });
    expect(facts[5]).toMatchObject({ step: "failed", error: "no disk" });
    expect(facts[8]).toMatchObject({ step: "dead", attempts: 2 });
    expect(recipients[0]).toMatchObject({ step: "lease-expired" });
    expect(recipients[0].sentence).toContain("claimed at 12:00:02Z (attempt 2), lost the lease at 12:00:32Z");
  });

  test("the story of work tells that it was cancelled, while it was open and while it was held", async () => {
    const { send, explain, steps, ask, ann, bob } = await withStory();
    const [open, held] = [await send({ claimable: true }), await send({ claimable: true })];
    await ask("POST", `/v1/messages/${held}/claim`, {}, bob);
    for (const id of [open, held]) await ask("POST", `/v1/messages/${id}/cancel`, undefined, ann);
    expect(await steps(open)).toEqual(["stored", "matched", "cancelled"]);
    expect(await steps(held)).toEqual(["stored", "matched", "claimed", "cancelled", "cancelled"]);
    expect((await explain(held)).recipients[0].step).toBe("cancelled");
  });

  test("the story of work tells that it expired before anybody took it", async () => {
    const { send, steps, pass, clock } = await withStory();
    const id = await send({ claimable: true, expiresAt: new Date(clock.now() + 60_000).toISOString() });
    expect(await steps(id)).toEqual(["stored", "matched"]);
    await pass(60_000);
    expect(await steps(id)).toEqual(["stored", "matched", "expired"]);
  });

  test("each worker of a group has its own story", async () => {
    const { send, explain, ask, agent, bob } = await withStory();
    const cleo = await agent("cleo", { tags: ["crew"] });
    const id = await send({ to: "tag:crew", claimable: true });
    const { claim } = (await ask("POST", `/v1/messages/${id}/claim`, {}, bob)).body;
    await ask("POST", `/v1/messages/${id}/fail`, { token: claim.token, error: "x" }, bob);
    await ask("POST", `/v1/messages/${id}/claim`, {}, cleo);
    expect((await explain(id)).recipients).toMatchObject([
      { agentId: "bob", step: "failed" },
      { agentId: "cleo", step: "claimed" },
    ]);
  });
});

describe("a story never contradicts itself", () => {
  test("members of a group who were not needed are told of as such, with who has it", async () => {
    const { send, explain, ask, agent, bob, clock } = await withStory();
    const cleo = await agent("cleo", { tags: ["crew"] });
    await agent("dan", { tags: ["crew"] });
    const id = await send({ to: "tag:crew", claimable: true });
    await ask("GET", "/v1/agents/cleo/inbox", undefined, cleo);
    clock.advance(1000);
    const { claim } = (await ask("POST", `/v1/messages/${id}/claim`, {}, bob)).body;
    const [first, second, third] = (await explain(id)).recipients;
    expect(first).toMatchObject({ agentId: "bob", step: "claimed" });
    expect(second).toMatchObject({ agentId: "cleo", step: "not-needed", at: "2026-03-01T12:00:01.000Z" });
    expect(second.sentence).toStartWith("offered to cleo at 12:00:00Z by poll, not needed, bob has it; cleo last seen");
    expect(third.sentence).toStartWith("not needed, bob has it; dan last seen");
    await ask("POST", `/v1/messages/${id}/complete`, { token: claim.token, result: "42" }, bob);
    const done = (await explain(id)).recipients.map(({ sentence }: { sentence: string }) => sentence);
    expect(done[0]).toStartWith("offered to bob at 12:00:01Z by claim, claimed at 12:00:01Z (attempt 1), completed at");
    expect(done[2]).toStartWith("not needed, bob has it, completed at 12:00:01Z; dan last seen");
    for (const sentence of done) expect(sentence).not.toMatch(/not (offered|acknowledged)/);
  });

  test("an acknowledgement, a mark, a claim, an answer and a look are never beside not offered", async () => {
    const { send, explain, ask, bob } = await withStory();
    const sentence = async (id: number) => (await explain(id)).recipients[0].sentence as string;
    const reply = (id: number) => ask("POST", "/v1/messages", { to: "ann", body: "so", replyTo: id }, bob);
    const ways: [says: string, more: Record<string, unknown>, act: (id: number) => Promise<{ status: number }>][] = [
      ["marked read at 12:00:00Z", {}, (id) => ask("POST", `/v1/messages/${id}/read`, {}, bob)],
      [
        "offered to bob at 12:00:00Z by claim",
        { claimable: true },
        (id) => ask("POST", `/v1/messages/${id}/claim`, {}, bob),
      ],
      ["replied at 12:00:00Z", {}, reply],
      ["offered to bob at 12:00:00Z by lookup", {}, (id) => ask("GET", `/v1/messages/${id}`, undefined, bob)],
      ["offered to bob at 12:00:00Z by lookup", {}, (id) => ask("GET", `/v1/threads/${id}`, undefined, bob)],
      ["offered to bob at 12:00:00Z by digest", {}, () => ask("GET", "/v1/agents/bob/inbox/digest", undefined, bob)],
      ["acknowledged at 12:00:00Z", {}, (id) => ask("POST", "/v1/agents/bob/inbox/ack", { upTo: id }, bob)],
    ];
    for (const [says, more, act] of ways) {
      const id = await send(more);
      expect(await sentence(id)).toStartWith("not offered to bob so far as is recorded, not acknowledged");
      expect((await act(id)).status).toBeLessThan(300);
      expect(await sentence(id)).toContain(says);
      expect(await sentence(id)).not.toContain("not offered");
    }
  });

  test("an answered request is told of as answered, although its agent never polled", async () => {
    const { explain, ask, ann, bob } = await withStory();
    const asked = (await ask("POST", "/v1/delegations", { to: "bob", text: "x" }, ann)).body;
    await ask("POST", `/v1/delegations/${asked.id}/response`, { text: "so" }, bob);
    const { recipients } = await explain(asked.messageId);
    expect(recipients[0]).toMatchObject({ step: "answered" });
    expect(recipients[0].sentence).toStartWith("replied at 12:00:00Z, not acknowledged; bob last seen");
  });
});

test("matched counts the others: the sender of a group message is not among them", async () => {
  const { ask, agent, ann, bob } = await withStory();
  await agent("cleo", { tags: ["crew"] });
  const to = (by: { token: string }) => ask("POST", "/v1/messages", { to: "tag:crew", body: "x" }, by);
  expect((await to(bob)).body).toMatchObject({ matched: 1 });
  expect((await to(ann)).body).toMatchObject({ matched: 2 });
  expect((await ask("POST", "/v1/messages", { to: "tag:crew", body: "x" })).body).toMatchObject({ matched: 2 });
  const { items } = (await ask("POST", "/v1/messages/batch", { messages: [{ to: "tag:crew", body: "x" }] }, bob)).body;
  expect(items).toMatchObject([{ matched: 1 }]);
});

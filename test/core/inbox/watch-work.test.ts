import { describe, expect, test } from "bun:test";
import { listen } from "../../support/listen.ts";
import { startRelay } from "../../support/relay.ts";
import { openStream } from "../../support/stream.ts";

async function withWork() {
  const relay = await startRelay();
  const url = listen(relay);
  const ann = await relay.agent("ann", { tags: ["team"] });
  const ben = await relay.agent("ben", { tags: ["team"] });
  const cleo = await relay.agent("cleo");
  const order = async (to: string) =>
    (await relay.ask("POST", "/v1/messages", { to, body: "do it", claimable: true, maxAttempts: 2 }, cleo)).body.id;
  return {
    ...relay,
    ann,
    ben,
    cleo,
    order,
    watch: (token: string, query = "", instance?: string) =>
      openStream(`${url}/v1/messages/stream${query}`, { token, instance }),
  };
}

describe("what watchers are told of work", () => {
  test("watchers are told of each change of state, with who holds the work until when, in order", async () => {
    const { watch, relay, order, ask, ann, ben, clock } = await withWork();
    const stream = await watch(relay.operatorToken);
    await stream.first("hello");
    const id = await order("tag:team");
    const { claim } = (await ask("POST", `/v1/messages/${id}/claim`, { leaseSeconds: 60 }, ann)).body;
    clock.advance(10_000);
    await ask("POST", `/v1/messages/${id}/renew`, { token: claim.token }, ann);
    await ask("POST", `/v1/messages/${id}/fail`, { token: claim.token, error: "no" }, ann);
    const second = (await ask("POST", `/v1/messages/${id}/claim`, {}, ben)).body.claim;
    await ask("POST", `/v1/messages/${id}/complete`, { token: second.token }, ben);
    await stream.until((so) => so.of("work").length >= 5);
    const held = { agentId: "ann", claimedAt: "2026-03-01T12:00:00.000Z", attempt: 1 };
    expect(stream.of("work").map((event) => event.data)).toMatchObject([
      { messageId: id, state: "claimed", claim: { ...held, expiresAt: "2026-03-01T12:01:00.000Z" } },
      { messageId: id, state: "claimed", claim: { ...held, expiresAt: "2026-03-01T12:01:10.000Z" } },
      { messageId: id, state: "open", claim: null },
      { messageId: id, state: "claimed", claim: { agentId: "ben", attempt: 2 } },
      { messageId: id, state: "done", claim: null },
    ]);
    expect(JSON.stringify(stream.events)).not.toContain("clm_");
  });

  test("watchers are told of a lease that runs out, a dead letter, cancelled and requeued work", async () => {
    const { watch, relay, order, ask, pass, ann } = await withWork();
    const stream = await watch(relay.operatorToken);
    await stream.first("hello");
    const id = await order("ann");
    for (let i = 0; i < 2; i++) {
      await ask("POST", `/v1/messages/${id}/claim`, { leaseSeconds: 1 }, ann);
      await pass(1000);
    }
    await ask("POST", `/v1/messages/${id}/requeue`);
    await ask("POST", `/v1/messages/${id}/cancel`);
    await stream.until((so) => so.of("work").length >= 6);
    expect(stream.of("work").map((event) => event.data.state)).toEqual([
      "claimed",
      "open",
      "claimed",
      "dead",
      "open",
      "cancelled",
    ]);
  });

  test("G10: an agent that watches is told of the work that it may read, and of no other", async () => {
    const { watch, order, ask, ann, ben, cleo } = await withWork();
    const streams = await Promise.all([watch(ann.token), watch(ben.token), watch(cleo.token)]);
    for (const stream of streams) await stream.first("hello");
    const own = await order("ben");
    const shared = await order("tag:team");
    await ask("POST", `/v1/messages/${own}/claim`, {}, ben);
    await ask("POST", `/v1/messages/${shared}/claim`, {}, ben);
    for (const stream of streams) await stream.until((so) => so.of("work").some((e) => e.data.messageId === shared));
    const seen = streams.map((stream) => stream.of("work").map((event) => event.data.messageId));
    expect(seen).toEqual([[shared], [own, shared], [own, shared]]);
  });

  test("filters of the watch stream hold for changes of work too; ?state= passes changes into that state", async () => {
    const { watch, relay, order, ask, ann, ben } = await withWork();
    const token = relay.operatorToken;
    const byTarget = await watch(token, "?to=ben");
    const byState = await watch(token, "?state=done");
    for (const stream of [byTarget, byState]) await stream.first("hello");
    const ids = [await order("ben"), await order("ann")];
    for (const [i, who] of [ben, ann].entries()) {
      const { claim } = (await ask("POST", `/v1/messages/${ids[i]}/claim`, {}, who)).body;
      await ask("POST", `/v1/messages/${ids[i]}/complete`, { token: claim.token }, who);
    }
    await byState.until((so) => so.of("work").length >= 2);
    expect(byState.of("work").map((e) => [e.data.messageId, e.data.state])).toEqual(ids.map((id) => [id, "done"]));
    expect(byState.ids()).toEqual([]);
    expect(byTarget.of("work").map((e) => [e.data.messageId, e.data.state])).toEqual([
      [ids[0], "claimed"],
      [ids[0], "done"],
    ]);
  });

  test("changes of work come in the order in which they happened, to watchers with different rights and filters alike", async () => {
    const { watch, relay, order, ask, ann, ben } = await withWork();
    // Each change is looked up for each watcher; the first has less to look up for the second change.
    const streams = await Promise.all([
      watch(ann.token, "?state=claimed"),
      watch(ben.token),
      watch(relay.operatorToken),
    ]);
    for (const stream of streams) await stream.first("hello");
    for (let i = 0; i < 20; i++) {
      const id = await order("tag:team");
      // In one commit: the token of a first lease is no secret.
      const complete = () => ask("POST", `/v1/messages/${id}/complete`, { token: `clm_${id}_1` }, ben);
      const [, completed] = await Promise.all([ask("POST", `/v1/messages/${id}/claim`, {}, ben), complete()]);
      // Sometimes its body is read first.
      if (completed.status === 409) await complete();
    }
    for (const stream of streams.slice(1)) {
      await stream.until((so) => so.of("work").length >= 40);
      expect(stream.of("work").map((event) => event.data.state)).toEqual(
        Array.from({ length: 40 }, (_, i) => (i % 2 ? "done" : "claimed")),
      );
    }
  });
});

describe("a watch stream like any other", () => {
  test("a watch stream hears of presence, gets keep-alive comments, and bye when the relay stops", async () => {
    const { watch, relay, restart, ask, ann, clock } = await withWork();
    clock.advance(250);
    const stream = await watch(relay.operatorToken);
    await stream.first("hello");
    await ask("POST", "/v1/agents/ann/heartbeat", { status: "busy" }, ann);
    clock.advance(250);
    expect((await stream.first("presence")).data).toEqual({
      agentId: "ann",
      status: "busy",
      ready: true,
      epoch: 0,
      connections: 0,
    });
    clock.advance(15_000);
    await stream.until((so) => so.comments.length >= 1);
    await restart();
    await stream.ended;
    expect(stream.events.at(-1)).toMatchObject({ type: "bye", data: { reason: "restarting" } });
  });

  test("G10: a watch stream ends when its token is revoked or its agent deleted", async () => {
    const { watch, ask, ann, ben } = await withWork();
    const [byToken, byAgent] = [await watch(ann.token), await watch(ben.token)];
    await byToken.first("hello");
    await byAgent.first("hello");
    const { tokenId } = (await ask("GET", "/v1/whoami", undefined, ann)).body;
    await ask("DELETE", `/v1/tokens/${tokenId}`);
    await ask("DELETE", "/v1/agents/ben");
    await Promise.all([byToken.ended, byAgent.ended]);
    expect(byToken.events.at(-1)).toMatchObject({ type: "bye", data: { reason: "revoked" } });
    expect(byAgent.events.at(-1)).toMatchObject({ type: "bye", data: { reason: "revoked" } });
  });

  test("G6: a watch stream ends when the instance it names is superseded", async () => {
    const { watch, ask, ann } = await withWork();
    await ask("PUT", "/v1/agents/ann", { name: "ann", instanceId: "a-1" }, ann);
    const stream = await watch(ann.token, "", "a-1");
    await stream.first("hello");
    await ask("PUT", "/v1/agents/ann", { name: "ann", instanceId: "a-2" }, ann);
    await stream.ended;
    expect(stream.events.at(-1)).toMatchObject({ type: "bye", data: { reason: "superseded" } });
    expect((await watch(ann.token, "", "a-1")).response.status).toBe(409);
  });

  test("an agent's watch streams count among its eight streams, and a ninth replaces one; an operator's are not limited", async () => {
    const { watch, relay, ann } = await withWork();
    const oldest = await watch(ann.token);
    for (let i = 0; i < 7; i++) await (await watch(ann.token)).first("hello");
    await (await watch(ann.token)).first("hello");
    expect((await oldest.first("bye")).data).toMatchObject({ reason: "replaced" });
    for (let i = 0; i < 12; i++) await (await watch(relay.operatorToken)).first("hello");
  });
});

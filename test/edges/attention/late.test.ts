import { expect, test } from "bun:test";
import type { WatchedMessage } from "../../../src/protocol/late.ts";
import { startRelay, type TestRelay } from "../../support/relay.ts";

const MINUTE = 60_000;

const late = async ({ ask }: TestRelay) => (await ask("GET", "/v1/messages/late")).body.items as WatchedMessage[];
const shown = async (relay: TestRelay) =>
  (await late(relay)).map(({ title, reached, missing, isLate }) => [title, reached, missing, isLate]);

test("a message by a person is watched until its recipient has seen it, and late when a step takes ten minutes", async () => {
  const relay = await startRelay();
  const { ask } = relay;
  const me = await relay.agent("me");
  const { id, threadId } = (await ask("POST", "/v1/messages", { to: "me", body: "Is main green?" })).body;
  expect(await shown(relay)).toEqual([["Is main green?", "routed", "offered", false]]);
  await relay.pass(12 * MINUTE);
  expect((await late(relay))[0]).toMatchObject({ id, threadId, to: "me", agentId: "me", isLate: true });
  // Handed over, which begins the next ten minutes.
  await ask("GET", "/v1/agents/me/inbox", undefined, me);
  // The agent has no means to say that it is in a turn: the answer is next.
  expect(await shown(relay)).toEqual([["Is main green?", "offered", "answered", false]]);
  await relay.pass(12 * MINUTE);
  const [one] = await late(relay);
  expect([one?.isLate, one?.sentence.startsWith("offered to me at ")]).toEqual([true, true]);
  // A second question in the thread stands for the first.
  await ask("POST", "/v1/messages", { to: "me", body: "Well?", replyTo: id });
  expect(await shown(relay)).toEqual([["Well?", "routed", "offered", false]]);
  await ask("POST", "/v1/messages", { to: "user", body: "Yes.", replyTo: id }, me);
  expect(await late(relay)).toEqual([]);
  await ask("POST", "/v1/messages", { to: "tag:nobody", subject: "<b>Anyone?</b>", body: "x" });
  expect((await late(relay))[0]).toMatchObject({
    ...{ title: "<b>Anyone?</b>", reached: "stored", missing: "routed", agentId: null },
    sentence: "Nobody was in tag:nobody when it was sent.",
  });
  await relay.pass(25 * 60 * MINUTE);
  expect(await late(relay)).toEqual([]);
});

test("an open request is watched to its answer, and is not late while a turn works on it", async () => {
  const relay = await startRelay();
  const { ask } = relay;
  const [boss, me] = [await relay.agent("boss"), await relay.agent("me")];
  const asked = { to: "me", text: "Count to ten", timeoutSeconds: 7200 };
  const { messageId, id } = (await ask("POST", "/v1/delegations", asked, boss)).body;
  await ask("POST", "/v1/agents/me/inbox/ack", { upTo: messageId }, me);
  await relay.pass(12 * MINUTE);
  expect((await late(relay))[0]).toMatchObject({
    id: messageId,
    ...{ reached: "offered", missing: "answered", impossible: ["in-turn"], isLate: true },
  });
  const run = (await ask("POST", "/v1/runs", { task: "count", messageId, sessionKey: "s" }, me)).body;
  expect((await late(relay))[0]).toMatchObject({ id: messageId, reached: "in-turn", lateAt: null, isLate: false });
  expect(run.delegationId).toBe(id);
  // An agent that works on runs says when it is in a turn.
  expect((await late(relay))[0]).toMatchObject({ impossible: [] });
  const asks = (await ask("POST", "/v1/messages", { to: "boss", body: "Status?" })).body;
  const other = (await ask("POST", "/v1/runs", { task: "x", messageId: asks.id, sessionKey: "t" }, boss)).body;
  expect((await late(relay)).map((one) => [one.id, one.reached, one.isLate])).toContainEqual([
    asks.id,
    "in-turn",
    false,
  ]);
  const fence = { ...boss, headers: { "signalbox-run": other.token } };
  await ask("POST", `/v1/runs/${other.id}/finish`, { outcome: "ok" }, fence);
  expect((await late(relay)).map((one) => one.id)).toEqual([messageId]);
  await ask("POST", "/v1/messages", { to: "boss", body: "10", replyTo: messageId }, me);
  expect(await late(relay)).toEqual([]);
  await ask("POST", "/v1/messages", { to: "me", body: "later", claimable: true });
  const [work] = await late(relay);
  expect(work).toMatchObject({ title: "later", reached: "routed" });
  await ask("POST", `/v1/messages/${work?.id}/claim`, {}, me);
  expect(await late(relay)).toEqual([]);
});

test("people alone read which messages to watch, and those that are encrypted have no title", async () => {
  const relay = await startRelay();
  const { ask } = relay;
  const me = await relay.agent("me");
  await ask("POST", "/v1/messages", { to: "me", body: "c2VjcmV0", encoding: "opaque" });
  expect((await late(relay))[0]).toMatchObject({ title: null });
  expect((await ask("GET", "/v1/messages/late", undefined, me)).status).toBe(403);
  const viewer = (await ask("POST", "/v1/tokens", { role: "viewer" })).body;
  expect((await ask("GET", "/v1/messages/late", undefined, viewer)).status).toBe(200);
});

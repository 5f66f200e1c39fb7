import { describe, expect, test } from "bun:test";
import { startTeam } from "../../support/delegations.ts";
import { listen } from "../../support/listen.ts";
import { metric } from "../../support/metrics.ts";
import { openStream } from "../../support/stream.ts";
import { turns, until } from "../../support/until.ts";

const HOUR = 3_600_000;
const DAY = 24 * HOUR;

describe("waiting for the answer", () => {
  test("a call that waits for the answer waits until it is there", async () => {
    const { delegate, ada, bob, on, ask } = await startTeam();
    const asked = await delegate(ada, "bob");
    const waiting = ask("GET", `/v1/delegations/${asked.id}?waitSeconds=60`, undefined, ada);
    await turns();
    await on(asked, "progress", bob, { text: "half" });
    await turns();
    await on(asked, "response", bob, { text: "done" });
    expect(await waiting).toMatchObject({ status: 200, body: { status: "answered", answer: { text: "done" } } });
  });

  test("a wait for the answer ends when the time is up, at once when it had ended, and at the deadline", async () => {
    const { delegate, ada, bob, on, ask, pass } = await startTeam();
    const asked = await delegate(ada, "bob", { timeoutSeconds: 60 });
    const path = `/v1/delegations/${asked.id}?waitSeconds=30`;
    const short = ask("GET", path, undefined, ada);
    await turns();
    await pass(31_000);
    expect((await short).body).toMatchObject({ status: "pending", answer: null });
    const long = ask("GET", path, undefined, ada);
    await turns();
    await pass(29_500);
    expect((await long).body).toMatchObject({ status: "timed-out", answer: { from: "system" } });
    await on(asked, "response", bob, { text: "late" });
    expect((await ask("GET", path, undefined, ada)).body).toMatchObject({ late: true });
  });

  test("the operator's and the worker's waits for the answer end, too, when it is cancelled", async () => {
    const { delegate, ada, bob, on, ask } = await startTeam();
    const asked = await delegate(ada, "bob");
    const path = `/v1/delegations/${asked.id}?waitSeconds=60`;
    const waiting = [ask("GET", path), ask("GET", path, undefined, bob)];
    await turns();
    await on(asked, "cancel", ada);
    for (const answer of await Promise.all(waiting)) expect(answer.body.status).toBe("cancelled");
  });

  test("a client that leaves, or whose token is revoked, waits for the answer no longer", async () => {
    const { delegate, ada, ask } = await startTeam();
    const asked = await delegate(ada, "bob");
    const path = `/v1/delegations/${asked.id}?waitSeconds=60`;
    const leaving = new AbortController();
    const left = ask("GET", path, undefined, { ...ada, signal: leaving.signal });
    const revoked = ask("GET", path, undefined, ada);
    await turns();
    leaving.abort();
    await left;
    const { tokenId } = (await ask("GET", "/v1/whoami", undefined, ada)).body;
    await ask("DELETE", `/v1/tokens/${tokenId}`);
    expect((await revoked).status).toBe(401);
  });
});

describe("who may read", () => {
  test("a delegation is read by whoever may read the request: asker, target, the group, and people who watch", async () => {
    const { delegate, ada, bob, cid, pat, ask } = await startTeam();
    const [direct, group] = [await delegate(ada, "bob"), await delegate(ada, "tag:pool")];
    const status = async (id: string, by?: { token: string }) =>
      (await ask("GET", `/v1/delegations/${id}`, undefined, by ?? {})).status;
    expect([await status(direct.id, ada), await status(direct.id, bob), await status(direct.id)]).toEqual([
      200, 200, 200,
    ]);
    expect([await status(direct.id, cid), await status(group.id, cid)]).toEqual([403, 403]);
    expect(await status(group.id, pat)).toBe(200);
    expect(await status("dlg_none", cid)).toBe(404);
    expect((await ask("GET", "/v1/delegations/nonsense")).status).toBe(422);
  });

  test("a list has of a delegation what the caller may read", async () => {
    const { delegate, ada, bob, cid, pat, ask, claim, on } = await startTeam();
    const direct = await delegate(ada, "bob", { text: "one" });
    const group = await delegate(ada, "tag:pool");
    const child = await delegate(bob, "cid", { parentId: direct.id });
    await claim(pat);
    await on(child, "response", cid, { text: "done" });
    const ids = async (query: string, by?: { token: string }) =>
      (await ask("GET", `/v1/delegations${query}`, undefined, by ?? {})).body.items.map(({ id }: { id: string }) => id);
    expect(await ids("")).toEqual([child.id, group.id, direct.id]);
    expect(await ids("?from=ada")).toEqual([group.id, direct.id]);
    expect(await ids("?to=bob")).toEqual([direct.id]);
    expect(await ids("?to=pat")).toEqual([group.id]);
    expect(await ids("?to=tag:pool")).toEqual([group.id]);
    expect(await ids("?status=claimed")).toEqual([group.id]);
    expect(await ids(`?root=${direct.id}`)).toEqual([child.id, direct.id]);
    expect(await ids("", cid)).toEqual([child.id]);
    expect(await ids("", bob)).toEqual([child.id, direct.id]);
    const first = await ask("GET", "/v1/delegations?limit=2");
    expect(first.body.items.map(({ id }: { id: string }) => id)).toEqual([child.id, group.id]);
    expect(await ids(`?limit=2&page=${first.body.nextPage}`)).toEqual([direct.id]);
    expect(first.headers.get("link")).toContain('rel="next"');
  });
});

describe("its story", () => {
  test("the story of a delegation is told by explain", async () => {
    const { delegate, ada, bob, on, ask, pass } = await startTeam();
    const asked = await delegate(ada, "bob", { timeoutSeconds: 60 });
    await pass(61_000);
    const late = (await on(asked, "response", bob, { text: "late" })).body;
    const { facts } = (await ask("GET", `/v1/messages/${asked.messageId}/explain`, undefined, ada)).body;
    const told = facts.filter((fact: { delegationId?: string }) => fact.delegationId === asked.id);
    expect(told).toMatchObject([
      { step: "delegated", depth: 1, queued: false },
      { step: "timed-out" },
      { step: "answered", late: true, messageId: late.answer.messageId },
    ]);
  });
});

describe("people who watch", () => {
  test("people who watch see each change of a delegation, and numbers", async () => {
    const team = await startTeam();
    const { delegate, ada, pat, claim, on, relay, pass } = team;
    const stream = await openStream(`${listen(team)}/v1/messages/stream`, { token: relay.operatorToken });
    await stream.first("hello");
    const asked = await delegate(ada, "tag:pool");
    expect(await metric(team, "signalbox_delegations_open")).toBe(1);
    await claim(pat);
    await pass(2000);
    await on(asked, "response", pat, { text: "done" });
    await stream.until((so) => so.of("delegation").length >= 3);
    expect(stream.of("delegation").map(({ data }) => data)).toMatchObject([
      { id: asked.id, messageId: asked.messageId, status: "pending", holder: null },
      { id: asked.id, status: "claimed", holder: "pat" },
      { id: asked.id, status: "answered", late: false },
    ]);
    expect(await metric(team, "signalbox_delegations_open")).toBe(0);
    expect(await metric(team, 'signalbox_delegations_ended_total{outcome="answered"}')).toBe(1);
    expect(await metric(team, "signalbox_delegation_seconds_sum")).toBe(2);
    await delegate(ada, "bob");
    await team.restart();
    expect(await metric(team, "signalbox_delegations_open")).toBe(1);
    await pass(400_000);
    expect(await metric(team, "signalbox_delegations_open")).toBe(0);
    expect(await metric(team, 'signalbox_delegations_ended_total{outcome="timed-out"}')).toBe(1);
  });
});

describe("retention", () => {
  test("retention keeps what is owed an answer; what ended goes with its request", async () => {
    const { delegate, ada, bob, on, ask, pass, look, reply } = await startTeam({ retentionDays: 1 });
    const over = await delegate(ada, "bob");
    await on(over, "response", bob, { text: "done" });
    const open = await delegate(ada, "cid", { timeoutSeconds: 20 * 86_400 });
    await pass(2 * DAY + HOUR);
    await until(async () => (await ask("GET", `/v1/delegations/${over.id}`)).status === 404, "retention has run");
    await pass(2 * DAY);
    expect(await look(open)).toMatchObject({ status: "pending", text: "please" });
    expect((await reply({ id: "cid", token: "" }, open)).status).toBe(401);
    expect((await ask("POST", `/v1/delegations/${open.id}/response`, { text: "at last" })).status).toBe(201);
  });
});

import { describe, expect, test } from "bun:test";
import { listen } from "../../support/listen.ts";
import { startFleet } from "../../support/sessions.ts";
import { openStream } from "../../support/stream.ts";

const AT = "/v1/limits/claude/team";
const MINUTE = 60_000;

async function withLimit() {
  const fleet = await startFleet();
  const { ask, put, clock, box } = fleet;
  const rack = await fleet.orchestrator("rack");
  await fleet.enroll(rack, "rack-one");
  const on = { account: "team", state: "limited" };
  await put(box, "ses_a", on);
  await put(box, "ses_b", { ...on, agentId: "box-two" });
  await put(rack, "ses_c", { ...on, agentId: "rack-one" });
  await put(box, "ses_other", { account: "other" });
  const until = clock.now() + 10 * MINUTE;
  const heard = { box: new Map<number, unknown>(), rack: new Map<number, unknown>() };
  /** `payload.limit` of what an orchestrator was told, oldest first: what was there at each look, as tries expire. */
  const told = async (name: "box" | "rack") => {
    const { items } = (await ask("GET", `/v1/agents/orchestrator-${name}/inbox?after=0&limit=500`)).body;
    for (const { id, payload, urgent } of items) if (payload?.limit) heard[name].set(id, { ...payload.limit, urgent });
    return [...heard[name].values()];
  };
  const report = (by: { token: string } | undefined = box, fields: object = {}) =>
    ask("PUT", AT, { type: "five_hour", until: new Date(until).toISOString(), evidence: { s: 1 }, ...fields }, by);
  return {
    ...fleet,
    ...{ rack, until, told, report },
    clear: (by?: { token: string }) => ask("DELETE", AT, undefined, by),
    limits: async () => (await ask("GET", "/v1/limits")).body.items,
    notices: async () =>
      (await ask("GET", "/v1/messages?to=user")).body.items.filter(
        ({ subject }: { subject: string }) => subject === "claude is limited",
      ),
    /** Lets time pass in steps, with both orchestrators heard of. */
    async wait(minutes: number) {
      for (let i = 0; i < minutes; i++) {
        await fleet.pass(MINUTE);
        for (const by of [box, rack]) await ask("POST", `/v1/orchestrators/${by.name}/heartbeat`, {}, by);
        for (const name of ["box", "rack"] as const) await told(name);
      }
    },
  };
}

const probe = (sessionId: string) => ({ provider: "claude", account: "team", do: "probe", sessionId, urgent: true });
const free = { provider: "claude", account: "team", do: "free", sessionId: null, urgent: true };

describe("a limit of a provider", () => {
  test("a limit is one for each account, and one notice, however many report it", async () => {
    const { report, rack, limits, notices, until, clock } = await withLimit();
    const first = await report();
    expect(first).toMatchObject({
      status: 201,
      body: {
        ...{ provider: "claude", account: "team", type: "five_hour", until: new Date(until).toISOString() },
        ...{ evidence: { s: 1 }, utilization: null, rejected: true, probe: null },
        since: new Date(clock.now()).toISOString(),
      },
    });
    const later = new Date(until + MINUTE).toISOString();
    const again = await report(rack, { until: later, utilization: 100 });
    expect(again).toMatchObject({ status: 200, body: { until: later, utilization: 100, since: first.body.since } });
    expect(await limits()).toHaveLength(1);
    expect(await notices()).toHaveLength(1);
  });

  test("an orchestrator speaks of its own accounts alone, and a limit says who has reported it", async () => {
    const fleet = await withLimit();
    const { ask, report, rack, box, limits } = fleet;
    const other = await fleet.orchestrator("attic");
    expect((await report(other)).body).toMatchObject({ status: 403, code: "forbidden" });
    expect(await limits()).toEqual([]);
    expect((await report(box)).body.reportedBy).toEqual(["box"]);
    expect((await report(rack)).body.reportedBy).toEqual(["box", "rack"]);
    expect((await report(box)).body.reportedBy).toEqual(["rack", "box"]);
    expect((await report(other, { rejected: false })).status).toBe(403);
    const draft = { type: "day", until: new Date(fleet.until).toISOString(), evidence: {} };
    // An account that nobody has a session on is whose word is first.
    expect((await ask("PUT", "/v1/limits/codex/own", draft, other)).body.reportedBy).toEqual(["attic"]);
    expect((await ask("PUT", "/v1/limits/codex/own", draft, box)).status).toBe(403);
    expect((await ask("PUT", "/v1/limits/codex/own", draft, other)).status).toBe(200);
  });

  test("some time after its end one session is asked to try; silence of two minutes asks the next", async () => {
    const { report, wait, told, limits } = await withLimit();
    await report();
    await wait(10);
    expect([await told("box"), await told("rack")]).toEqual([[], []]);
    // 60 to 300 seconds later, and not before.
    await wait(5);
    const [{ probe: asked }] = await limits();
    expect(await told("box")).toContainEqual(probe("ses_a"));
    expect(asked.sessionId).toBeOneOf(["ses_a", "ses_b", "ses_c"]);
    await wait(6);
    expect(await told("box")).toEqual([probe("ses_a"), probe("ses_b")]);
    expect((await told("rack"))[0]).toEqual(probe("ses_c"));
    // Nobody answered: another round.
    await wait(10);
    expect((await told("box")).length).toBeGreaterThan(2);
  });

  test("success frees all: every orchestrator with sessions on the account is told, and nobody is asked again", async () => {
    const { report, wait, told, clear, limits, notices, box, rack } = await withLimit();
    await report();
    await wait(15);
    const [{ probe: asked }] = await limits();
    expect(asked).not.toBeNull();
    const before = (await told("box")).length;
    expect((await clear(box)).status).toBe(204);
    expect(await limits()).toEqual([]);
    expect((await told("box")).at(-1)).toEqual(free);
    expect((await told("rack")).at(-1)).toEqual(free);
    await wait(20);
    expect(await told("box")).toHaveLength(before + 1);
    // A limit met later is another one.
    await report(rack);
    expect(await notices()).toHaveLength(2);
  });

  test("a try that is refused is a new report: the limit goes on with no second notice, and is tried after its new end", async () => {
    const { report, wait, told, limits, notices, clock, box } = await withLimit();
    await report();
    await wait(15);
    const asked = (await told("box")).length + (await told("rack")).length;
    expect(asked).toBeGreaterThan(0);
    await report(box, { until: new Date(clock.now() + 10 * MINUTE).toISOString() });
    const [limit] = await limits();
    expect(limit.probe).toBeNull();
    await wait(10);
    expect((await told("box")).length + (await told("rack")).length).toBe(asked);
    await wait(6);
    expect((await told("box")).length + (await told("rack")).length).toBeGreaterThan(asked);
    expect(await notices()).toHaveLength(1);
  });

  test("a session whose machine is not heard of is not asked, and a limit that no session waits for ends", async () => {
    const { report, pass, told, ask, rack, put, box, limits } = await withLimit();
    await report();
    for (let i = 0; i < 20; i++) {
      await pass(MINUTE);
      await told("rack");
      await ask("POST", "/v1/orchestrators/rack/heartbeat", {}, rack);
    }
    expect(await told("box")).toEqual([]);
    expect((await told("rack"))[0]).toEqual(probe("ses_c"));
    await put(box, "ses_a", { state: "dead" });
    await put(box, "ses_b", { state: "dead", agentId: "box-two" });
    await put(rack, "ses_c", { state: "dead", agentId: "rack-one" });
    for (let i = 0; i < 10; i++) await pass(MINUTE);
    expect(await limits()).toEqual([]);
  });

  test("a warning refuses nothing: it tells nobody, lifts no limit, and goes at its end", async () => {
    const { report, wait, told, limits, notices, clear } = await withLimit();
    await report(undefined, { rejected: false, utilization: 91 });
    expect(await limits()).toMatchObject([{ rejected: false, utilization: 91 }]);
    expect(await notices()).toEqual([]);
    await report();
    await report(undefined, { rejected: false, utilization: 95, until: "2026-03-01T12:00:01Z" });
    expect(await limits()).toMatchObject([{ rejected: true, utilization: 95, type: "five_hour" }]);
    await clear();
    await report(undefined, { rejected: false });
    await wait(11);
    expect(await limits()).toEqual([]);
    expect(await told("box")).not.toContainEqual(probe("ses_a"));
  });

  test("G10: orchestrators report, the one whose session was asked clears, and an operator; people and orchestrators read", async () => {
    const { report, clear, ask, box, rack, one, orchestrator, wait, limits } = await withLimit();
    const member = (await ask("POST", "/v1/tokens", { role: "member" })).body;
    const operator = (await ask("POST", "/v1/tokens", { role: "operator" })).body;
    for (const by of [operator, member, one]) expect((await report(by)).body.code).toBe("forbidden");
    expect((await clear(box)).body.code).toBe("not-found");
    await report();
    for (const by of [box, rack, member, one]) expect((await clear(by)).body.code).toBe("forbidden");
    await wait(15);
    const shed = await orchestrator("shed");
    expect((await clear(shed)).body.code).toBe("forbidden");
    const listed = (by: { token: string }) => ask("GET", "/v1/limits", undefined, by);
    for (const by of [member, rack, shed]) expect((await listed(by)).body.items).toHaveLength(1);
    expect((await listed(one)).status).toBe(403);
    expect((await clear()).status).toBe(204);
    expect(await limits()).toEqual([]);
    expect((await ask("GET", "/v1/activity")).body.items[0]).toMatchObject({ verb: "limit.cleared" });
    const forged = await ask("POST", "/v1/messages", { to: "box-one", body: "x", payload: { limit: free } }, rack);
    expect(forged.body.code).toBe("reserved");
  });

  test("G10: a token of an orchestrator that is revoked while it clears a limit clears nothing", async () => {
    const { report, wait, clear, limits, box, ask } = await withLimit();
    await report();
    await wait(12);
    const { tokenId } = (await ask("GET", "/v1/whoami", undefined, box)).body;
    // The change shares the commit of the revocation.
    const [, cleared] = await Promise.all([ask("DELETE", `/v1/tokens/${tokenId}`), clear(box)]);
    expect(cleared.body).toMatchObject({ status: 401, code: "unauthorized" });
    expect(await limits()).toHaveLength(1);
  });

  test("G11: a limit and its tries go on after a restart", async () => {
    const { report, restart, wait, told, limits } = await withLimit();
    await report();
    const before = await limits();
    await restart(5 * MINUTE);
    expect(await limits()).toEqual(before);
    await wait(12);
    expect((await told("box")).length + (await told("rack")).length).toBeGreaterThan(0);
  });

  test("limits are listed in pages, shown to watchers, and counted", async () => {
    const fleet = await withLimit();
    const { ask, report, clear, box } = fleet;
    const stream = await openStream(`${listen(fleet)}/v1/messages/stream`, { token: fleet.relay.operatorToken });
    await stream.first("hello");
    await report();
    await ask("PUT", "/v1/limits/codex/x%2Fy", { type: "p", until: "2026-03-01T13:00:00Z", evidence: {} }, box);
    const first = (await ask("GET", "/v1/limits?limit=1")).body;
    const rest = (await ask("GET", `/v1/limits?limit=1&page=${first.nextPage}`)).body;
    expect([first.items[0].provider, rest.items[0].account, rest.nextPage]).toEqual(["claude", "x/y", null]);
    expect((await ask("GET", "/metrics")).body).toContain('signalbox_limits{provider="claude"} 1');
    await clear();
    await stream.until((so) => so.of("limit").length === 3);
    expect(stream.of("limit").map(({ data }) => [data.provider, data.cleared])).toEqual([
      ["claude", false],
      ["codex", false],
      ["claude", true],
    ]);
    expect((await ask("GET", "/metrics")).body).not.toContain('signalbox_limits{provider="claude"}');
  });
});

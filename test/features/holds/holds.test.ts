import { describe, expect, test } from "bun:test";
import { startBox } from "../../support/commands.ts";
import type { Answered } from "../../support/relay.ts";
import { inTime } from "../../support/until.ts";

const MINUTE = 60_000;

async function startHolding() {
  const box = await startBox();
  const { ask } = box;
  const worker = await box.enrolled("box-claude");
  return {
    ...box,
    get relay() {
      return box.relay;
    },
    worker,
    async hold(scope: unknown, more: object = {}): Promise<Answered["body"]> {
      const made = await ask("POST", "/v1/holds", { scope, reason: "Deploying the database", ...more });
      if (made.status !== 201) throw new Error(JSON.stringify(made.body));
      return made.body;
    },
    lift: ({ id }: { id: string }, by: { token?: string } = {}) => ask("DELETE", `/v1/holds/${id}`, undefined, by),
    shown: async ({ id }: { id: string }) => (await ask("GET", `/v1/holds/${id}`)).body,
    async session(id: string, fields: object = {}) {
      const draft = { agentId: "box-claude", provider: "claude", lane: "main", state: "working", ...fields };
      const made = await ask("PUT", `/v1/sessions/${id}`, draft, box.daemon);
      if (made.status > 201) throw new Error(JSON.stringify(made.body));
      return made.body;
    },
  };
}

describe("while a hold stands", () => {
  test("while a hold stands nothing begins: no turn, no claim, no spawn; what runs may end", async () => {
    const { ada, bob, ask, run, finish, tryRun, does, hold, lift, tryCommand } = await startHolding();
    const under = await run(ada, { sessionKey: "old" });
    await ask("POST", "/v1/messages", { to: "bob", body: "work", claimable: true }, ada);
    const { id: work } = (await ask("POST", "/v1/messages", { to: "bob", body: "more", claimable: true }, ada)).body;
    const held = await hold("all");
    const refused = await tryRun(ada, { sessionKey: "new" });
    expect(refused.body).toMatchObject({ status: 409, code: "held", holdId: held.id });
    expect(refused.body.detail).toContain("Deploying the database");
    const queued = await run(bob, { agentId: "ada", sessionKey: "asked" });
    expect((await does(ada, queued, "start")).body.code).toBe("held");
    expect((await ask("POST", "/v1/agents/bob/claims", {}, bob)).body.items).toEqual([]);
    expect((await ask("POST", `/v1/messages/${work}/claim`, {}, bob)).body.code).toBe("held");
    for (const who of [ada, undefined])
      expect((await tryCommand(who, { do: "spawn", provider: "claude" })).body.code).toBe("held");
    expect((await tryCommand(undefined, { do: "peek", sessionId: "ses_1" })).body.code).not.toBe("held");
    await finish(ada, under);
    await lift(held);
    expect((await tryRun(ada, { sessionKey: "new" })).status).toBe(201);
    expect((await ask("POST", "/v1/agents/bob/claims", {}, bob)).body.items).toHaveLength(1);
  });

  test("while a hold stands its scope alone is held: an orchestrator's agents, a project, a tag", async () => {
    const { ada, agent, worker, run, tryRun, session, hold, lift } = await startHolding();
    const tagged = await agent("tess", { tags: ["night"] });
    const code = async (by: typeof ada, fields = {}) =>
      (await tryRun(by, { sessionKey: `k${Math.random()}`, ...fields })).body.code;
    const ofBox = await hold({ orchestratorId: "box" });
    expect([await code(worker), await code(ada)]).toEqual(["held", undefined]);
    await lift(ofBox);
    await session("ses_a", { project: "github.com/a/b", tags: ["night"] });
    const ofProject = await hold({ project: "github.com/a/b" });
    expect(await code(ada, { project: "github.com/a/b" })).toBe("held");
    expect(await code(ada, { project: "github.com/a/c" })).toBeUndefined();
    expect(await code(worker)).toBe("held");
    await lift(ofProject);
    const ofTag = await hold({ tag: "night" });
    expect([await code(tagged), await code(worker), await code(ada)]).toEqual(["held", "held", undefined]);
    expect(await code(ada, { tags: ["night"] })).toBe("held");
    await lift(ofTag);
    expect(await code(tagged)).toBeUndefined();
    await run(worker);
  });

  test("while a hold stands that was made in the commit which lifted another, it holds all the same", async () => {
    const { ada, hold, lift, tryRun } = await startHolding();
    const first = await hold("all");
    const [, next] = await Promise.all([lift(first), hold("all")]);
    expect((await tryRun(ada, { sessionKey: "new" })).body).toMatchObject({ code: "held", holdId: next.id });
    await lift(next);
    expect((await tryRun(ada, { sessionKey: "new" })).status).toBe(201);
  });

  test("while a hold stands schedules wait, and are sent once when it is lifted", async () => {
    const { ada, bob, ask, hold, lift, pass, inbox } = await startHolding();
    const message = { to: "bob", body: "tick" };
    const { id } = (await ask("POST", "/v1/schedules", { cron: "*/5 * * * *", message }, ada)).body;
    const held = await hold("all");
    expect((await ask("POST", `/v1/schedules/${id}/run`, {}, ada)).body.code).toBe("held");
    await pass(11 * MINUTE);
    const ticks = async () => (await inbox(bob)).filter(({ body }) => body === "tick").length;
    expect(await ticks()).toBe(0);
    await lift(held);
    await pass(MINUTE);
    expect(await ticks()).toBe(1);
  });

  test("while a hold stands a claimer that waits stays parked, and is woken when it is lifted", async () => {
    const { ada, bob, ask, hold, lift, relay } = await startHolding();
    const held = await hold("all");
    await ask("POST", "/v1/messages", { to: "bob", body: "work", claimable: true }, ada);
    const waiting = ask("POST", "/v1/agents/bob/claims", { waitSeconds: 60 }, bob);
    let isOver = false;
    void waiting.then(() => {
      isOver = true;
    });
    await relay.settle();
    await lift(held);
    expect(isOver).toBe(false);
    await relay.settle();
    expect((await inTime(waiting, "the claim")).body.items).toHaveLength(1);
  });

  test("G7: a hold stands on after a restart, and so does the way out of it", async () => {
    const { ada, hold, lift, restart, tryRun, shown, pass } = await startHolding();
    const held = await hold("all");
    await restart(10 * MINUTE);
    expect((await tryRun(ada, {})).body.code).toBe("held");
    await lift(held);
    await restart();
    await pass(1000);
    expect((await tryRun(ada, {})).status).toBe(201);
    expect((await shown(held)).liftedAt).not.toBeNull();
  });
});

describe("what was seen to stop", () => {
  test("what was seen to stop is said by the daemons, session by session", async () => {
    const { session, hold, heard, on, daemon, shown } = await startHolding();
    for (const id of ["ses_a", "ses_b", "ses_c"]) await session(id);
    await session("ses_dead", { state: "dead" });
    const held = await hold({ orchestratorId: "box" }, { mode: "kill" });
    expect(held.sessions.map(({ seen }: Answered["body"]) => seen)).toEqual(["told", "told", "told"]);
    const [request] = await heard();
    expect(request).toMatchObject({
      from: "system",
      payload: { command: { do: "hold", holdId: held.id, mode: "kill", sessionIds: ["ses_a", "ses_b", "ses_c"] } },
    });
    const sessions = [
      { sessionId: "ses_a", seen: "idle" },
      { sessionId: "ses_b", seen: "failed", detail: "pid 7 did not end" },
    ];
    const answer = { text: "Held.", payload: { commandResult: { sessions } } };
    await on({ id: request.payload.delegationId }, "response", daemon, answer);
    expect((await shown(held)).sessions).toMatchObject([
      { sessionId: "ses_a", seen: "idle", detail: null },
      { sessionId: "ses_b", seen: "failed", detail: "pid 7 did not end" },
      { sessionId: "ses_c", seen: "killed", agentId: "box-claude", orchestratorId: "box" },
    ]);
  });

  test("what was seen to stop is away for a daemon that is away, until that is back", async () => {
    const { ask, session, hold, heard, on, daemon, shown } = await startHolding();
    await session("ses_a");
    await ask("PATCH", "/v1/orchestrators/box", { status: "offline" }, daemon);
    const held = await hold("all");
    expect(held.sessions).toMatchObject([{ sessionId: "ses_a", seen: "away" }]);
    await ask("POST", "/v1/orchestrators/box/heartbeat", {}, daemon);
    const [request] = await heard();
    await on({ id: request.payload.delegationId }, "response", daemon, {
      text: "Held.",
      payload: { commandResult: {} },
    });
    expect((await shown(held)).sessions).toMatchObject([{ seen: "interrupted" }]);
  });

  test("what was stopped goes on in steps, the oldest sessions first", async () => {
    const { session, hold, lift, heard, pass, shown } = await startHolding();
    for (let n = 0; n < 12; n++) await session(`ses_${n}`, { lane: n === 0 ? "main" : "background" });
    const held = await hold("all");
    expect((await lift(held)).body.liftedAt).not.toBeNull();
    const resumed = async () =>
      (await heard()).flatMap(({ payload: { command } }) => (command.do === "resume" ? command.sessionIds : []));
    await pass(0);
    expect(await resumed()).toEqual([0, 1, 2, 3, 4].map((n) => `ses_${n}`));
    await pass(1000);
    expect(await resumed()).toHaveLength(10);
    await pass(1000);
    expect(await resumed()).toHaveLength(12);
    await pass(5000);
    expect(await resumed()).toHaveLength(12);
    expect((await shown(held)).sessions).toHaveLength(12);
  });
});

describe("people and holds", () => {
  test("G10: people alone make holds and lift them; everybody reads them, and a repeat is the same", async () => {
    const { ask, ada, daemon, hold, lift, pass } = await startHolding();
    const token = async (role: string) => (await ask("POST", "/v1/tokens", { role })).body as { token: string };
    const body = { scope: "all", reason: "x" };
    for (const who of [ada, daemon, await token("viewer")])
      expect((await ask("POST", "/v1/holds", body, who)).status).toBe(403);
    const member = await token("member");
    const how = { ...member, headers: { "idempotency-key": "k" } };
    const first = await ask("POST", "/v1/holds", body, how);
    expect([first.status, (await ask("POST", "/v1/holds", body, how)).status]).toEqual([201, 200]);
    await pass(1);
    const other = await hold({ tag: "night" });
    expect((await lift(first.body, ada)).status).toBe(403);
    const seen = (await ask("GET", "/v1/holds?lifted=false", undefined, ada)).body.items;
    expect(seen.map(({ id }: Answered["body"]) => id)).toEqual([other.id, first.body.id]);
    expect((await lift(first.body, member)).status).toBe(200);
    expect((await lift(first.body, member)).body.liftedAt).not.toBeNull();
    expect((await ask("GET", "/v1/holds?lifted=true")).body.items).toHaveLength(1);
    expect((await lift({ id: "hld_none" })).status).toBe(404);
    for (const wrong of [
      { scope: "all" },
      { scope: "all", reason: "  " },
      { scope: {}, reason: "x" },
      { scope: { orchestratorId: "attic" }, reason: "x" },
    ])
      expect((await ask("POST", "/v1/holds", wrong)).status).toBe(422);
  });
});

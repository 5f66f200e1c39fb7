import { describe, expect, test } from "bun:test";
import { BOX, startBox } from "../../support/commands.ts";
import { until } from "../../support/until.ts";

const spawn = (more: object = {}) => ({ do: "spawn", provider: "claude", prompt: "Fix the failing test", ...more });
const SESSION = "ses_0mf3k2j1a7x2c9q4b0d8";

describe("a command", () => {
  test("a command is a delegation to the orchestrator's agent, whose payload says exactly what and by whom", async () => {
    const { ada, command, heard, done, look, daemon, responses, ask } = await startBox();
    const made = await command(ada, spawn({ cwd: "app", background: true }));
    expect(made).toMatchObject({ from: "ada", to: "orchestrator-box", status: "pending", approvalId: null });
    const [request] = await heard();
    expect(request).toMatchObject({ kind: "request", from: "ada", id: made.messageId });
    expect(request.payload).toEqual({
      ...{ delegationId: made.id, depth: 1, context: null },
      command: { do: "spawn", provider: "claude", prompt: "Fix the failing test", cwd: "app", background: true },
      spawnedBy: { agentId: "ada", runId: null, person: null },
    });
    const result = { agentId: "box-claude", sessionId: SESSION, runId: "run_1" };
    await done(made, result, "box-claude has begun.");
    expect(await look(made)).toMatchObject({
      status: "answered",
      answer: { text: "box-claude has begun.", payload: { commandResult: result } },
    });
    expect((await responses(ada)).at(-1).payload.commandResult).toEqual(result);
    expect((await ask("GET", `/v1/delegations/${made.id}`, undefined, daemon)).status).toBe(200);
  });

  test("a command of a person names the person, and its answer is waited for", async () => {
    const { ask, command, heard, done, session } = await startBox();
    await session(SESSION);
    await ask("PUT", "/v1/people/mia", { name: "Mia", role: "member" });
    const mia = (await ask("POST", "/v1/tokens", { role: "member", personId: "mia" })).body;
    const waiting = command(mia, { do: "kill", sessionId: SESSION, reason: "It loops" }, { wait: 30 });
    await until(async () => (await heard()).length === 1);
    const [request] = await heard();
    expect(request.payload).toMatchObject({
      command: { do: "kill", sessionId: SESSION, reason: "It loops" },
      spawnedBy: { agentId: "user", runId: null, person: "mia" },
    });
    await done({ id: request.payload.delegationId }, { ended: true });
    expect(await waiting).toMatchObject({
      status: "answered",
      answer: { payload: { commandResult: { ended: true } } },
    });
  });

  test("G5: a command repeated with its key is the same; with other content it is refused", async () => {
    const { ada, command, tryCommand, heard } = await startBox();
    const first = await tryCommand(ada, spawn(), { key: "k1" });
    const again = await tryCommand(ada, spawn(), { key: "k1" });
    expect([first.status, again.status]).toEqual([201, 200]);
    expect(again.headers.get("idempotent-replayed")).toBe("true");
    expect(again.body.id).toBe(first.body.id);
    expect((await tryCommand(ada, spawn({ prompt: "Another" }), { key: "k1" })).body.code).toBe("idempotency-mismatch");
    await command(undefined, spawn(), { key: "k1" });
    expect(await heard()).toHaveLength(2);
  });

  test("a command waits for a daemon that is away, and times out with a clear answer when it stays away", async () => {
    const { ada, ask, command, heard, done, look, pass, daemon, responses } = await startBox();
    await ask("PATCH", "/v1/orchestrators/box", { status: "offline" }, daemon);
    const one = await command(ada, spawn(), { timeoutSeconds: 60 });
    expect(one.queued).toBe(true);
    await pass(50_000);
    expect(await heard()).toHaveLength(1);
    await done(one);
    const two = await command(ada, spawn(), { timeoutSeconds: 60 });
    await pass(61_000);
    expect(await heard()).toEqual([]);
    expect(await look(two)).toMatchObject({
      status: "timed-out",
      answer: { error: "orchestrator-box did not answer within 60 seconds" },
    });
    expect((await responses(ada)).at(-1).body).toContain("did not answer within 60 seconds");
  });

  test("a command that was cancelled, or whose orchestrator is deleted, has ended for its asker", async () => {
    const { ada, ask, command, look, on, daemon, inbox } = await startBox();
    const one = await command(ada, spawn());
    await on(one, "cancel", ada);
    expect((await inbox(daemon)).at(-1).subject).toBe(`Delegation ${one.id} is cancelled`);
    const two = await command(ada, spawn());
    await ask("DELETE", "/v1/orchestrators/box");
    expect(await look(two)).toMatchObject({ status: "failed", answer: { error: "orchestrator-box was deleted" } });
    expect((await ask("POST", "/v1/orchestrators/box/commands", { command: spawn() }, ada)).status).toBe(404);
  });
});

describe("G10: who may command", () => {
  test("G10: who may command: the agents that are named, by id or beginning, and nobody else's token", async () => {
    const { ask, agent, ada, bob, tryCommand, daemon, heard } = await startBox();
    const team = await agent("team-one");
    const token = async (draft: object) => (await ask("POST", "/v1/tokens", draft)).body as { token: string };
    const attic = await token({ role: "orchestrator", agentId: "orchestrator-attic", prefix: "attic-" });
    await ask(
      "PUT",
      "/v1/orchestrators/attic",
      { hostname: "attic", version: "0.2.0", baseDir: "/", providers: [] },
      attic,
    );
    const tried = async (who: { token?: string }) => (await tryCommand(who, spawn())).status;
    expect(await tried(ada)).toBe(201);
    expect(await tried(team)).toBe(201);
    expect(await tried(await token({ role: "member" }))).toBe(201);
    const refused = await tryCommand(bob, spawn());
    expect([refused.status, refused.body.detail]).toEqual([
      403,
      "bob may not spawn on box: an operator names it in the spawners of that orchestrator.",
    ]);
    for (const who of [daemon, attic, await token({ role: "viewer" }), await token({ role: "enroll", prefix: "n-" })])
      expect(await tried(who)).toBe(403);
    expect(await tried({ token: "sbx_none" })).toBe(401);
    expect(await heard()).toHaveLength(3);
  });

  test("G10: who may command: an agent reaches the sessions that its own spawns began, and no others", async () => {
    const { ada, agent, bob, command, tryCommand, done, session, pass } = await startBox();
    const team = await agent("team-one");
    await session("ses_before");
    await pass(1000);
    await done(await command(ada, spawn()), { sessionId: "ses_before" });
    expect((await tryCommand(ada, { do: "kill", sessionId: "ses_before" })).status).toBe(403);
    const made = await command(ada, spawn());
    await session(SESSION);
    await session("ses_other");
    await done(made, { sessionId: SESSION });
    for (const verb of [{ do: "send", text: "Go on" }, { do: "interrupt" }, { do: "peek" }, { do: "kill" }]) {
      const one = { ...verb, sessionId: SESSION };
      expect((await tryCommand(ada, one)).status, verb.do).toBe(201);
      expect((await tryCommand(team, one)).status, verb.do).toBe(403);
      expect((await tryCommand(bob, one)).status, verb.do).toBe(403);
      expect((await tryCommand(ada, { ...one, sessionId: "ses_other" })).status, verb.do).toBe(403);
      expect((await tryCommand(undefined, { ...one, sessionId: "ses_other" })).status, verb.do).toBe(201);
    }
  });

  test("G10: who may command: adopt and clear are for operators; hold, resume and probe for nobody", async () => {
    const { ask, ada, tryCommand } = await startBox();
    const member = (await ask("POST", "/v1/tokens", { role: "member" })).body;
    for (const one of [
      { do: "adopt", provider: "claude", nativeId: "n-1" },
      { do: "clear", agentId: "box-claude" },
    ])
      expect(
        [
          (await tryCommand(undefined, one)).status,
          (await tryCommand(member, one)).status,
          (await tryCommand(ada, one)).status,
        ],
        one.do,
      ).toEqual([201, 403, 403]);
    for (const one of [
      { do: "hold", holdId: "hld_1" },
      { do: "resume", holdId: "hld_1" },
      { do: "probe", provider: "claude", account: "a", sessionId: SESSION },
    ])
      for (const who of [undefined, member, ada])
        expect((await tryCommand(who, one)).body.errors[0].pointer, one.do).toBe("/command/do");
  });

  test("G10: who may command: no agent says the system prompt of another", async () => {
    const { ada, tryCommand } = await startBox();
    expect((await tryCommand(ada, spawn({ systemPrompt: "You are root" }))).status).toBe(403);
    expect((await tryCommand(undefined, spawn({ systemPrompt: "Be brief" }))).status).toBe(201);
  });
});

describe("a command that cannot be", () => {
  test("a command that cannot be names what there is: provider, prefix, folder, file, state", async () => {
    const { ask, agent, ada, tryCommand, enrolled, heard } = await startBox();
    await agent("box-taken");
    await enrolled("box-two");
    const refusal = async (command: object) => {
      const { body } = await tryCommand(ada, command);
      return [body.status, body.errors?.[0].pointer, body.errors?.[0].message];
    };
    expect(await refusal(spawn({ provider: "rm -rf /" }))).toEqual([
      ...[422, "/command/provider", "box has no provider rm -rf /. It has: claude, codex"],
    ]);
    expect((await refusal(spawn({ agentId: "ada" })))[2]).toStartWith("has to begin with box-");
    expect((await refusal(spawn({ agentId: "box-taken" })))[2]).toBe("box-taken is no agent of box");
    expect((await tryCommand(ada, spawn({ agentId: "box-two" }))).status).toBe(201);
    for (const cwd of ["..", "/srv/agents/../x", "/etc", "/srv/agents-two", "a/../../b"])
      expect((await refusal(spawn({ cwd })))[1], cwd).toBe("/command/cwd");
    for (const cwd of [".", "/srv/agents/app", "app/../lib"])
      expect((await tryCommand(ada, spawn({ cwd }))).status, cwd).toBe(201);
    expect((await refusal(spawn({ files: ["fil_none"] })))[1]).toBe("/command/files/0");
    expect((await refusal({ do: "spawn", provider: "claude", shell: "rm" }))[0]).toBe(422);
    await ask("PATCH", "/v1/orchestrators/box", { status: "draining" });
    expect((await tryCommand(ada, spawn())).body.detail).toBe("box is draining: it starts nothing new.");
    expect((await tryCommand(ada, spawn(), { id: "attic" })).status).toBe(404);
    expect(await heard()).toHaveLength(4);
  });

  test("a command that cannot be: one to a session that is not there, or has ended", async () => {
    const { agent, ada, ask, session, tryCommand, done, command, daemon, heard } = await startBox();
    const made = await command(ada, spawn());
    await session(SESSION);
    await session("ses_over");
    await session("ses_over", { state: "dead" });
    await done(made, { sessionId: SESSION });
    const attic = (await ask("POST", "/v1/tokens", { role: "orchestrator", agentId: "orchestrator-attic" })).body;
    await ask("PUT", "/v1/orchestrators/attic", { ...BOX, hostname: "attic" }, attic);
    const member = (await ask("POST", "/v1/tokens", { role: "member" })).body;
    const before = (await heard()).length;
    for (const verb of [{ do: "peek" }, { do: "interrupt" }, { do: "kill" }, { do: "send", text: "Go on" }])
      for (const who of [undefined, member]) {
        const none = await tryCommand(who, { ...verb, sessionId: "ses_none" });
        expect([none.status, none.body.errors?.[0]], verb.do).toEqual([
          422,
          { pointer: "/command/sessionId", message: "box has no session ses_none" },
        ]);
        const over = await tryCommand(who, { ...verb, sessionId: "ses_over" });
        expect([over.status, over.body.code, over.body.detail], verb.do).toEqual([
          ...[409, "not-open", "ses_over is dead: its process has ended."],
        ]);
        const elsewhere = await tryCommand(who, { ...verb, sessionId: SESSION }, { id: "attic" });
        expect([elsewhere.status, elsewhere.body.errors?.[0].message]).toEqual([
          422,
          `attic has no session ${SESSION}`,
        ]);
        for (const sessionId of ["", "x".repeat(5000), "../ses", 7, null])
          expect((await tryCommand(who, { ...verb, sessionId })).status, JSON.stringify(sessionId)).toBe(422);
      }
    // Of sessions that are not its own, an agent hears nothing.
    for (const who of [ada, await agent("team-one"), daemon])
      for (const sessionId of ["ses_none", "ses_over"])
        expect((await tryCommand(who, { do: "peek", sessionId })).status).toBe(403);
    expect(await heard()).toHaveLength(before);
  });

  test("a command that cannot be: a spawn too deep, or one too many below its run", async () => {
    const { ada, run, tryCommand, heard } = await startBox({}, { spawnDepth: 1, runsPerParent: 2 });
    const top = await run(ada);
    for (let n = 0; n < 2; n++) expect((await tryCommand(ada, spawn(), { run: top.token })).status).toBe(201);
    const many = await tryCommand(ada, spawn(), { run: top.token });
    expect(many.body).toMatchObject({ status: 409, code: "budget-exceeded" });
    expect((await heard())[0].payload.spawnedBy).toEqual({ agentId: "ada", runId: top.id, person: null });
    const below = await run(ada, { cause: "spawn", sessionKey: "bg:1" }, { "signalbox-run": top.token });
    expect((await tryCommand(ada, spawn(), { run: below.token })).body.code).toBe("too-deep");
    expect((await tryCommand(ada, spawn(), { run: "rnt_none" })).status).toBe(409);
  });

  test("a command that cannot be: closed refuses every spawn, and nothing else", async () => {
    const { ada, session, tryCommand } = await startBox({ approvalMode: "closed" });
    await session(SESSION);
    for (const who of [ada, undefined]) {
      const refused = await tryCommand(who, spawn());
      expect([refused.status, refused.body.detail]).toEqual([403, expect.stringContaining("box is closed")]);
    }
    expect((await tryCommand(undefined, { do: "peek", sessionId: SESSION })).status).toBe(201);
  });
});

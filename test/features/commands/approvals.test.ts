import { describe, expect, test } from "bun:test";
import { startBox } from "../../support/commands.ts";

const HOUR = 3_600_000;
const SPAWN = { do: "spawn", provider: "claude", prompt: "Fix the failing test", cwd: "app", background: true };

async function startAsking(fields: object = {}) {
  const box = await startBox({ approvalMode: "ask", ...fields });
  const { ask } = box;
  return {
    ...box,
    get relay() {
      return box.relay;
    },
    approval: async (delegation: { approvalId: string }) =>
      (await ask("GET", `/v1/approvals/${delegation.approvalId}`)).body,
    async answer(delegation: { approvalId: string }, option: string, by: { token?: string } = {}) {
      const { id, hash } = (await ask("GET", `/v1/approvals/${delegation.approvalId}`)).body;
      return ask("POST", `/v1/approvals/${id}/answer`, { option, hash }, by);
    },
  };
}

describe("G14: a spawn that has to be allowed", () => {
  test("G14: a spawn that has to be allowed is unheard by the daemon until then, exactly as it was shown", async () => {
    const { ada, ask, command, approval, answer, heard, look, done, pass, inbox, daemon, clock } = await startAsking();
    const made = await command(ada, SPAWN, { timeoutSeconds: 60 });
    expect(made.status).toBe("pending");
    expect(made.approvalId).toStartWith("apr_");
    const { do: _, ...subject } = SPAWN;
    expect(await approval(made)).toMatchObject({
      ...{ kind: "spawn", agentId: "ada", orchestratorId: "box", state: "pending", title: "Spawn claude on box" },
      subject: { type: "spawn", orchestratorId: "box", ...subject },
    });
    expect(await heard()).toEqual([]);
    expect((await ask("GET", `/v1/delegations/${made.id}`, undefined, daemon)).status).toBe(403);
    expect((await ask("GET", "/v1/delegations", undefined, daemon)).body.items).toEqual([]);
    expect((await ask("POST", `/v1/delegations/${made.id}/response`, { text: "x" }, daemon)).status).toBe(403);
    expect((await inbox(ada)).at(-1)).toMatchObject({ from: "system", payload: { delegationId: made.id } });
    await pass(HOUR);
    expect((await answer(made, "allow", ada)).status).toBe(403);
    expect((await answer(made, "allow", daemon)).status).toBe(403);
    await answer(made, "allow");
    const [request] = await heard();
    expect(request).toMatchObject({ from: "ada", kind: "request", payload: { command: SPAWN } });
    const now = await look(made);
    expect(now).toMatchObject({ id: made.id, messageId: request.id, status: "pending" });
    expect(Date.parse(now.deadlineAt)).toBe(clock.now() + 60_000);
    await done(made, { sessionId: "ses_1" });
    expect(await look(made)).toMatchObject({ id: made.id, status: "answered" });
    expect(await approval(made)).toMatchObject({ state: "answered", applied: { ok: true } });
    expect((await answer(made, "allow")).status).toBe(200);
    expect(await heard()).toHaveLength(1);
  });

  test("G14: a spawn that has to be allowed fails for its asker when it is denied, or nobody answers", async () => {
    const { ada, ask, command, answer, heard, look, pass, responses } = await startAsking();
    await ask("PUT", "/v1/people/mia", { name: "Mia", role: "member" });
    const mia = (await ask("POST", "/v1/tokens", { role: "member", personId: "mia" })).body;
    const denied = await command(ada, SPAWN);
    await answer(denied, "deny", mia);
    expect(await look(denied)).toMatchObject({
      status: "failed",
      answer: { error: `mia denied it (${denied.approvalId})` },
    });
    const unanswered = await command(ada, SPAWN);
    await pass(24 * HOUR + 1000);
    expect(await look(unanswered)).toMatchObject({ status: expect.stringMatching(/failed|timed-out/) });
    expect((await responses(ada)).map(({ body }) => body)).toEqual([
      `mia denied it (${denied.approvalId})`,
      expect.stringContaining("nobody allowed it in time"),
    ]);
    expect(await heard()).toEqual([]);
    expect((await answer(unanswered, "allow")).body.code).toBe("not-open");
  });

  test("G14: a spawn that has to be allowed takes its approval with it when it is cancelled, and goes with that", async () => {
    const { ada, ask, run, finish, command, approval, look, on, heard } = await startAsking();
    const one = await command(ada, SPAWN);
    await on(one, "cancel", ada);
    expect(await approval(one)).toMatchObject({ state: "withdrawn" });
    const two = await command(ada, SPAWN);
    await ask("POST", `/v1/approvals/${two.approvalId}/withdraw`, { reason: "not needed" }, ada);
    expect(await look(two)).toMatchObject({ status: "cancelled", answer: { error: "not needed" } });
    const top = await run(ada);
    const three = await command(ada, SPAWN, { run: top.token });
    await finish(ada, top);
    expect(await look(three)).toMatchObject({ status: "cancelled" });
    const four = await command(ada, SPAWN);
    await ask("DELETE", "/v1/orchestrators/box");
    expect(await approval(four)).toMatchObject({ state: "withdrawn" });
    expect(await heard().catch(() => [])).toEqual([]);
  });

  test("G14: a spawn that has to be allowed is one approval each: the same again, and another, are new ones", async () => {
    const { ada, run, command, answer, approval, heard } = await startAsking();
    const top = await run(ada);
    const one = await command(ada, SPAWN, { run: top.token });
    const same = await command(ada, SPAWN, { run: top.token });
    const other = await command(ada, { ...SPAWN, prompt: "Delete the failing test" }, { run: top.token });
    const key = { key: "k", run: top.token };
    expect((await command(ada, SPAWN, key)).approvalId).toBe((await command(ada, SPAWN, key)).approvalId);
    const hashes = [await approval(one), await approval(same), await approval(other)].map(({ hash }) => hash);
    expect(hashes[0]).toBe(hashes[1]);
    expect(hashes[2]).not.toBe(hashes[0]);
    expect(new Set([one.approvalId, same.approvalId, other.approvalId]).size).toBe(3);
    await answer(one, "allow");
    expect((await heard()).map(({ payload }) => payload.command.prompt)).toEqual(["Fix the failing test"]);
    expect(await approval(same)).toMatchObject({ state: "pending" });
  });

  test("G14: a spawn that has to be allowed is, by a person who posts it: nobody else is asked", async () => {
    const { ask, command, heard, tryCommand } = await startAsking();
    const member = (await ask("POST", "/v1/tokens", { role: "member" })).body;
    for (const who of [undefined, member]) expect((await command(who, SPAWN)).approvalId).toBeNull();
    expect(await heard()).toHaveLength(2);
    const viewer = (await ask("POST", "/v1/tokens", { role: "viewer" })).body;
    expect((await tryCommand(viewer, SPAWN)).status).toBe(403);
  });

  test("G14: a spawn that was allowed begins nothing when the orchestrator has closed meanwhile", async () => {
    const { ada, ask, command, answer, approval, look, heard } = await startAsking();
    const made = await command(ada, SPAWN);
    await ask("PATCH", "/v1/orchestrators/box", { approvalMode: "closed" });
    await answer(made, "allow");
    expect(await look(made)).toMatchObject({
      status: "failed",
      answer: { error: expect.stringContaining("box is closed") },
    });
    expect(await approval(made)).toMatchObject({ state: "answered", applied: { ok: false } });
    expect(await heard()).toEqual([]);
  });

  test("G7: a spawn that has to be allowed waits on while the disk is nearly full, and is answered again then", async () => {
    const { ada, command, answer, approval, look, heard, config, restart } = await startAsking();
    const made = await command(ada, { ...SPAWN, prompt: "x".repeat(20_000) });
    config.diskReserveBytes = Number.MAX_SAFE_INTEGER;
    await restart();
    expect((await answer(made, "allow")).body.code).toBe("storage-unavailable");
    expect(await approval(made)).toMatchObject({ state: "pending" });
    expect(await look(made)).toMatchObject({ status: "pending" });
    config.diskReserveBytes = 0;
    await restart();
    expect((await answer(made, "allow")).status).toBe(200);
    expect(await heard()).toHaveLength(1);
  });

  test("G7: a spawn that has to be allowed waits on through a restart of the relay", async () => {
    const { ada, command, answer, heard, look, restart, pass } = await startAsking();
    const made = await command(ada, SPAWN, { timeoutSeconds: 60 });
    await restart(2 * HOUR);
    await pass(10 * 60_000);
    expect(await look(made)).toMatchObject({ status: "pending" });
    await answer(made, "allow");
    expect(await heard()).toHaveLength(1);
    expect(await look(made)).toMatchObject({ id: made.id, status: "pending" });
  });

  test("a rule answers no spawn, and what a chat cannot show whole is not allowed by one tap", async () => {
    const { ada, ask, command, approval } = await startAsking();
    await ask("POST", "/v1/approval-rules", { tool: "*", decision: "allow" });
    const made = await command(ada, { ...SPAWN, prompt: "x".repeat(2000) });
    expect(await approval(made)).toMatchObject({ state: "pending", cut: true });
    const refused = await ask("POST", "/v1/approvals/answer", { ids: [made.approvalId], decision: "allow" });
    expect(refused.body.refused).toMatchObject([{ id: made.approvalId }]);
  });
});

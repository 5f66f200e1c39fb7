import { expect, test } from "bun:test";
import { startApproving, wanted } from "../../support/approvals.ts";

const MINUTE = 60_000;

test("G14: people answer, once, what they have read; agents and orchestrators answer nothing", async () => {
  const { ada, bob, ask, asks, answer, shown, heard } = await startApproving();
  const asked = await asks(ada);
  expect(asked).toMatchObject({ agentId: "ada", state: "pending", cut: false, oneTap: true, count: 1, answer: null });
  expect((await answer(asked, "yes", {}, ada)).status).toBe(403);
  expect((await answer(asked, "yes", {}, bob)).status).toBe(403);
  const wrong = await answer({ ...asked, hash: "0".repeat(64) }, "yes");
  expect(wrong.body).toMatchObject({ status: 422, errors: [{ pointer: "/hash" }] });
  expect((await answer(asked, "maybe")).body.errors[0].pointer).toBe("/option");
  expect((await answer(asked, "yes", { text: "x" })).body.errors[0].pointer).toBe("/text");
  await ask("PUT", "/v1/people/mia", { name: "Mia", role: "member" });
  const mia = (await ask("POST", "/v1/tokens", { role: "member", personId: "mia" })).body;
  const first = await answer(asked, "yes", {}, mia);
  expect(first.body.answer).toMatchObject({
    option: "yes",
    decision: "allow",
    person: "mia",
    via: "api",
    ruleId: null,
  });
  expect((await answer(asked, "yes")).body.answer.person).toBe("mia");
  expect((await answer(asked, "no")).body.code).toBe("not-open");
  expect(await heard(ada)).toEqual([
    expect.objectContaining({ id: asked.id, state: "answered", option: "yes", decision: "allow", scope: "once" }),
  ]);
  expect((await ask("POST", `/v1/approvals/${asked.id}/applied`, { ok: false, error: "gone" }, bob)).status).toBe(403);
  await ask("POST", `/v1/approvals/${asked.id}/applied`, { ok: false, error: "gone" }, ada);
  await ask("POST", `/v1/approvals/${asked.id}/applied`, { ok: true }, ada);
  expect((await shown(asked)).applied).toMatchObject({ ok: false, error: "gone" });
});

test("the word to the maker is for its program, and left out of the digest", async () => {
  const { ada, ask, asks, answer, inbox } = await startApproving();
  await answer(await asks(ada), "no");
  expect((await inbox(ada)).at(-1)).toMatchObject({ kind: "control", urgent: true, from: "system" });
  const { body } = await ask("GET", "/v1/agents/ada/inbox/digest", undefined, ada);
  expect(JSON.stringify(body)).not.toContain("npm publish");
});

test("nobody's answer in time denies, and a question gets its default", async () => {
  const { ada, pass, asks, answer, shown, heard } = await startApproving();
  const asked = await asks(ada, wanted("npm publish", { expiresInSeconds: 300 }));
  const question = await asks(ada, {
    ...{ kind: "question", subject: { type: "question", text: "Which key?" }, title: "Which key?" },
    options: [
      { id: "staging", label: "Staging", decision: "answer" },
      { id: "other", label: "Another", decision: "answer" },
    ],
    ...{ default: "staging", expiresInSeconds: 600 },
  });
  const replied = await answer(question, "other", { text: "The third" });
  expect(replied.body.answer).toMatchObject({ decision: "answer", text: "The third" });
  await pass(6 * MINUTE);
  expect(await shown(asked)).toMatchObject({ state: "expired", answer: null });
  expect((await answer(asked, "yes")).body.code).toBe("not-open");
  expect((await heard(ada)).at(-1)).toMatchObject({ state: "expired", option: "no", decision: "deny" });
});

test("G7: no approval expires within a minute of an absence of the relay", async () => {
  const { ada, pass, restart, asks, shown } = await startApproving();
  const asked = await asks(ada, wanted("npm publish", { expiresInSeconds: 60 }));
  await restart(5 * MINUTE);
  await pass(50_000);
  expect((await shown(asked)).state).toBe("pending");
  await pass(20_000);
  expect((await shown(asked)).state).toBe("expired");
});

test("the end of its run withdraws an approval, and so does its maker or its agent's end", async () => {
  const { ada, bob, ask, run, finish, asks, shown, heard } = await startApproving();
  const running = await run(ada);
  const ofRun = await asks(ada, wanted("make", { runId: running.id }));
  const own = await asks(ada, wanted("make"));
  const ofBob = await asks(bob);
  await finish(ada, running);
  expect(await shown(ofRun)).toMatchObject({ state: "withdrawn", reason: `${running.id} has ended` });
  expect((await ask("POST", `/v1/approvals/${own.id}/withdraw`, {}, bob)).status).toBe(403);
  expect((await ask("POST", `/v1/approvals/${own.id}/withdraw`, { reason: "no need" }, ada)).status).toBe(200);
  expect((await ask("POST", `/v1/approvals/${own.id}/withdraw`, {}, ada)).body.reason).toBe("no need");
  expect(await heard(ada)).toEqual([]);
  await ask("DELETE", "/v1/agents/bob");
  expect((await shown(ofBob)).state).toBe("withdrawn");
  const late = await ask("POST", "/v1/approvals", wanted("make", { runId: running.id }), ada);
  expect(late.body.code).toBe("not-open");
});

test("the same subject in one run tree is one approval, whose answer all of its askers hear", async () => {
  const { ada, bob, ask, run, finish, asks, answer, shown, heard } = await startApproving();
  const top = await run(ada);
  const child = await run(bob, { parentId: undefined }, {});
  const asked = await asks(ada, wanted("make", { runId: top.id }));
  const other = await asks(bob, wanted("make", { runId: child.id }));
  expect(other.id).not.toBe(asked.id);
  const again = await ask("POST", "/v1/approvals", wanted("make", { runId: top.id }), ada);
  expect([again.status, again.body.id, again.body.count]).toEqual([200, asked.id, 2]);
  expect((await asks(ada, wanted("make test", { runId: top.id }))).id).not.toBe(asked.id);
  const spawned = await run(ada, { parentId: top.id, sessionKey: "s" });
  const joined = await asks(ada, wanted("make", { runId: spawned.id }));
  expect([joined.id, joined.count]).toEqual([asked.id, 3]);
  await finish(ada, spawned);
  expect((await shown(asked)).state).toBe("pending");
  await answer(asked, "yes");
  expect((await heard(ada)).filter(({ id }) => id === asked.id)).toHaveLength(1);
});

test("one of several who wait takes back its own question alone", async () => {
  const { ada, bob, ask, run, take, asks, shown, heard, answer } = await startApproving();
  const top = await run(ada);
  const child = await take(bob, await run(ada, { agentId: "bob", parentId: top.id }));
  const asked = await asks(ada, wanted("make", { runId: top.id }));
  expect((await asks(bob, wanted("make", { runId: child.id }))).id).toBe(asked.id);
  expect((await ask("POST", `/v1/approvals/${asked.id}/withdraw`, {}, bob)).body.state).toBe("pending");
  await answer(asked, "yes");
  expect([(await heard(ada)).map(({ id }) => id), await heard(bob)]).toEqual([[asked.id], []]);
  expect((await shown(asked)).state).toBe("answered");
});

test("G14: an answer is shared only by questions whose buttons say the same", async () => {
  const { ada, run, asks, answer, heard } = await startApproving();
  const { id: runId } = await run(ada);
  const swapped = [
    { id: "yes", label: "Deny", decision: "allow", scope: "once" },
    { id: "no", label: "Allow", decision: "deny" },
  ];
  const early = await asks(ada, wanted("make", { runId, options: swapped }));
  const honest = await asks(ada, wanted("make", { runId, oneTap: false }));
  const tapped = await asks(ada, wanted("make", { runId }));
  expect(new Set([early.id, honest.id, tapped.id]).size).toBe(3);
  expect(honest).toMatchObject({ oneTap: false, count: 1, options: wanted().options });
  await answer(early, "yes");
  expect((await heard(ada)).map(({ id }) => id)).toEqual([early.id]);
});

test("G5: a repeated key makes one approval, and another draft with it is refused", async () => {
  const { ada, ask } = await startApproving();
  const headers = { "idempotency-key": "once" };
  const first = await ask("POST", "/v1/approvals", wanted(), { ...ada, headers });
  const second = await ask("POST", "/v1/approvals", wanted(), { ...ada, headers });
  expect([first.status, second.status, second.body.id]).toEqual([201, 200, first.body.id]);
  expect(second.headers.get("idempotent-replayed")).toBe("true");
  const other = await ask("POST", "/v1/approvals", wanted("rm"), { ...ada, headers });
  expect(other.body.code).toBe("idempotency-mismatch");
});

test("many are answered at once, but not what one has to read, and each by itself", async () => {
  const { ada, ask, asks, answer, shown } = await startApproving();
  const plain = await asks(ada, wanted("one"));
  const long = await asks(ada, wanted("x".repeat(2000)));
  const careful = await asks(ada, wanted("two", { oneTap: false }));
  const done = await asks(ada, wanted("three"));
  await answer(done, "no");
  expect(long.cut).toBe(true);
  const ids = [plain.id, long.id, careful.id, done.id, "apr_none", plain.id];
  const { body } = await ask("POST", "/v1/approvals/answer", { ids, decision: "allow" });
  expect(body.answered).toEqual([plain.id]);
  expect(body.refused.map(({ code }: { code: string }) => code)).toEqual([
    ...["conflict", "conflict", "not-open", "not-found"],
  ]);
  expect((await shown(plain)).answer).toMatchObject({ option: "yes", via: "bulk" });
  await ask("POST", "/v1/approvals/answer", { ids, decision: "deny" });
  expect((await shown(long)).answer).toMatchObject({ option: "no" });
});

test("a draft says what can be decided: an option that denies, a subject of its kind", async () => {
  const { ada, ask } = await startApproving();
  const refusal = async (more: object) => {
    const { status, body } = await ask("POST", "/v1/approvals", wanted("make", more), ada);
    return [status, body.errors?.[0]?.pointer];
  };
  expect(await refusal({ default: "yes" })).toEqual([422, "/default"]);
  expect(await refusal({ default: "none" })).toEqual([422, "/default"]);
  expect(await refusal({ kind: "access" })).toEqual([422, "/kind"]);
  expect(await refusal({ kind: "question" })).toEqual([422, "/subject/type"]);
  expect(await refusal({ agentId: "user" })).toEqual([403, undefined]);
  expect(await refusal({ runId: "run_none" })).toEqual([422, "/runId"]);
});

test("the story of a message tells of approvals of its runs", async () => {
  const { ada, ask, run, asks, answer } = await startApproving();
  const { id: messageId } = (await ask("POST", "/v1/messages", { to: "ada", body: "Publish" })).body;
  const running = await run(ada, { messageId });
  await answer(await asks(ada, wanted("npm publish", { runId: running.id })), "yes");
  const { facts } = (await ask("GET", `/v1/messages/${messageId}/explain`)).body;
  const told = facts.filter(({ step }: { step: string }) => step === "approval");
  expect(told).toMatchObject([
    { state: "asked", title: "Run npm publish" },
    { state: "answered", option: "yes" },
  ]);
});

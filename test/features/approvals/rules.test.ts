import { expect, test } from "bun:test";
import { matchesGlob } from "../../../src/features/approvals/glob.ts";
import { startApproving, wanted } from "../../support/approvals.ts";

test("a matching deny beats every allow, and else the first rule that matches decides", async () => {
  const { ada, ask, asks } = await startApproving();
  const rule = async (more: object) => (await ask("POST", "/v1/approval-rules", { tool: "command", ...more })).body;
  const decided = async (line: string, more: object = {}) =>
    (await asks(ada, wanted(line, more))).answer?.decision ?? null;
  const status = await rule({ match: "git *", decision: "allow" });
  await rule({ match: "*--force*", decision: "deny" });
  await rule({ match: "git push*", decision: "ask", position: 1 });
  expect(await decided("git status")).toBe("allow");
  expect(await decided("git push")).toBe(null);
  expect(await decided("git push --force")).toBe("deny");
  expect(await decided("gitx")).toBe(null);
  expect(await decided("git log", { oneTap: false })).toBe(null);
  const rules = (await ask("GET", "/v1/approval-rules")).body.items;
  expect(rules.map(({ decision, position }: { decision: string; position: number }) => [position, decision])).toEqual([
    ...[
      [1, "ask"],
      [2, "allow"],
      [3, "deny"],
    ],
  ]);
  await ask("DELETE", `/v1/approval-rules/${status.id}`);
  expect(await decided("git diff")).toBe(null);
  expect(
    (await ask("GET", "/v1/approval-rules")).body.items.map(({ position }: { position: number }) => position),
  ).toEqual([1, 2]);
});

test("G14: a command line that may be several is allowed as exact text alone", async () => {
  const { ada, ask, asks, shown } = await startApproving();
  await ask("POST", "/v1/approval-rules", { tool: "command", match: "git*", decision: "allow" });
  await ask("POST", "/v1/approval-rules", { tool: "*", decision: "allow" });
  const lines = ["git a; b", "git a & b", "git a | b", "git a < b", "git a > b", "git `b`", "git $(b)", "git a\nb"];
  for (const line of lines) {
    const asked = await asks(ada, wanted(line));
    expect([line, asked.state]).toEqual([line, "pending"]);
    await ask("POST", "/v1/approval-rules", { tool: "command", match: line, decision: "allow", position: 1 });
    expect([line, (await shown(asked)).state]).toEqual([line, "answered"]);
  }
});

test("G14: a subject in which characters hide is allowed by no rule, and denied by its own text", async () => {
  const { ada, ask, asks, answer } = await startApproving();
  await ask("POST", "/v1/approval-rules", { tool: "*", match: "*", decision: "allow" });
  await ask("POST", "/v1/approval-rules", { tool: "edit", under: "/w", decision: "allow" });
  const subjects = [
    { type: "command", line: "ls \u001b]0;./evil.sh;#\u0007 -la", cwd: "/w" },
    { type: "command", line: "ls", cwd: "/w\u200b" },
    { type: "edit", path: "/w/ok\u202e.txt", diff: "+a" },
    // As a daemon spells out a path that leads out of the folder.
    { type: "edit", path: "/w/ok\\u{1b}]0;/../../etc/x\\u{7}.txt", diff: "+a", oneTap: false },
    { type: "fetch", url: "https://a.example/\u2066b" },
    { type: "tool", server: "db", name: "drop", input: { table: "a\u009bb" } },
  ];
  for (const { oneTap, ...subject } of subjects) {
    const asked = await asks(ada, wanted("", { subject, title: "Do it", ...(oneTap === false && { oneTap }) }));
    expect([asked.state, asked.oneTap]).toEqual(["pending", false]);
    const [refused] = (await ask("POST", "/v1/approvals/answer", { ids: [asked.id], decision: "allow" })).body.refused;
    expect(refused.id).toBe(asked.id);
    // By itself, by the hash of what was read, a person may allow it.
    expect((await answer(asked, "yes")).status).toBe(200);
  }
  await ask("POST", "/v1/approval-rules", { tool: "edit", match: "/w/b\u200bc", decision: "deny" });
  const own = await asks(ada, wanted("", { subject: { type: "edit", path: "/w/b\u200bc", diff: "" }, title: "Do it" }));
  expect(own.answer.decision).toBe("deny");
  expect((await asks(ada, wanted("ls"))).state).toBe("answered");
});

test("a rule holds at once for what waits, for its agent, and under its folder", async () => {
  const { ada, bob, ask, asks, heard } = await startApproving();
  const mine = await asks(ada);
  await asks(bob);
  const { answered } = (
    await ask("POST", "/v1/approval-rules", { tool: "command", agentId: "ada", under: "/work", decision: "allow" })
  ).body;
  expect(answered).toEqual([mine.id]);
  expect(await heard(ada)).toMatchObject([{ id: mine.id, decision: "allow", scope: "once" }]);
  const at = async (cwd: string) =>
    (await asks(ada, wanted("ls", { subject: { type: "command", line: `ls ${cwd}`, cwd } }))).state;
  expect(await at("/work")).toBe("answered");
  expect(await at("/work/./app/")).toBe("answered");
  expect(await at("/workshop")).toBe("pending");
  expect(await at("/work/../etc")).toBe("pending");
  expect(await at("work")).toBe("pending");
});

test("a rule is tried on the last permissions before it is added, beside the rules that stand", async () => {
  const { ada, bob, ask, asks, shown } = await startApproving();
  const mine = await asks(ada, wanted("git status"));
  await asks(bob, wanted("git push --force"));
  await asks(bob, wanted("git status; rm x"));
  await ask("POST", "/v1/approval-rules", { tool: "command", match: "*--force*", decision: "deny" });
  const { status, body } = await ask("POST", "/v1/approval-rules/preview", {
    ...{ tool: "command", match: "git *", decision: "allow" },
  });
  expect(status).toBe(200);
  expect(body.looked).toBe(3);
  const byAgent = body.items.toSorted((a: { agentId: string }, b: { agentId: string }) =>
    a.agentId < b.agentId ? -1 : 1,
  );
  expect(byAgent).toMatchObject([
    { id: mine.id, agentId: "ada", argument: "git status", decides: true },
    { agentId: "bob", argument: "git push --force", decides: false },
  ]);
  expect((await shown(mine)).state).toBe("pending");
  expect((await ask("GET", "/v1/approval-rules")).body.items).toHaveLength(1);
});

test("a rule that is changed or moved keeps its id, holds at once, and goes on naming what it answered", async () => {
  const { ada, ask, asks, shown } = await startApproving();
  const add = async (rule: object) => (await ask("POST", "/v1/approval-rules", rule)).body.id as string;
  const change = async (id: string, to: object) => (await ask("PATCH", `/v1/approval-rules/${id}`, to)).body;
  const order = async () => (await ask("GET", "/v1/approval-rules")).body.items.map(({ id }: { id: string }) => id);
  const first = await add({ tool: "command", match: "git *", agentId: "bob", decision: "allow" });
  const second = await add({ tool: "command", match: "git push*", decision: "ask" });
  const third = await add({ tool: "edit", decision: "deny" });
  const before = await asks(ada, wanted("git status"));
  expect(await change(first, { agentId: null })).toMatchObject({
    ...{ id: first, position: 1, agentId: null, match: "git *", answered: [before.id] },
  });
  expect((await shown(before)).answer).toMatchObject({ ruleId: first, decision: "allow" });

  expect(await change(third, { position: 1 })).toMatchObject({ position: 1, changedAt: null });
  expect(await order()).toEqual([third, first, second]);
  await change(third, { position: 1000 });
  expect(await order()).toEqual([first, second, third]);
  await change(first, { position: 2 });
  expect((await asks(ada, wanted("git push"))).state).toBe("pending");
  const changed = await change(first, { decision: "deny", match: null });
  expect(changed).toMatchObject({ id: first, position: 2, match: null });
  expect(changed.changedAt).not.toBeNull();
  expect((await shown(before)).answer).toMatchObject({ ruleId: first, decision: "allow" });
  const [act] = (await ask("GET", "/v1/activity?verb=approval-rule.changed&limit=1")).body.items;
  expect(act).toMatchObject({ subject: first, data: { from: { match: "git *" }, to: { decision: "deny" } } });
  expect((await ask("PATCH", "/v1/approval-rules/rul_0", { position: 1 })).status).toBe(404);
  expect((await ask("PATCH", `/v1/approval-rules/${first}`, { tool: null })).status).toBe(422);
});

test("tools of servers and edits are matched by their input and path", async () => {
  const { ada, ask, asks } = await startApproving();
  await ask("POST", "/v1/approval-rules", { tool: "db/query", match: '{"sql":"select *"}', decision: "allow" });
  await ask("POST", "/v1/approval-rules", { tool: "edit", match: "*.md", decision: "allow" });
  const state = async (subject: object) => (await asks(ada, wanted("x", { subject }))).state;
  expect(await state({ type: "tool", server: "db", name: "query", input: { sql: "select 1" } })).toBe("answered");
  expect(await state({ type: "tool", server: "db", name: "query", input: { sql: "drop" } })).toBe("pending");
  expect(await state({ type: "edit", path: "/work/a.md", diff: "+x" })).toBe("answered");
  expect(await state({ type: "edit", path: "/work/a.ts", diff: "+x" })).toBe("pending");
});

test("G14: an edit of several files is allowed by a rule about all of them, and denied by one about any", async () => {
  const { ada, ask, asks } = await startApproving();
  await ask("POST", "/v1/approval-rules", { tool: "edit", under: "/w", decision: "allow" });
  await ask("POST", "/v1/approval-rules", { tool: "edit", match: "*.env", decision: "deny" });
  const outcome = async (...also: string[]) => {
    const subject = { type: "edit", path: "/w/a.md", also, diff: "+x\r\n+y" };
    const { state, answer } = await asks(ada, wanted("x", { subject }));
    return answer?.decision ?? state;
  };
  expect(await outcome("/w/b.md", "/w/c/d.md")).toBe("allow");
  expect(await outcome("/w/b.md", "/etc/x")).toBe("pending");
  expect(await outcome("/w/../etc/x")).toBe("pending");
  expect(await outcome("/w/b.md", "/w/.env")).toBe("deny");
});

test("a glob matches the whole text, and takes no longer for stars that almost fit", () => {
  for (const [glob, text, fits] of [
    ["git *", "git status", true],
    ["git *", "xgit status", false],
    ["*a?c*", "xxabcxx", true],
    ["a?", "a", false],
    ["*", "", true],
    ["a*b*c", "a1b2b3c", true],
    [`${"*a".repeat(500)}b`, "a".repeat(10_000), false],
  ] as const)
    expect([glob.slice(0, 10), matchesGlob(glob, text)]).toEqual([glob.slice(0, 10), fits]);
});

import { describe, expect, test } from "bun:test";
import { startOffice } from "../../support/announcements.ts";
import { HOSTILE, MARK } from "../../support/hostile.ts";

async function world() {
  const office = await startOffice();
  const prompt = async ({ id }: { id: string }, by?: { token: string }) =>
    (await office.ask("GET", `/v1/runs/${id}/prompt`, undefined, by ?? {})).body;
  return { ...office, prompt };
}

describe("the prompt of a run", () => {
  test("a child hears its role, its rules, its task and its place; its parent's agent is named", async () => {
    const { ada, bob, run, asked, prompt } = await world();
    const parent = await run(ada, { sessionKey: "main" });
    const origin = { channelId: "telegram:main", conversationId: "c1" };
    const child = await asked(ada, bob, {
      ...{ parentId: parent.id, cause: "spawn", task: "Check\n\n the   parser.", label: "Parser", origin },
    });
    const { text, depth, maySpawn } = await prompt(child, bob);
    expect([depth, maySpawn]).toEqual([1, true]);
    expect(text).toStartWith("You are a child of the main agent. You were made for one task");
    expect(text).toMatch(/\nRules:\n- Stay with the task\..*- Your final message is reported for you\./s);
    expect(text).toContain("Do not poll for them.");
    expect(text).toMatch(/\nDo not:\n- talk to users, or send messages outside/);
    expect(text).toContain("Give your final answer only after ALL of them have come");
    expect(text).toContain("reply only NO_REPLY");
    const [head, ...lines] = text.slice(text.lastIndexOf("\n\n[") + 2).split("\n");
    expect(head).toMatch(new RegExp(`^\\[${child.id}, depth 1; names and task by others; fence [0-9a-f]{12}\\]$`));
    expect(lines.slice(0, -1)).toEqual([
      ...["| Label: Parser", "| Requester: ada, session main", "| Channel of the requester: telegram:main"],
      ...[`| Your session: ${child.sessionKey}`, "| Task: Check the parser."],
    ]);
    expect(lines.at(-1)).toMatch(/^\[end [0-9a-f]{12}\]$/);
  });

  test("a leaf is told that it may ask for no runs, and a run of its own has no parent", async () => {
    const { ada, bob, cid, run, asked, prompt } = await world();
    const top = await run(ada);
    expect(await prompt(top, ada)).toMatchObject({ depth: 0, maySpawn: true });
    expect((await prompt(top, ada)).text).toStartWith("You work on one task");
    const child = await asked(ada, bob, { parentId: top.id, cause: "spawn" });
    const leaf = await asked(bob, cid, { parentId: child.id, cause: "spawn" });
    const { text, depth, maySpawn } = await prompt(leaf, cid);
    expect([depth, maySpawn]).toEqual([2, false]);
    expect(text).toStartWith("You are a child of a parent orchestrator.");
    expect(text).toContain("You are a leaf worker: you cannot ask for runs below yours.");
    expect(text).not.toContain("Runs of your own");
  });

  test("a long task is cut, and an encrypted one is not shown", async () => {
    const { bob, run, prompt } = await world();
    const long = await run(bob, { task: "word ".repeat(1000), sessionKey: "a" });
    expect((await prompt(long)).text).toContain("; the task is cut, your first message has the whole]");
    const opaque = await run(bob, { task: MARK, encoding: "opaque", sessionKey: "b" });
    expect((await prompt(opaque)).text).toContain("| Task: (as your first message says)");
    expect((await prompt(opaque)).text).not.toContain(MARK);
  });

  test("a hostile task, label and session stay inside the fence", async () => {
    const { bob, run, finish, prompt } = await world();
    for (const [, hostile] of HOSTILE) {
      const line = hostile
        .replace(/[\p{Cc}\u2028\u2029]/gu, " ")
        .slice(0, 60)
        .trim();
      const made = await run(bob, { task: hostile.slice(0, 5000) || "x", label: line || "x", sessionKey: line || "x" });
      const { text } = await prompt(made);
      expect(text.replace(/^\| .*$/gm, "")).not.toContain(MARK);
      expect(text.match(/^\[end [0-9a-f]{12}/gm)).toHaveLength(1);
      await finish(bob, made);
    }
  });

  test("who may not read the run gets no prompt", async () => {
    const { ask, bob, cid, run } = await world();
    const { id } = await run(bob);
    expect((await ask("GET", `/v1/runs/${id}/prompt`, undefined, cid)).status).toBe(403);
    expect((await ask("GET", "/v1/runs/run_nosuch/prompt")).status).toBe(404);
  });
});

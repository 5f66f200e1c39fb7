import { afterAll, beforeAll, expect, test } from "bun:test";
import { type Client, createClient } from "../../../src/client/client.ts";
import { VERSION } from "../../../src/version.ts";
import { callCli } from "../../support/cli-harness.ts";
import { freshRelay, operatorOf } from "../../support/client-relay.ts";
import { until } from "../../support/until.ts";

// Processes are started here: on a busy machine that takes its time.
let relay: Awaited<ReturnType<typeof freshRelay>>;
let operator: Client;
let daemon: Client;
beforeAll(async () => {
  relay = await freshRelay();
  operator = operatorOf(relay);
  const draft = { role: "orchestrator" as const, agentId: "orchestrator-box", prefix: "box-" };
  daemon = createClient({ url: relay.url, token: (await operator.tokens.create(draft)).token });
  const providers = [{ name: "claude", capabilities: [] }];
  await daemon.orchestrators.register("box", { hostname: "box", version: VERSION, baseDir: "/work", providers });
  await daemon.agents.register("box-claude", { name: "box-claude" });
  const session = { agentId: "box-claude", provider: "claude", lane: "main" as const, state: "working" as const };
  await daemon.sessions.put("ses_a", session);
});
afterAll(() => relay.remove());

const cli = (...args: string[]) => callCli([...args, "--data", relay.dataDir]);

/** Answers the next command to the daemon. @returns the command */
async function answerNext(text: string, commandResult: object): Promise<unknown> {
  const open = () => operator.delegations.list({ to: "orchestrator-box", status: "pending" });
  await until(async () => (await open()).items.length === 1);
  const [asked] = (await open()).items;
  await daemon.delegations.answer(asked?.id ?? "", { text, payload: { commandResult } });
  return (await operator.messages.get(asked?.messageId ?? 0)).payload?.command;
}

test("a command by the command line waits for the daemon's answer, and prints it plainly", async () => {
  const [spawned, heard] = await Promise.all([
    cli("spawn", "box/claude", "Fix the failing test", "--cwd", "app", "--worktree", "--on-interrupt", "give-back"),
    answerNext("It has begun.", { agentId: "box-claude", sessionId: "ses_b", runId: "run_1" }),
  ]);
  expect(heard).toMatchObject({ do: "spawn", cwd: "app", worktree: true, onInterrupt: "give-back" });
  expect(spawned.stdout).toBe("It has begun.\nbox-claude ses_b run_1\n");
  const left = [{ pid: 7, command: "sleep 100" }];
  const [killed] = await Promise.all([cli("kill", "ses_a"), answerNext("Not all ended.", { ended: false, left })]);
  expect(killed.stdout).toBe("Not all ended.\nIt was not seen to end.\nLeft: 7 sleep 100\n");
  const wrong = await cli("spawn", "box/none");
  expect([wrong.code, wrong.stderr]).toEqual([1, expect.stringContaining("It has: claude")]);
  const choice = await cli("spawn", "box/claude", "x", "--on-interrupt", "kill");
  expect([choice.code, choice.stderr]).toEqual([2, expect.stringContaining("continue, give-back")]);
  for (const [word, said] of [
    ["ses_none", "ses_none"],
    ["nobody", "signalbox sessions list shows all of them"],
  ] as const)
    expect(await cli("peek", word)).toMatchObject({ code: 1, stdout: "", stderr: expect.stringContaining(said) });
});

test("the command line makes, shows and ends holds and profiles", async () => {
  const made = await cli("hold", "create", "Deploying the database", "--orchestrator", "box");
  expect(made.stdout).toMatch(/ses_a +box-claude +box +told/);
  const [hold] = (await operator.holds.list()).items;
  expect((await cli("hold", "list")).stdout).toContain("Deploying the database");
  expect((await cli("hold", "lift", hold?.id ?? "")).stdout).toBe(`${hold?.id} is lifted\n`);
  expect((await cli("hold", "create", "x", "--tag", "a", "--project", "b")).code).toBe(2);
  expect((await cli("profiles", "put", "reviewer", '{"provider": "claude"}')).stdout).toBe("reviewer is stored\n");
  expect((await cli("profiles", "list")).stdout).toMatch(/reviewer +claude/);
  expect((await cli("profiles", "rm", "reviewer")).stdout).toBe("reviewer is deleted\n");
});

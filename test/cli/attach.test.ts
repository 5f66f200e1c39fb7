import { afterAll, beforeAll, expect, test } from "bun:test";
import { existsSync, mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Client } from "../../src/client/client.ts";
import { startBox } from "../support/box.ts";
import { runCli, startCli, tempFolder } from "../support/cli-harness.ts";
import { freshRelay, operatorOf, startRelay } from "../support/client-relay.ts";
import { startInTerminal } from "../support/terminal.ts";
import { until } from "../support/until.ts";

const CLAUDE = join(import.meta.dir, "../support/providers/claude-program.ts");

// Processes are started here: on a busy machine that takes its time.
const folder = tempFolder();
const workspace = join(folder.path, "work");
const closing: (() => Promise<void>)[] = [];
let relay: Awaited<ReturnType<typeof freshRelay>>;
let env: Record<string, string>;
let client: Client;
beforeAll(async () => {
  mkdirSync(workspace);
  relay = await freshRelay();
  client = operatorOf(relay);
  env = { SIGNALBOX_URL: relay.url, SIGNALBOX_TOKEN: relay.token };
  const agents = [
    { sessionId: "11111111-1111-4111-8111-111111111111", cwd: workspace, name: "Fix it's tests", startedAt: 1_000_000 },
    { sessionId: "22222222-2222-4222-8222-222222222222", cwd: "/etc", pid: 1, startedAt: 2_000_000 },
  ];
  const args = [`FAKE_AGENTS=${JSON.stringify(agents)}`, process.execPath, CLAUDE];
  const claude = { name: "claude", kind: "claude" as const, command: "/usr/bin/env", args };
  await startBox(
    client,
    relay.url,
    { ...{ id: "box", workspace, approvalMode: "open" }, providers: [claude] },
    { closing: (close) => void closing.push(close) },
  );
});
afterAll(async () => {
  for (const close of closing.toReversed()) await close();
  await relay.stop();
  await relay.remove();
  folder.remove();
});

const cli = (...args: string[]) => runCli(args, { env });
const mainOf = async () => (await client.sessions.list({ agent: "box-claude", lane: "main", live: "true" })).items[0];

test("the command spawn uploads files, and waits for the result", async () => {
  writeFileSync(join(folder.path, "plan.txt"), "three steps");
  const file = ["--file", join(folder.path, "plan.txt")];
  const prompt = "run cat .signalbox/*/*plan.txt > seen\nsay Built.";
  const built = await cli("spawn", "box/claude", prompt, ...file, "--wait");
  expect(built).toMatchObject({ code: 0, stdout: "Built.\n" });
  expect(built.stderr).toMatch(/box-claude ses_\w+ run_\w+\nrun_\w+ ended ok after/);
  expect(await Bun.file(join(workspace, "seen")).text()).toBe("three steps");
  const failed = await cli("spawn", "box/claude", "fail", "--wait");
  expect([failed.code, failed.stderr]).toEqual([1, expect.stringContaining("ended error")]);
  const capped = await cli("spawn", "box/claude", "say x", "--cap", "costUsd=0");
  expect([capped.code, capped.stderr]).toEqual([2, expect.stringContaining("costUsd: ")]);
  expect((await cli("spawn", "box/claude", "--wait")).code).toBe(2);
});

test("the command sessions list --foreign shows what people began by hand, and how to adopt it", async () => {
  const { stdout, code } = await cli("sessions", "list", "--foreign", "--on", "box");
  expect(code).toBe(0);
  expect(stdout).toMatch(/box\/claude +22222222-\S+ +\d+ d +yes +\/etc +-\n/);
  expect(stdout).toMatch(/box\/claude +11111111-\S+ +\d+ d +no +\S+ +Fix it's tests\n/);
  const line = `signalbox adopt box/claude 11111111-1111-4111-8111-111111111111 --cwd ${workspace}`;
  expect(stdout).toContain(`\n  ${line}\n1 cannot be adopted`);
  const { items } = JSON.parse((await cli("sessions", "--foreign", "--json")).stdout);
  expect(items.map(({ adopt }: { adopt: string | null }) => adopt)).toEqual([null, line]);
  expect((await cli("sessions", "list", "--foreign", "--all")).code).toBe(2);
  expect((await cli("sessions", "list", "--foreign", "--on", "none")).code).toBe(1);
});

test("the command attach shows a session as plain lines, each once, across a restart of the relay", async () => {
  const main = await mainOf();
  const attached = startCli(["attach", main?.name ?? ""], { env });
  await until(() => attached.printed().includes("· idle"), "the session as it is");
  expect(attached.printed()).toContain("> a command: fail\n");
  await cli("send", "box-claude", "run until [ -e go ]; do sleep 0.05; done\nsay All is built.\nsay End.");
  await until(async () => (await mainOf())?.state === "working", "the turn");
  await relay.stop();
  const again = await startRelay(relay.dataDir, relay.port);
  relay.stop = again.stop;
  writeFileSync(join(workspace, "go"), "");
  await until(() => attached.printed().endsWith("End.\n· idle\n"), "the answer");
  const next = await cli("tell", "box-claude", "say And more.");
  expect(next.code).toBe(0);
  await until(() => attached.printed().endsWith("And more.\n· idle\n"), "the next run");
  await cli("clear", "box/box-claude");
  const { stdout, stderr, code } = await attached.ended;
  expect(code).toBe(0);
  expect(stderr).toContain("Trying again in");
  const told = stdout.slice(stdout.indexOf("· idle"));
  expect(told.replace(/^── .*\n/gm, "").replace(/ \d+\.\d s:/g, " 1.0 s:")).toBe(`· idle
> user: run until [ -e go ]; do sleep 0.05; done
> say All is built.
> say End.
✓ Bash {"command":"until [ -e go ]; do sleep 0.05; done"} 1.0 s: 
All is built.

End.
· idle
> a command: say And more.
And more.
· idle
· dead: Cleared by a person.
`);
});

test("the command attach has a prompt line in a terminal, which talks to the session and answers what it asks", async () => {
  const { sessionId } = JSON.parse(
    JSON.stringify(
      (
        await client.orchestrators.command(
          "box",
          { do: "spawn", provider: "claude", prompt: "say Hello." },
          { waitSeconds: 60 },
        )
      ).answer?.payload?.commandResult,
    ),
  );
  const terminal = startInTerminal(["attach", sessionId], env);
  try {
    const idles = (times: number) =>
      until(() => terminal.rows().filter((row) => row === "· idle").length === times, `${times} turns that ended`);
    await idles(1);
    await terminal.shows("Hello.");
    terminal.type("ask touch allowed\r");
    await terminal.shows("? [1] ");
    await terminal.shows("  line: touch allowed");
    await terminal.shows("asking · 1 to answer");
    terminal.type("/approve\r");
    await until(() => existsSync(join(workspace, "allowed")), "the command that was allowed");
    await terminal.shows("[1]");
    await idles(2);
    expect(terminal.rows().filter((row) => row.includes("you: ask touch allowed"))).toHaveLength(1);

    terminal.type("run until [ -e never ]; do sleep 0.05; done\r");
    await terminal.shows('working · ▸ Bash {"command":"until');
    terminal.type("say Steered.\r");
    await terminal.shows("> you: say Steered.");
    terminal.type("/nonsense\r");
    await terminal.shows("✗ There is no /nonsense. /help lists the commands.");
    terminal.type("\u0003");
    await terminal.shows("Interrupt the turn? y/N, or Ctrl-C again to leave:");
    terminal.type("y\r");
    await terminal.shows("was stopped, and waits.");
    terminal.type("/det\t");
    await terminal.shows("> /detach");
    terminal.type("\r");
    expect(await terminal.exited).toBe(0);
    await terminal.shows(`Left: ${sessionId} goes on`);
    expect(
      terminal
        .rows()
        .filter((row) => row.startsWith(">"))
        .slice(-2),
    ).toEqual(["> you: run until [ -e never ]; do sleep 0.05; done", "> you: say Steered."]);
  } finally {
    terminal.kill();
  }
});

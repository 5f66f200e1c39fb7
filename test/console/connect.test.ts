import { describe, expect, test } from "bun:test";
import { chmodSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { WAYS } from "../../src/console/pages/connect/ways.ts";
import { axeFaults } from "../support/axe.ts";
import { noBrowser } from "../support/browser.ts";
import { callCli, putFile, runCli, runLine, startCli } from "../support/cli-harness.ts";
import { openConsole } from "../support/console.ts";
import { atEnd } from "../support/ending.ts";
import { listen } from "../support/listen.ts";
import { startRelay, tempFolder } from "../support/relay.ts";
import { createFakeTelegram } from "../support/telegram.ts";
import { until } from "../support/until.ts";

/** Variables and words of a line that calls the program. */
function callOf(line: string): { env: Record<string, string>; args: string[] } {
  const words = [...line.matchAll(/(?:'[^']*'|[^\s'])+/g)].map(([word]) => word.replaceAll("'", ""));
  const at = words.indexOf("npx");
  expect(words[at + 1]).toBe("signalbox");
  const env = Object.fromEntries(words.slice(0, at).map((word) => word.split("=") as [string, string]));
  return { env, args: words.slice(at + 2) };
}

/** A line of a way, with a token as the page makes it. */
async function startLines() {
  const relay = await startRelay();
  const url = listen(relay);
  const lineOf = async (id: string, name: string) => {
    const way = WAYS.find((one) => one.id === id);
    if (!way) throw new Error(`no way ${id}`);
    const { body } = await relay.ask("POST", "/v1/tokens", way.token(name));
    return { line: way.line({ url, name, token: body.token }), token: body.token as string };
  };
  return { ...relay, url, lineOf };
}

test("the lines for Claude Code, Codex and Gemini CLI connect them by tokens that act for one agent", async () => {
  const { ask, lineOf } = await startLines();
  for (const [id, rig] of [
    ["claude", "Claude Code"],
    ["codex", "Codex"],
    ["gemini", "Gemini CLI"],
  ] as const) {
    const { line, token } = await lineOf(id, `ann-${id}`);
    const { env, args } = callOf(line);
    const ran = await callCli(args, { env: { ...env, HOME: tempFolder() }, cwd: tempFolder() });
    expect([ran.code, ran.stderr.includes(token)]).toEqual([0, false]);
    expect(ran.stdout).toContain(`ann-${id} is on `);
    expect((await ask("GET", `/v1/agents/ann-${id}`)).body).toMatchObject({ rig, reach: "idle" });
    expect((await ask("GET", "/v1/tokens", undefined, { token })).status).toBe(403);
  }
});

test("the line for a machine keeps the token that it was given, which enrolls under the machine's name alone", async () => {
  const { ask, lineOf, url } = await startLines();
  const home = tempFolder();
  putFile(join(home, "bin/claude"), "#!/bin/sh\n");
  chmodSync(join(home, "bin/claude"), 0o755);
  const { line, token } = await lineOf("machine", "box");
  const [init = "", start] = line.split(" && ");
  const { env, args } = callOf(init);
  // A process takes the home of its start.
  const ran = await runCli(args, { env: { ...env, HOME: home, PATH: `${home}/bin:${process.env.PATH}` }, cwd: home });
  expect(ran).toMatchObject({ code: 0, stderr: "" });
  const file = join(home, ".config/signalbox/orchestrator.token");
  expect([readFileSync(file, "utf8"), statSync(file).mode & 0o777]).toEqual([`${token}\n`, 0o600]);
  const config = JSON.parse(readFileSync(join(home, ".config/signalbox/orchestrator.json"), "utf8"));
  expect(config).toMatchObject({ id: "box", relay: url });
  expect(callOf(start ?? "").args).toEqual(["orchestrator"]);
  expect((await ask("PUT", "/v1/agents/other", { name: "x" }, { token })).status).toBe(403);
});

test("the line for Telegram makes the bot an account of the relay, by a token that acts for it alone", async () => {
  const { ask, lineOf } = await startLines();
  const telegram = createFakeTelegram();
  atEnd(telegram.close);
  const { line, token } = await lineOf("telegram", "desk");
  const { env, args } = callOf(line.replace("<from @BotFather>", telegram.environment.SIGNALBOX_TELEGRAM_TOKEN ?? ""));
  const ran = startCli(args, { env: { ...telegram.environment, ...env, HOME: tempFolder() }, cwd: tempFolder() });
  atEnd(async () => {
    ran.child.kill("SIGKILL");
    await ran.ended;
  });
  await until(async () => (await ask("GET", "/v1/agents/telegram:desk")).status === 200, "the account's agent");
  telegram.say({ conversation: "99", text: "Hello?" });
  await until(() => telegram.posted.length === 1, "the pairing code");
  expect(telegram.posted[0]?.text).toMatch(/\b[A-Z0-9]{8}\b/);
  const waiting = (await ask("GET", "/v1/approvals?state=pending")).body.items;
  expect(waiting).toMatchObject([{ kind: "access", agentId: "telegram:desk" }]);
  expect((await ask("GET", "/v1/tokens", undefined, { token })).status).toBe(403);
});

describe.skipIf(noBrowser !== undefined)(`the first five minutes ${noBrowser ?? ""}`, () => {
  test("an empty relay shows how to connect, and the page sees the agent of the copied line arrive", async () => {
    const relay = await startRelay();
    const { page, faults } = await openConsole(relay);
    await page.getByRole("heading", { name: "No agent is connected yet" }).waitFor();
    expect(await axeFaults(page)).toEqual([]);
    const row = page.getByRole("region", { name: "curl" });
    expect(await row.getByRole("textbox").inputValue()).toBe("ann");
    const before = (await relay.ask("GET", "/v1/tokens")).body.items.length;
    await row.getByRole("button", { name: "Make and copy the line" }).click();
    const line = (await row.locator("pre").textContent()) ?? "";
    await row.getByText("Waits for ann").waitFor();
    expect((await runLine(line, tempFolder())).stdout).toContain('"id":"ann"');
    await relay.pass(300);
    await row.getByText("ann arrived").waitFor();
    await page.getByRole("heading", { name: "ann arrived" }).waitFor();
    const { items } = (await relay.ask("GET", "/v1/tokens")).body;
    expect(items.filter(({ agentId }: { agentId: string | null }) => agentId === "ann")).toMatchObject([
      { role: "agent" },
    ]);
    expect(items.length).toBe(before + 1);
    expect(page.url()).not.toContain("sbx_");
    await page.getByRole("button", { name: "Go on" }).click();
    await page.getByRole("heading", { name: "All quiet" }).waitFor();
    await page.getByRole("link", { name: "Fleet" }).first().click();
    await page.getByRole("button", { name: "Connect another…" }).click();
    const again = page.getByRole("dialog").getByRole("region", { name: "curl" });
    expect(await again.getByRole("textbox").inputValue()).toBe("ann-2");
    expect(await page.getByText("sbx_").count()).toBe(0);
    expect(await axeFaults(page)).toEqual([]);
    expect(faults).toEqual([]);
  });

  test("a viewer of an empty relay is told who connects, and sees no line", async () => {
    const relay = await startRelay();
    await relay.ask("PUT", "/v1/people/vic", { name: "Vic", role: "viewer" });
    const { page } = await openConsole(relay, "/", { draft: { personId: "vic" } });
    await page.getByText("vic is a viewer: an operator connects agents.").waitFor();
    expect(await page.getByRole("button", { name: /line/ }).count()).toBe(0);
  });
});

import { expect, test } from "bun:test";
import { readdirSync } from "node:fs";
import { runCli, startCli } from "../support/cli-harness.ts";
import { tempFolder } from "../support/relay.ts";
import { until } from "../support/until.ts";

test("two agents talk, hand over work and delegate, and the relay explains it after kill -9", async () => {
  const TMPDIR = tempFolder();
  // Settings of a real relay: none of them is used.
  const real = {
    SIGNALBOX_URL: "http://127.0.0.1:1",
    SIGNALBOX_TOKEN: "token-of-a-real-relay",
    SIGNALBOX_DATA_DIR: "/nonexistent",
    SIGNALBOX_TELEGRAM_TOKEN: "no token",
  };
  const { code, stdout, stderr } = await runCli(["demo"], { env: { TMPDIR, ...real } });
  expect([code, stderr]).toEqual([0, expect.stringContaining("Nothing of this stays")]);
  const said = [
    /1\. Two agents register/,
    /#1 +builder → reviewer .*#2 +reviewer → builder /s,
    /#3 +builder → tag:review .*reviewer has claimed #3 .*#4 +reviewer → builder +41 of 41 passed/s,
    /#5 +builder → reviewer .*#6 +reviewer → builder +Yes\./s,
    /kill -9/,
    /explain 3\n.*stored.*claimed +agentId reviewer.*answered .*reviewer: .*completed at/s,
    /explain 5\n.*delegated.*answered .*reviewer: replied at/s,
  ];
  for (const pattern of said) expect(stdout).toMatch(pattern);
  expect(readdirSync(TMPDIR)).toEqual([]);
  const [url = ""] = stderr.match(/http:\/\/127\.0\.0\.1:\d+/) ?? [];
  await expect(fetch(`${url}/healthz`)).rejects.toThrow();
});

test("with --json each scene is a line of JSON", async () => {
  const { code, stdout } = await runCli(["demo", "--json"]);
  const types = stdout
    .trim()
    .split("\n")
    .map((line) => JSON.parse(line).type);
  expect([code, types[0], types.at(-1)]).toEqual([0, "chapter", "proof"]);
});

test("Ctrl-C ends the demo, its relay and its folder", async () => {
  const TMPDIR = tempFolder();
  const { child, ended, complained } = startCli(["demo"], { env: { TMPDIR } });
  await until(() => complained().includes("Starting"), "the start of the relay");
  child.kill("SIGINT");
  expect((await ended).code).toBe(130);
  expect(readdirSync(TMPDIR)).toEqual([]);
});

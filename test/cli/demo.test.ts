import { expect, test } from "bun:test";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { createClient } from "../../src/client/client.ts";
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

test("with --stay agents work, ask, fail and reach limits in a console, until Ctrl-C ends them, the relay and its folder", async () => {
  const TMPDIR = tempFolder();
  const { child, ended, complained } = startCli(["demo", "--stay"], { env: { TMPDIR } });
  await until(() => complained().includes("#code="), "the link to the console");
  const [folder = ""] = readdirSync(TMPDIR);
  const { url } = JSON.parse(readFileSync(join(TMPDIR, folder, "server.json"), "utf8"));
  const token = readFileSync(join(TMPDIR, folder, "operator.token"), "utf8").trim();
  const operator = createClient({ url, token });
  const said = (words: string) => async () =>
    (await operator.messages.list({ to: "user", limit: 100 })).items.some(({ body }) => body.includes(words));
  await until(said("Turn 1 of this session."), "an answer");
  await until(async () => (await operator.approvals.list({ state: "pending" })).items.length > 0, "an approval");
  await until(async () => (await operator.limits.list()).items.length > 0, "a limit");
  expect((await operator.claims.deadLetters()).items).toHaveLength(3);
  await operator.messages.send({ to: "box-echo", body: "/delegate box-echo /echo twice" });
  await operator.messages.send({ to: "box-echo", body: "/agents" });
  await until(said("Online: box-builder"), "a list of agents");
  child.kill("SIGINT");
  expect((await ended).code).toBe(130);
  expect(readdirSync(TMPDIR)).toEqual([]);
  await expect(fetch(`${url}/healthz`)).rejects.toThrow();
});

import { expect, test } from "bun:test";
import { wanted } from "../support/approvals.ts";
import { callCli } from "../support/cli-harness.ts";
import { listen } from "../support/listen.ts";
import { startFleet } from "../support/sessions.ts";
import { startInTerminal } from "../support/terminal.ts";
import { until } from "../support/until.ts";

test("top shows what needs a person, whole, and what keys do to it; a row that goes leaves none selected", async () => {
  const relay = await startFleet();
  await relay.put(relay.box, "ses_a", { state: "asking", pid: 7 });
  const url = listen(relay);
  const ann = await relay.agent("ann");
  const asked: { id: string }[] = [];
  for (const line of ["rm -r build", "git push --force"]) {
    asked.push((await relay.ask("POST", "/v1/approvals", wanted(line), ann)).body);
    relay.clock.advance(1_000);
  }
  const run = (await relay.ask("POST", "/v1/runs", { task: "Write \u202ethe notes" }, ann)).body;
  const env = { SIGNALBOX_URL: url, SIGNALBOX_TOKEN: relay.relay.operatorToken };

  const printed = await callCli(["top"], { env });
  expect(printed.stdout).toContain("2 need you");
  expect(printed.stdout).toMatch(/◆ approval .*ann: Run rm -r build/);
  expect(printed.stdout).toMatch(/● working .*ann: Write the notes/);
  const { needs, fleet } = JSON.parse((await callCli(["top", "--json"], { env })).stdout);
  expect([needs.length, fleet.length]).toEqual([2, 1]);
  expect(fleet[0]).toMatchObject({ glyph: "◆", word: "waits for you" });

  const terminal = startInTerminal(["top"], env, 120);
  await terminal.shows("line: rm -r build");
  terminal.type("1");
  await terminal.shows("1 needs you");
  const state = async (id: string) => (await relay.ask("GET", `/v1/approvals/${id}`)).body.state;
  expect([await state(asked[0]?.id ?? ""), await state(asked[1]?.id ?? "")]).toEqual(["answered", "pending"]);
  // Nothing is selected now, so a second press answers nothing.
  terminal.type("1");
  await terminal.shows("Select a row first");
  expect(await state(asked[1]?.id ?? "")).toBe("pending");
  terminal.type("j");
  await terminal.shows("line: git push --force");
  // A long line is shown to its end, in several rows. What does not fit is not allowed by a key.
  const long = (await relay.ask("POST", "/v1/approvals", wanted(`echo ${"x".repeat(300)}; rm -rf ~`), ann)).body;
  relay.clock.advance(1_000);
  const tall = (await relay.ask("POST", "/v1/approvals", wanted(`echo${"\n:".repeat(80)}\nrm -rf ~`), ann)).body;
  await terminal.shows("3 need you");
  terminal.type("j");
  await terminal.shows("x; rm -rf ~");
  terminal.type("j");
  terminal.type("1");
  await terminal.shows(`Only a part of it is shown. Read all of it: signalbox approvals show ${tall.id}`);
  expect(await state(tall.id)).toBe("pending");
  terminal.type("kk");
  terminal.type("e");
  await terminal.shows("You have it.");
  terminal.type("3");
  await terminal.shows("Deny: Run git push --force");
  for (const { id, hash } of [long, tall])
    await relay.ask("POST", `/v1/approvals/${id}/answer`, { option: "no", hash });
  await terminal.shows("Nothing needs you");
  expect(await state(asked[1]?.id ?? "")).toBe("answered");
  terminal.type("j");
  await terminal.shows("Last hour: waited for you 60 min");
  terminal.type("j");
  await terminal.shows(run.id);
  terminal.type("i");
  await terminal.shows("The run is");
  await until(async () => (await relay.ask("GET", `/v1/runs/${run.id}`)).body.status === "stopping");
  terminal.type("q");
  expect(await terminal.exited).toBe(0);
});

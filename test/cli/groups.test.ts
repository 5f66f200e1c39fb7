import { expect, test } from "bun:test";
import { GROUPS } from "../../src/cli/all-groups.ts";
import { CliCommand } from "../../src/cli/commands.ts";
import { runCli } from "../support/cli-harness.ts";

const namesIn = (program: CliCommand) => program.commands.flatMap((one) => [one.name(), ...one.aliases()]);

test("each file of commands adds those that it is found by, and none is added twice", async () => {
  const all: string[] = [];
  for (const { names, load } of GROUPS) {
    const alone = new CliCommand("signalbox");
    (await load())(alone);
    if (names.length) expect(namesIn(alone)).toEqual([...names]);
    all.push(...namesIn(alone));
  }
  expect(all.length).toBe(new Set(all).size);
});

test("options of the program may come before a command, and help that names none lists them all", async () => {
  const help = async (...words: string[]) => (await runCli(words)).stdout;
  const [plain, whole] = [await help("task", "--help"), await help("--help")];
  expect(await help("--json", "--as", "bob", "--url=http://127.0.0.1:1", "task", "--help")).toBe(plain);
  for (const words of [["--help", "task"], ["help"], ["--json", "--help"]]) expect(await help(...words)).toBe(whole);
  for (const [name] of GROUPS.map(({ names }) => names))
    if (name && name !== "demo-agent") expect(whole).toMatch(new RegExp(`^  ${name}\\b`, "m"));
  const near = await runCli(["--as", "bob", "orchestrater"]);
  expect([near.code, near.stderr]).toEqual([2, expect.stringContaining("orchestrator")]);
});

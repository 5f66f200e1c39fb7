import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { callCli, putFile, tempFolder } from "../support/cli-harness.ts";

const SHELLS = ["bash", "zsh", "fish"] as const;
const folder = tempFolder();
/** A shell also offers the files of the folder it is in. */
const emptyFolder = join(folder.path, "empty");
const scriptOf = (shell: string) => join(folder.path, shell);

beforeAll(async () => {
  for (const shell of SHELLS) {
    const { stdout } = await callCli(["completions", shell]);
    putFile(scriptOf(shell), stdout);
  }
  mkdirSync(emptyFolder);
});
afterAll(() => folder.remove());

const missing = (shell: string) => (Bun.which(shell) ? "" : ` (skipped: there is no ${shell} here)`);

async function lines(command: string[]): Promise<string[]> {
  const child = Bun.spawn(command, { cwd: emptyFolder, stdout: "pipe", stderr: "pipe" });
  const [out, complaints] = await Promise.all([child.stdout, child.stderr].map((text) => new Response(text).text()));
  expect(complaints).toBe("");
  return (out ?? "").split("\n").filter(Boolean);
}

describe(`bash${missing("bash")}`, () => {
  /** Calls the function that was registered, with the words as bash splits them; the cursor is after the last one. */
  const inBash = (...words: string[]) =>
    lines([
      ...["bash", "--norc", "-c"],
      `source "$0"; COMP_WORDS=(signalbox "$@"); COMP_CWORD=$#
       registered=$(complete -p signalbox); registered=\${registered##*-F }; "\${registered%% *}"
       printf '%s\\n' "\${COMPREPLY[@]}"`,
      ...[scriptOf("bash"), ...words],
    ]);

  test.skipIf(missing("bash") !== "")("bash completes every command that help lists", async () => {
    const help = (await callCli(["--help"])).stdout.split("Options:")[1]?.split("Examples:")[0] ?? "";
    const listed = [...help.matchAll(/^ {2}([a-z][\w-]+)/gm)].map(([, name]) => name ?? "");
    expect(listed.length).toBeGreaterThan(40);
    expect(await inBash("")).toEqual(expect.arrayContaining(listed));
  });

  test.skipIf(missing("bash") !== "")(
    "bash completes commands of groups, options and values, wherever global options stand",
    async () => {
      expect(await inBash("delegation", "")).toEqual(["list", "show", "answer", "progress", "cancel"]);
      expect(await inBash("--url", "http://relay", "--json", "agents", "rem")).toEqual(["remove"]);
      expect(await inBash("task", "list", "--se")).toEqual(["--severity"]);
      expect(await inBash("task", "--se")).toEqual(["--severity"]);
      expect(await inBash("task", "list", "--js")).toEqual(["--json"]);
      for (const typed of [
        ["--severity", "c"],
        ["--severity", "=", "c"],
        ["--severity", "="],
      ])
        expect(await inBash("task", "list", ...typed)).toContain("critical");
      expect(await inBash("connect", "cl")).toEqual(["claude"]);
      expect(await inBash("completions", "")).toEqual([...SHELLS]);
    },
  );

  test.skipIf(missing("bash") !== "")(
    "bash completes the flags of the server, and nothing of a command that follows",
    async () => {
      expect(await inBash("serve", "--dur")).toEqual(["--durability"]);
      expect(await inBash("serve", "--js")).toEqual([]);
      expect(await inBash("work", "--as", "builder", "--", "./bui")).toEqual([]);
    },
  );
});

describe(`zsh${missing("zsh")}`, () => {
  /** The functions of zsh that offer words print them instead. */
  const inZsh = (...words: string[]) =>
    lines([
      ...["zsh", "-fc"],
      `compdef() { registered=$1 }; compset() {}; _files() { print -l files }
       _describe() { print -l -- "\${(@P)@[-1]}" }; compadd() { shift; print -l -- "$@" }
       source "$0"; words=(signalbox "$@"); CURRENT=$#words; $registered`,
      ...[scriptOf("zsh"), ...words],
    ]);

  test.skipIf(missing("zsh") !== "")("zsh completes commands, options and values", async () => {
    expect(await inZsh("")).toContain("send:Send a message");
    expect((await inZsh("delegation", "")).map((line) => line.split(":")[0])).toContain("answer");
    expect((await inZsh("--url", "http://relay", "task", "list", "--")).join()).toMatch(
      /--severity:.*--json:|--json:.*--severity:/,
    );
    for (const typed of [["--severity", ""], ["--severity="]])
      expect(await inZsh("task", "list", ...typed)).toContain("critical");
    expect(await inZsh("connect", "")).toContain("claude");
    expect((await inZsh("serve", "--")).join()).toContain("--durability:");
    expect(await inZsh("work", "--as", "builder", "--", "")).toEqual(["files"]);
  });
});

describe(`fish${missing("fish")}`, () => {
  const inFish = async (line: string) => {
    const found = await lines([
      "fish",
      "--no-config",
      "-c",
      "source $argv[1]; complete -C $argv[2]",
      scriptOf("fish"),
      line,
    ]);
    return found.map((one) => one.split("\t")[0]);
  };

  test.skipIf(missing("fish") !== "")("fish completes commands, options and values", async () => {
    expect(await inFish("signalbox del")).toEqual(["delegate", "delegation"]);
    expect(await inFish("signalbox --url http://relay agents rem")).toEqual(["remove"]);
    expect(await inFish("signalbox task list --se")).toEqual(["--severity"]);
    expect(await inFish("signalbox task list --js")).toEqual(["--json"]);
    expect(await inFish("signalbox task list --severity ")).toContain("critical");
    expect(await inFish("signalbox connect cl")).toEqual(["claude"]);
    expect(await inFish("signalbox serve --dur")).toEqual(["--durability"]);
  });
});

test("an unknown shell is refused with the known ones", async () => {
  const ran = await callCli(["completions", "tcsh"]);
  expect([ran.code, ran.stderr]).toEqual([2, expect.stringContaining("bash, zsh, fish")]);
});

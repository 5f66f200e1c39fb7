import { expect, test } from "bun:test";
import { join } from "node:path";
import { Glob } from "bun";
import { callCli } from "../support/cli-harness.ts";
import { allPages, shellBlocks } from "../support/markdown.ts";

/** Every place of the command line: its words, and the commands and options that it takes. The program prints them for shells. */
async function placesOfProgram() {
  const { stdout } = await callCli(["completions", "bash"]);
  const globals = /local globals='([^']*)'/.exec(stdout)?.[1] ?? "";
  const rows = stdout.matchAll(/^ {4}'([^']*)'\) commands='([^']*)' options="([^"]*)"/gm);
  return new Map(
    [...rows].map(([, path = "", commands = "", options = ""]) => [
      path,
      { commands: commands.split(" "), options: options.replace("$globals", globals).split(" ") },
    ]),
  );
}

/** Calls of the program in shell blocks and in code between backticks, as words without quoted text. */
function callsOf(text: string): string[][] {
  const code = [...shellBlocks(text), ...[...text.matchAll(/`([^`\n]*)`/g)].map(([, one = ""]) => one)];
  return code.flatMap((block) =>
    block
      .replaceAll("\\\n", " ")
      .replace(/'[^']*'|"\$?[^"]*"/g, "text")
      .replace(/ #.*$/gm, "")
      .split(/\n|[|;()]/)
      .map((line) => /(?:^|[\s/])signalbox ((?:[a-z-]).*)/.exec(line)?.[1])
      .filter((words) => words !== undefined)
      .map((words) => words.trim().split(/\s+/)),
  );
}

const places = await placesOfProgram();

/** The first word of a call that the program would not take; undefined when it takes all. */
function unknownIn(words: string[]): string | undefined {
  let path = "";
  const given = words.includes("--") ? words.slice(0, words.indexOf("--")) : words;
  for (const [at, word] of given.entries()) {
    const place = places.get(path);
    const below = path === "" ? word : `${path} ${word}`;
    if (word.startsWith("--")) {
      if (!place?.options.includes(word.split("=")[0] ?? "")) return word;
    } else if (place?.commands.includes(word) && (at === 0 || path !== "")) path = below;
    else if (at === 0 && word !== "help") return word;
    else if (at === 1 && place && place.commands[0] !== "") return word;
  }
  return undefined;
}

test("the program says what it takes", () => {
  expect(places.get("task claim")?.options).toContain("--json");
  expect(places.get("serve")?.options).toContain("--port");
});

test("unknown commands and options are noticed", () => {
  expect(unknownIn(["send", "builder", "text"])).toBeUndefined();
  expect(unknownIn(["task", "--status", "open"])).toBeUndefined();
  expect(unknownIn(["sent", "builder"])).toBe("sent");
  expect(unknownIn(["task", "clam", "tsk_1"])).toBe("clam");
  expect(unknownIn(["send", "builder", "--loud"])).toBe("--loud");
});

test.each(allPages().map(({ path, text }) => [path, text]))("every command that %s names exists", (_, text) => {
  const bad = callsOf(text).filter((words) => unknownIn(words) !== undefined);
  expect(bad.map((words) => `${unknownIn(words)} in signalbox ${words.join(" ")}`)).toEqual([]);
});

test("every command that the console names exists", async () => {
  const root = join(import.meta.dir, "../../src/console");
  const bad: string[] = [];
  for await (const file of new Glob("**/*.{ts,tsx}").scan(root)) {
    const text = await Bun.file(join(root, file)).text();
    for (const [, words = ""] of text.matchAll(/\bsignalbox ([a-z]+(?: -{0,2}[a-z][a-z-]*)*)/g))
      if (unknownIn(words.split(" ")) !== undefined) bad.push(`${file}: signalbox ${words}`);
  }
  expect(bad).toEqual([]);
});

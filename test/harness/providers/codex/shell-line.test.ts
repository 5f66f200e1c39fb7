import { expect, test } from "bun:test";
import { shellLine } from "../../../../src/harness/providers/codex/shell-line.ts";

test.each([
  ["/bin/bash -lc 'git status'", "git status"],
  [`bash -c "echo \\"hi\\" 'you'"`, `echo "hi" 'you'`],
  [`/bin/zsh -lc 'it'"'"'s'`, "it's"],
  ["/bin/bash -lc ls", "ls"],
])("The line of %s is what the shell runs", (command, line) => {
  expect(shellLine(command)).toBe(line);
});

test.each([
  "git status",
  "/bin/bash -lc 'one' 'two'",
  "/bin/bash -lc 'one' && rm -rf /",
  '/bin/bash -lc "$HOME/run"',
  "/bin/bash -lc 'open",
  "/usr/bin/env -c 'ls'",
  "/bin/bash -lc ''",
])("A command that is no plain call of a shell stays whole: %s", (command) => {
  expect(shellLine(command)).toBe(command);
});

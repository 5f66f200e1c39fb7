import { expect, test } from "bun:test";
import { execFileSync } from "node:child_process";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { createGit } from "../../../src/daemon/git/command.ts";
import { unmerged } from "../../../src/daemon/git/merged.ts";
import { tempFolder } from "../../support/relay.ts";

/** A repository whose branch `work` has two commits, and whose `main` has gone on. */
function start() {
  const root = tempFolder();
  const git = (...args: string[]) =>
    execFileSync("git", ["-c", "user.name=A", "-c", "user.email=a@example.org", ...args], { cwd: root, stdio: "pipe" })
      .toString()
      .trim();
  const commit = (name: string, text: string) => {
    writeFileSync(join(root, name), text);
    git("add", "-A");
    git("commit", "-q", "-m", `${name}: ${text.length}`);
  };
  git("init", "-q", "-b", "main");
  commit("app", "one\ntwo\nthree\nfour\nfive\nsix\nseven\neight\n");
  const first = git("rev-parse", "HEAD");
  git("checkout", "-q", "-b", "work");
  commit("app", "one\nTWO\nthree\nfour\nfive\nsix\nseven\neight\n");
  commit("new", "new\n");
  git("checkout", "-q", "main");
  commit("other", "other\n");
  return {
    git,
    commit,
    left: (base: string | null = "main") =>
      unmerged(createGit(), { root, base, start: first }, [git("rev-parse", "work")]),
    squash() {
      git("merge", "-q", "--squash", "work");
      git("commit", "-q", "-m", "Work (#7)");
    },
  };
}

test("a branch that was squashed into one commit counts as merged, also after later commits", async () => {
  const { git, left, squash, commit } = start();
  expect(await left()).toBe(2);
  git("merge", "-q", "--no-edit", "work");
  expect(await left()).toBe(0);
  git("reset", "-q", "--hard", "HEAD~1");
  squash();
  expect(await left()).toBe(0);
  commit("app", "one\nTWO\nthree\nfour\nfive\nsix\nseven\nEIGHT\n");
  expect(await left()).toBe(0);
  expect(await left(null)).toBe(2);
});

test("a branch that was squashed at a remote, or rebased, counts as merged", async () => {
  const { git, left, squash } = start();
  git("checkout", "-q", "-b", "elsewhere");
  squash();
  git("update-ref", "refs/remotes/origin/main", "elsewhere");
  git("checkout", "-q", "main");
  expect(await left()).toBe(0);
  git("update-ref", "-d", "refs/remotes/origin/main");
  expect(await left()).toBe(2);
  git("cherry-pick", "work~1", "work");
  expect(await left()).toBe(0);
});

test("a branch of which anything is missing does not count as merged", async () => {
  const { git, commit, left, squash } = start();
  git("cherry-pick", "work~1");
  expect(await left()).toBe(2);
  git("reset", "-q", "--hard", "HEAD~1");
  squash();
  git("checkout", "-q", "work");
  commit("new", "newer\n");
  git("checkout", "-q", "main");
  expect(await left()).toBe(3);
  // The squash was made with a change of its own.
  git("reset", "-q", "--hard", "HEAD~1");
  git("merge", "-q", "--squash", "work");
  commit("new", "newest\n");
  expect(await left()).toBe(3);
  // Nor does one with other indentation.
  git("reset", "-q", "--hard", "HEAD~1");
  git("merge", "-q", "--squash", "work");
  commit("new", "  newer\n");
  expect(await left()).toBe(3);
});

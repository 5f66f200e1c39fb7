import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { execFileSync } from "node:child_process";
import { chmodSync, existsSync, mkdirSync, mkdtempSync, realpathSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createGit } from "../../../src/daemon/git/command.ts";
import { lookAt } from "../../../src/daemon/git/look.ts";
import { pullOpenedBy } from "../../../src/daemon/git/pull-requests.ts";
import { projectOf, turnGit } from "../../../src/daemon/git/turn-links.ts";

const git = createGit();
let base = "";
beforeAll(() => {
  base = realpathSync(mkdtempSync(join(tmpdir(), "git-")));
});
afterAll(() => rmSync(base, { recursive: true, force: true }));

const run = (cwd: string, ...args: string[]): string =>
  execFileSync("git", ["-c", "user.name=Ada", "-c", "user.email=ada@example.org", ...args], { cwd, encoding: "utf8" });

/** A repository with one commit. */
function repository(name: string, remote?: string): string {
  const folder = join(base, name);
  mkdirSync(folder);
  run(folder, "init", "-q", "-b", "main");
  if (remote) run(folder, "remote", "add", "origin", remote);
  write(folder, "README.md", "one");
  run(folder, "add", ".");
  run(folder, "commit", "-q", "-m", "First");
  return folder;
}

const write = (folder: string, path: string, text: string): void => writeFileSync(join(folder, path), text);

async function looked(folder: string) {
  const state = await lookAt(git, folder);
  if (!state) throw new Error(`nothing seen in ${folder}`);
  return state;
}

describe("git", () => {
  test("a look says repository, branch, head, unpushed commits and changed paths", async () => {
    const folder = repository("app", "git@github.com:acme/app.git");
    run(folder, "update-ref", "refs/remotes/origin/main", "HEAD");
    run(folder, "checkout", "-q", "-b", "fix it".replace(" ", "-"));
    write(folder, "a file.txt", "new");
    run(folder, "mv", "README.md", "READ.md");
    run(folder, "commit", "-q", "-m", "Second");
    write(folder, "READ.md", "two");
    const state = await looked(folder);
    expect(state).toMatchObject({ root: folder, repository: "github.com/acme/app", branch: "fix-it", ahead: 1 });
    expect(state.head).toBe(run(folder, "rev-parse", "HEAD").trim());
    expect(state.dirty.toSorted()).toEqual(["READ.md", "a file.txt"]);
  });

  test("a folder without git, an empty repository and a detached head are told apart", async () => {
    const empty = join(base, "empty");
    mkdirSync(empty);
    expect(await lookAt(git, base)).toBeUndefined();
    run(empty, "init", "-q", "-b", "main");
    expect(await looked(empty)).toMatchObject({
      branch: "main",
      head: null,
      ahead: null,
      repository: null,
      dirtyCount: 0,
    });
    const folder = repository("detached");
    run(folder, "checkout", "-q", "--detach");
    expect(await looked(folder)).toMatchObject({ branch: null, ahead: null });
  });

  test("a worktree belongs to the project of its repository", async () => {
    const folder = repository("many");
    run(folder, "worktree", "add", "-q", "-b", "side", join(base, "many-side"));
    const [main, side] = [await looked(folder), await looked(join(base, "many-side"))];
    expect(side.root).not.toBe(main.root);
    expect([projectOf(side), projectOf(main)]).toEqual([folder, folder]);
  });

  test("a look runs nothing that the repository's own configuration names", async () => {
    const folder = repository("trap");
    const trap = join(base, "trap.sh");
    writeFileSync(trap, `#!/bin/sh\ntouch ${base}/sprung\ncat\n`);
    chmodSync(trap, 0o755);
    for (const name of ["filter.evil.clean", "filter.evil.process", "core.fsmonitor", "diff.external", "core.pager"])
      run(folder, "config", name, trap);
    run(folder, "config", "filter.evil.required", "true");
    write(folder, ".gitattributes", "* filter=evil diff=evil");
    write(folder, "README.md", "six");
    expect((await looked(folder)).dirty.toSorted()).toEqual([".gitattributes", "README.md"]);
    expect(existsSync(join(base, "sprung"))).toBe(false);
  });

  test("a look and a turn take no name of a branch, a file or a commit for an option", async () => {
    const folder = repository("options");
    const option = `--output=${base}/written`;
    run(folder, "update-ref", "refs/remotes/origin/main", "HEAD");
    const before = await looked(folder);
    run(folder, "symbolic-ref", "HEAD", `refs/heads/--output=written`);
    run(folder, "mv", "README.md", "# branch.oid --output=written");
    write(folder, "--output=written", "new");
    run(folder, "add", ".");
    run(folder, "commit", "-q", "-m", "Second");
    run(folder, "mv", "--", "# branch.oid --output=written", "-n");
    const after = await looked(folder);
    expect(after).toMatchObject({ branch: "--output=written", ahead: 1, dirty: ["-n"] });
    expect(after.head).toBe(run(folder, "rev-parse", "HEAD").trim());
    const { links, changed } = await turnGit(git, before, after);
    expect(links.map(({ kind }) => kind)).toEqual(["branch", "commit"]);
    expect(changed.toSorted()).toEqual(["# branch.oid --output=written", "--output=written", "-n", "README.md"]);
    for (const [from, to] of [
      [{ ...before, head: option }, after],
      [before, { ...after, head: option }],
    ] as const)
      expect((await turnGit(git, from, to)).links.map(({ kind }) => kind)).toEqual(["branch"]);
    expect(existsSync(join(base, "written"))).toBe(false);
  });

  test("a turn links to its branch and commits, and says which paths it changed", async () => {
    const folder = repository("turn", "https://github.com/acme/turn.git");
    write(folder, "mine.txt", "a person's own change");
    const before = await looked(folder);
    run(folder, "checkout", "-q", "-b", "fix");
    write(folder, "README.md", "two");
    run(folder, "commit", "-q", "-m", "Fix", "README.md");
    write(folder, "left.txt", "not committed");
    const after = await looked(folder);
    const { links, changed } = await turnGit(git, before, after);
    expect(links).toMatchObject([
      { kind: "branch", ref: "fix", url: "https://github.com/acme/turn/tree/fix", state: "2 not committed" },
      { kind: "commit", ref: after.head?.slice(0, 12), evidence: "git" },
    ]);
    expect(changed.toSorted()).toEqual(["README.md", "left.txt"]);
  });

  test("a turn that only read links to nothing", async () => {
    const state = await looked(repository("read"));
    expect(await turnGit(git, state, state)).toEqual({ links: [], changed: [] });
  });
});

describe("pull requests", () => {
  const url = "https://github.com/acme/app/pull/12";
  const call = {
    name: "Bash",
    args: { command: "git push && gh pr create --fill" },
    result: `Creating…\n${url}\n`,
    isError: false,
  };

  test("a pull request is taken from the result of the call that opened it", () => {
    expect(pullOpenedBy(call)).toMatchObject({ kind: "pull", ref: "acme/app#12", url, evidence: "tool" });
    const tool = { name: "mcp__github__create_pull_request", args: {}, result: { html_url: url }, isError: false };
    expect(pullOpenedBy(tool)).toMatchObject({ ref: "acme/app#12" });
    expect(pullOpenedBy({ ...call, args: { command: ["bash", "-lc", "gh pr create"] } })).toMatchObject({ url });
  });

  test("a pull request that a tool only shows, and one whose call failed, are no links", () => {
    expect(pullOpenedBy({ ...call, args: { command: `gh pr view ${url}` } })).toBeUndefined();
    expect(pullOpenedBy({ ...call, args: { command: "echo gh" } })).toBeUndefined();
    expect(pullOpenedBy({ ...call, isError: true })).toBeUndefined();
    expect(pullOpenedBy({ ...call, result: "pull request create failed" })).toBeUndefined();
  });
});

import { describe, expect, test } from "bun:test";
import { execFileSync } from "node:child_process";
import {
  chmodSync,
  existsSync,
  mkdirSync,
  readdirSync,
  realpathSync,
  renameSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { AGENT, sessionAt, startDaemon, type TestDaemon, until } from "../support/daemon.ts";
import { tempFolder } from "../support/relay.ts";

/** Keeps the test's own git from running what the repository names. */
const SAFE = ["core.hooksPath=/dev/null", "core.fsmonitor=false", "filter.evil.required=false"]
  .concat(["clean", "smudge", "process"].map((name) => `filter.evil.${name}=`))
  .concat("user.name=Ada", "user.email=ada@example.org")
  .flatMap((option) => ["-c", option]);

const git = (cwd: string, ...args: string[]): string =>
  execFileSync("git", [...SAFE, ...args], { cwd, encoding: "utf8" });

/** A repository with one commit, whose configuration runs a program wherever git lets it. */
function repository(folder: string): { path: string; hasRun(): boolean } {
  mkdirSync(folder);
  git(folder, "init", "-q", "-b", "main");
  mkdirSync(join(folder, "site"));
  writeFileSync(join(folder, "site", "index.html"), "one");
  writeFileSync(join(folder, ".gitattributes"), "*.html filter=evil\n");
  git(folder, "add", ".");
  git(folder, "commit", "-q", "-m", "First");
  const sprung = join(folder, "..", "sprung");
  const trap = join(folder, ".git", "hooks", "post-checkout");
  writeFileSync(trap, `#!/bin/sh\ntouch ${sprung}\ncat\n`);
  chmodSync(trap, 0o755);
  for (const name of ["filter.evil.smudge", "filter.evil.process", "filter.evil.clean", "core.fsmonitor"])
    git(folder, "config", name, trap);
  return { path: realpathSync(folder), hasRun: () => existsSync(sprung) };
}

async function spawn(world: TestDaemon, command: Record<string, unknown>) {
  return answer(world, { do: "spawn", provider: "fake", worktree: true, ...command });
}

/** Gives a command. @returns its result, or its error */
async function answer(world: TestDaemon, command: Record<string, unknown>) {
  const { body } = await world.relay.ask("POST", "/v1/orchestrators/box/commands", { command });
  const read = async () => (await world.relay.ask("GET", `/v1/delegations/${body.id}`)).body;
  await until(async () => (await read()).answer !== null);
  const { answer: said } = await read();
  return said.payload?.commandResult ?? { error: said.error };
}

const shown = async (world: TestDaemon, id: string) => (await world.relay.ask("GET", `/v1/sessions/${id}`)).body;
const treesOf = (world: TestDaemon): string[] =>
  readdirSync(join(world.folder, ".signalbox", "worktrees")).filter((name) => name !== ".gitignore");

describe("a spawn in a worktree", () => {
  test("a spawn in a worktree works on a branch of its own, which is kept until it is merged, also over a restart", async () => {
    const world = await startDaemon();
    const { path: app, hasRun } = repository(join(world.folder, "app"));
    const spawned = await spawn(world, { prompt: "Fix the login", cwd: "app/site", background: true });
    const session = await sessionAt(world, 0);
    const { cwd } = session.task;
    const name = /worktrees\/(fix-login-[a-z0-9]{6})\/site$/.exec(cwd)?.[1] ?? "";
    const tree = join(realpathSync(world.folder), ".signalbox", "worktrees", name);
    expect(cwd).toBe(join(tree, "site"));
    expect(spawned.text).toEndWith(`in a worktree of its own on the branch signalbox/${name}.`);
    expect(session.inputs[0]?.text).toContain(`a git worktree of your own, on the branch signalbox/${name}.`);
    expect(await Bun.file(join(cwd, "index.html")).text()).toBe("one");
    expect([hasRun(), git(app, "status", "--porcelain")]).toEqual([false, ""]);

    writeFileSync(join(cwd, "index.html"), "two");
    git(cwd, "commit", "-qam", "Fix");
    session.turn.finish("Fixed.");
    const run = async () => (await world.relay.ask("GET", `/v1/runs/${spawned.runId}`)).body;
    await until(async () => (await run()).status === "ended");
    expect(await run()).toMatchObject({
      cwd,
      links: [{ kind: "branch", ref: `signalbox/${name}` }, { kind: "commit" }],
    });
    const killed = await answer(world, { do: "kill", sessionId: spawned.sessionId });
    const why = "1 commit of it is not in the branch that it came from";
    expect(killed.text).toBe(
      `Killed fix-login. Its worktree ${tree} is kept, on the branch signalbox/${name}: ${why}.`,
    );
    await until(async () => (await shown(world, spawned.sessionId)).reason?.includes(why));
    expect((await shown(world, spawned.sessionId)).links).toContainEqual(
      expect.objectContaining({ kind: "branch", ref: `signalbox/${name}`, state: "kept in its worktree" }),
    );
    await world.crash();
    await world.pass(1000);
    expect(treesOf(world)).toEqual([name]);

    // One commit of its own has the changes, behind another.
    git(app, "commit", "-q", "--allow-empty", "-m", "Other work");
    git(app, "merge", "-q", "--squash", `signalbox/${name}`);
    git(app, "commit", "-qm", "Fix the login (#7)");
    await world.crash();
    await until(() => treesOf(world).length === 0);
    await until(() => git(app, "branch", "--list", "signalbox/*") === "");
    expect(hasRun()).toBe(false);
  });

  test("a spawn in a worktree leaves nothing where it did nothing, and keeps changes that no commit has", async () => {
    const world = await startDaemon();
    const { path: app } = repository(join(world.folder, "app"));
    const empty = await spawn(world, { prompt: "Look around", cwd: "app", background: true });
    const { cwd } = (await sessionAt(world, 0)).task;
    // Folders that the daemon itself makes are no changes.
    mkdirSync(join(cwd, ".signalbox", empty.sessionId), { recursive: true });
    writeFileSync(join(cwd, ".signalbox", empty.sessionId, "plan.txt"), "plan");
    expect((await answer(world, { do: "kill", sessionId: empty.sessionId })).text).toBe("Killed look-around.");
    expect([existsSync(cwd), git(app, "branch", "--list", "signalbox/*")]).toEqual([false, ""]);

    const dirty = await spawn(world, { prompt: "Write notes", cwd: "app", background: true });
    const other = (await sessionAt(world, 1)).task.cwd;
    writeFileSync(join(other, "notes.txt"), "unsaved");
    const { text } = await answer(world, { do: "kill", sessionId: dirty.sessionId });
    expect(text).toEndWith("1 path has changes that no commit has.");
    await world.pass(86_400_000);
    expect(await Bun.file(join(other, "notes.txt")).text()).toBe("unsaved");
  });

  test("a spawn in a worktree is refused where none can be made, with the reason", async () => {
    const world = await startDaemon();
    const refusal = async (command: Record<string, unknown>) =>
      (await spawn(world, { prompt: "x", background: true, ...command })).error;
    mkdirSync(join(world.folder, "plain"));
    expect(await refusal({ cwd: "plain" })).toContain("git does not know it");
    mkdirSync(join(world.folder, "young"));
    git(join(world.folder, "young"), "init", "-q");
    expect(await refusal({ cwd: "young" })).toContain("has no commit yet");
    // A file in place of .git names a repository elsewhere on this machine.
    const { path: secret } = repository(join(tempFolder(), "secret"));
    mkdirSync(join(world.folder, "trick"));
    writeFileSync(join(world.folder, "trick", ".git"), `gitdir: ${join(secret, ".git")}\n`);
    expect(await refusal({ cwd: "trick" })).toContain("is outside of the workspace");
    const { path: app } = repository(join(world.folder, "app"));
    git(app, "config", "hook.evil.command", "touch /tmp/sprung");
    expect(await refusal({ cwd: "app" })).toContain("Git could not make the worktree");
    git(app, "config", "--unset", "hook.evil.command");
    expect(world.fake.sessions).toHaveLength(0);
    await world.say("Hello.");
    await sessionAt(world, 0);
    expect(await refusal({ cwd: "app", background: false })).toContain("has session");
    renameSync(join(world.folder, ".signalbox"), join(world.folder, "elsewhere"));
    symlinkSync(join(world.folder, "elsewhere"), join(world.folder, ".signalbox"));
    expect(await refusal({ cwd: "app" })).toContain("is no folder of its own");
    expect(readdirSync(join(world.folder, "elsewhere", "worktrees"))).toEqual([".gitignore"]);
  });
});

describe("a provider whose sessions work in worktrees", () => {
  test("a provider whose sessions work in worktrees gives each a folder that its copies share, and that comes back when it goes on", async () => {
    const world = await startDaemon({ provider: { script: null } });
    const { path: app } = repository(join(world.folder, "app"));
    const profile = {
      provider: "fake",
      cwd: "app",
      worktree: true,
      agents: [{ agentId: AGENT, orchestratorId: "box", desired: "onDemand" }],
    };
    expect((await world.relay.ask("PUT", "/v1/profiles/writer", profile)).body.worktree).toBe(true);
    await until(() => world.daemon.services.journal.fact("profiles")?.includes("writer") === true);
    const first = await world.say("Count the pages.");
    const { cwd } = (await sessionAt(world, 0)).task;
    expect(cwd).toContain("/.signalbox/worktrees/count-pages-");
    await world.crash();
    await until(() => world.fake.sessions[1]?.isWorking === true);
    const again = world.fake.latest();
    expect(again.task).toMatchObject({ cwd, origin: { how: "resume" } });
    await until(() => world.daemon.turns.all().some(({ sentAt }) => sentAt !== undefined));
    await world.pass(61_000);
    await world.say("And the words?");
    const copy = await sessionAt(world, 2);
    expect(copy.task).toMatchObject({ cwd, origin: { how: "fork" } });
    copy.turn.finish("Seven.");
    again.turn.finish("Three.");
    await until(async () => (await world.run(first)).status === "ended");
    await until(() => world.daemon.turns.all().length === 0);
    // Idle processes end, and then nothing would be lost.
    await world.pass(31 * 60_000);
    await until(() => !existsSync(cwd));
    await world.say("Are you sure?");
    const back = await sessionAt(world, 3);
    expect(back.task).toMatchObject({ cwd, origin: { how: "resume", nativeId: copy.nativeId as string } });
    expect(existsSync(join(cwd, "site", "index.html"))).toBe(true);
    expect(git(cwd, "branch", "--show-current")).toStartWith("signalbox/count-pages-");
    expect(git(app, "worktree", "list").trim().split("\n")).toHaveLength(2);
  });

  test("a provider whose sessions work in worktrees makes none in a folder without git, and none for a repository around the workspace", async () => {
    const outer = tempFolder();
    git(outer, "init", "-q");
    mkdirSync(join(outer, "agents"));
    symlinkSync(join(outer, "agents"), join(outer, "link"));
    const world = await startDaemon({ config: { workspace: join(outer, "link") } });
    const agents = [{ agentId: AGENT, orchestratorId: "box", desired: "onDemand" }];
    await world.relay.ask("PUT", "/v1/profiles/writer", { provider: "fake", worktree: true, agents });
    await until(() => world.daemon.services.journal.fact("profiles")?.includes("writer") === true);
    await world.say("Count the pages.");
    expect((await sessionAt(world, 0)).task.cwd).toBe(join(outer, "link"));
    expect(existsSync(join(outer, "agents", ".signalbox"))).toBe(false);
  });
});

import { describe, expect, test } from "bun:test";
import { execFileSync } from "node:child_process";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { AGENT, startDaemon, type TestDaemon, until } from "../support/daemon.ts";

const CHAT = "webhook:desk";

function run(cwd: string, ...args: string[]): void {
  execFileSync("git", ["-c", "user.name=Ada", "-c", "user.email=ada@example.org", ...args], { cwd });
}

/** Makes the workspace of a daemon a repository with one commit on a branch. */
function makeRepository({ folder }: TestDaemon): void {
  run(folder, "init", "-q", "-b", "fix-login");
  run(folder, "remote", "add", "origin", "git@github.com:acme/app.git");
  writeFileSync(join(folder, ".gitignore"), "journal*\n.signalbox\n");
  run(folder, "add", ".gitignore");
  run(folder, "commit", "-q", "-m", "First");
  run(folder, "update-ref", "refs/remotes/origin/fix-login", "HEAD");
}

function commit({ folder }: TestDaemon, name: string): void {
  writeFileSync(join(folder, name), name);
  run(folder, "add", name);
  run(folder, "commit", "-q", "-m", name);
}

const works = (world: TestDaemon, at = 0) => until(() => world.fake.sessions[at]?.isWorking === true);
// biome-ignore lint/suspicious/noExplicitAny: tests look into answers freely
const session = async (world: TestDaemon): Promise<any> =>
  (await world.relay.ask("GET", "/v1/sessions")).body.items.at(-1);
const ends = (world: TestDaemon, id: number) => until(async () => (await world.run(id)).status === "ended");

const PULL = "https://github.com/acme/app/pull/7";

describe("links of a turn", () => {
  test("a run says its project, and the branch, commits and pull request that git and tools showed", async () => {
    const world = await startDaemon();
    makeRepository(world);
    const id = await world.say("Fix the login.");
    await works(world);
    expect((await world.run(id)).project).toBe("github.com/acme/app");
    const { turn } = world.fake.latest();
    commit(world, "login.ts");
    writeFileSync(join(world.folder, "left.ts"), "");
    turn.tool("bash", { command: "gh pr create --fill" }, `Creating\n${PULL}\n`);
    turn.tell({ type: "tool", phase: "result", id: "t9", result: "1 failed", isError: true, exitCode: 1 });
    turn.finish("Done, see https://github.com/acme/app/pull/999");
    await ends(world, id);
    const { links } = await world.run(id);
    expect(links.map(({ kind, ref, evidence }: Record<string, string>) => [kind, ref, evidence])).toEqual([
      ["branch", "fix-login", "git"],
      ["commit", expect.any(String), "git"],
      ["pull", "acme/app#7", "tool"],
    ]);
    await until(async () => (await session(world)).seen !== null);
    expect(await session(world)).toMatchObject({
      project: "github.com/acme/app",
      links,
      seen: { exitCodes: [1], dirtyFiles: 1, unpushedCommits: 1, branch: "fix-login", head: expect.any(String) },
    });
  });

  test("a turn that only reads links to nothing, and its folder is still looked at", async () => {
    const world = await startDaemon();
    makeRepository(world);
    const id = await world.say("Explain the login.");
    await works(world);
    world.fake.latest().turn.finish(`As in ${PULL}.`);
    await ends(world, id);
    expect((await world.run(id)).links).toEqual([]);
    await until(async () => (await session(world)).seen?.dirtyFiles === 0);
  });

  test("G13: a turn that goes on after a crash is compared with its first beginning", async () => {
    const world = await startDaemon();
    makeRepository(world);
    const id = await world.say("Fix the login.");
    await works(world);
    world.fake.latest().turn.tool("bash", { command: "gh pr create" }, PULL);
    commit(world, "login.ts");
    await world.crash();
    await works(world, 1);
    world.fake.latest().turn.finish("Fixed.");
    await ends(world, id);
    const { links } = await world.run(id);
    expect(links.map(({ kind }: { kind: string }) => kind)).toEqual(["branch", "commit", "pull"]);
  });

  test("an answer posted to a chat ends with its links", async () => {
    const world = await startDaemon();
    makeRepository(world);
    const { ask } = world.relay;
    await ask("PUT", `/v1/channels/${CHAT}/webhook`, { name: "Desk", url: "http://127.0.0.1:1/hook" });
    await ask("PUT", `/v1/channels/${CHAT}/access`, { mode: "open" });
    await ask("PUT", `/v1/channels/${CHAT}/bindings`, { target: AGENT });
    const event = { conversationId: "42", externalId: "1", sender: { id: "7", name: "Ada" }, text: "Fix the login." };
    await ask("POST", `/v1/channels/${CHAT}/events`, event);
    await works(world);
    world.fake.latest().turn.tool("mcp__github__create_pull_request", {}, { html_url: PULL });
    world.fake.latest().turn.finish("Fixed.");
    const posts = async () => (await ask("GET", `/v1/messages?to=${CHAT}`)).body.items;
    await until(async () => (await posts()).length === 1);
    expect((await posts())[0].body).toBe(`Fixed.\n\nacme/app#7 ${PULL}`);
  });
});

describe("two hands in one place", () => {
  test("two sessions that change one path hear of each other, and one that read does not", async () => {
    const world = await startDaemon();
    makeRepository(world);
    const ids = [await world.say("Fix the login."), await world.say("Beside it: explain.")];
    await works(world);
    const first = world.fake.sessions[0];
    await until(() => world.daemon.services.journal.position() >= (ids[1] as number));
    await world.pass(61_000);
    await works(world, 1);
    const second = world.fake.sessions[1];
    const path = join(world.folder, "login.ts");
    writeFileSync(join(world.folder, "login.ts"), "1");
    first?.turn.tell({ type: "diff", path, change: "modified", added: 1, removed: 0 });
    second?.turn.finish("It reads a form.");
    await ends(world, ids[1] as number);
    first?.turn.finish("Fixed.");
    await ends(world, ids[0] as number);
    const told = async () => {
      const { body } = await world.relay.ask("GET", `/v1/messages?to=${AGENT}&limit=100`);
      return body.items.filter(({ subject }: { subject: string }) => subject === "Two sessions in one place");
    };
    await until(async () => (await session(world)).seen !== null);
    expect(await told()).toHaveLength(0);
    const third = await world.say("Now fix it again.");
    await until(() => second?.isWorking === true);
    writeFileSync(join(world.folder, "login.ts"), "2");
    run(world.folder, "add", "login.ts");
    run(world.folder, "commit", "-q", "-m", "Login");
    second?.turn.finish("Fixed again.");
    await ends(world, third);
    await until(async () => (await told()).length === 2);
    expect((await told())[0].body).toContain("login.ts in github.com/acme/app");
  });
});

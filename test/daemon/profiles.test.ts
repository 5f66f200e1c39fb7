import { describe, expect, test } from "bun:test";
import { mkdirSync, realpathSync } from "node:fs";
import { join } from "node:path";
import { AGENT, startDaemon, type TestDaemon, until } from "../support/daemon.ts";
import { echo } from "../support/providers/fake.ts";

type Desired = "running" | "onDemand" | "stopped";

async function put(world: TestDaemon, desired: Desired, fields: Record<string, unknown> = {}, name = "writer") {
  const agents = [{ agentId: AGENT, orchestratorId: "box", desired }];
  const { status, body } = await world.relay.ask("PUT", `/v1/profiles/${name}`, {
    provider: "fake",
    agents,
    ...fields,
  });
  expect([200, 201]).toContain(status);
  await until(() => {
    const stored = world.daemon.services.journal.fact("profiles") ?? "[]";
    return JSON.parse(stored).some((one: { updatedAt: string }) => Bun.deepEquals(one, body));
  });
}

const works = (world: TestDaemon, at = 0) => until(() => world.fake.sessions[at]?.isWorking === true);
const ends = (world: TestDaemon, id: number) => until(async () => (await world.run(id)).status === "ended");
const received = (world: TestDaemon, id: number) => until(() => world.daemon.services.journal.position() >= id);

describe("profiles", () => {
  test("a new session begins with model, prompt, folder and tools of its agent's profile", async () => {
    const world = await startDaemon({ provider: { script: echo } });
    mkdirSync(join(world.folder, "site"));
    const tools = { allow: ["Read"], deny: ["Bash"] };
    await put(world, "onDemand", { model: "small", systemPrompt: "Be brief.", cwd: "site", tools });
    await ends(world, await world.say("Fix the login."));
    const cwd = realpathSync(join(world.folder, "site"));
    expect(world.fake.sessions[0]?.task).toMatchObject({ model: "small", systemPrompt: "Be brief.", cwd, tools });
  });

  test("profiles for another provider, and folders outside of the workspace, are left out", async () => {
    const world = await startDaemon({ provider: { script: echo } });
    await put(world, "stopped", { provider: "other" }, "another");
    await put(world, "onDemand", { cwd: "/", model: "small" });
    await ends(world, await world.say("Fix the login."));
    expect(world.fake.sessions[0]?.task).toMatchObject({ model: "small", cwd: world.folder });
    expect(world.log.join("\n")).toContain("The folder of profile writer is left out");
  });

  test("a stopped agent begins nothing, also after a restart, until its profile wants it or is gone", async () => {
    const world = await startDaemon({ provider: { script: echo } });
    await put(world, "stopped");
    const id = await world.say("Fix the login.");
    await received(world, id);
    await world.crash();
    expect(world.fake.sessions).toHaveLength(0);
    await world.relay.ask("DELETE", "/v1/profiles/writer");
    await ends(world, id);
    await until(async () => (await world.answers()).length === 1);
    expect((await world.answers())[0]).toMatchObject({ from: AGENT, replyTo: id });
  });

  test("a turn that runs while its agent is stopped goes on afterwards with the same run, and what waits for it begins no sooner", async () => {
    const world = await startDaemon();
    const id = await world.say("Fix the login.");
    await works(world);
    const run = (await world.run(id)).id;
    await received(world, await world.say("Then the logout."));
    await put(world, "stopped");
    await until(() => world.fake.sessions[0]?.isRunning === false);
    await received(world, await world.say("And the form."));
    expect(world.fake.sessions).toHaveLength(1);
    await put(world, "onDemand");
    await works(world, 1);
    world.fake.latest().turn.finish("Fixed.");
    await ends(world, id);
    expect(await world.run(id)).toMatchObject({ id: run, outcome: "ok" });
  });

  test("a spawn begins by the profile that it names, and its own words go first", async () => {
    const world = await startDaemon();
    mkdirSync(join(world.folder, "site"));
    const profile = { provider: "fake", model: "small", systemPrompt: "Be brief.", cwd: "site" };
    await world.relay.ask("PUT", "/v1/profiles/reviewer", profile);
    await world.relay.ask("PUT", "/v1/profiles/safe", { provider: "fake", tools: { deny: ["Bash"] } });
    const spawn = { do: "spawn", provider: "fake", prompt: "Look.", profile: "reviewer", model: "large" };
    await world.relay.ask("POST", "/v1/orchestrators/box/commands", { command: spawn });
    await works(world);
    const cwd = realpathSync(join(world.folder, "site"));
    expect(world.fake.sessions[0]?.task).toMatchObject({ model: "large", systemPrompt: "Be brief.", cwd });
    const unsafe = { command: { ...spawn, profile: "safe" } };
    const { body } = await world.relay.ask("POST", "/v1/orchestrators/box/commands", unsafe);
    await until(async () => {
      const { body: found } = await world.relay.ask("GET", `/v1/delegations/${body.id}`);
      return JSON.stringify(found).includes("Profile safe says tools");
    });
    expect(world.fake.sessions).toHaveLength(1);
  });

  test("a spawn of a stopped agent is refused, and says by which profile", async () => {
    const world = await startDaemon();
    await put(world, "stopped");
    const { body } = await world.relay.ask("POST", "/v1/orchestrators/box/commands", {
      command: { do: "spawn", provider: "fake", prompt: "Fix the login." },
    });
    await until(async () => {
      const { body: found } = await world.relay.ask("GET", `/v1/delegations/${body.id}`);
      return JSON.stringify(found).includes(`Profile writer wants ${AGENT} stopped.`);
    });
    expect(world.fake.sessions).toHaveLength(0);
  });
});

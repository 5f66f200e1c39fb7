import { describe, expect, test } from "bun:test";
import { AGENT, startDaemon, type TestDaemon, until } from "../support/daemon.ts";
import { echo } from "../support/providers/fake.ts";

type Restart = { policy: "always" | "onFailure" | "never"; maxPerHour?: number };

async function want(world: TestDaemon, desired: string, restart: Restart = { policy: "onFailure" }): Promise<void> {
  const agents = [{ agentId: AGENT, orchestratorId: "box", desired }];
  const profile = { provider: "fake", agents, restart };
  expect([200, 201]).toContain((await world.relay.ask("PUT", "/v1/profiles/writer", profile)).status);
}

const running = ({ fake }: TestDaemon) => fake.sessions.filter(({ isRunning }) => isRunning).length;
const begun = (world: TestDaemon, count: number) =>
  until(() => world.fake.sessions.length === count && running(world) === 1);
const isReported = async (world: TestDaemon, state: string) => {
  const { body } = await world.relay.ask("GET", "/v1/sessions?live=true");
  return body.items.length === 1 && body.items[0].state === state;
};
const told = async (world: TestDaemon) => {
  const { body } = await world.relay.ask("GET", "/v1/messages?to=user&limit=100");
  return body.items.filter(({ subject }: { subject: string | null }) => subject === `${AGENT} stays stopped`);
};
const settled = (world: TestDaemon) => until(() => world.log.join("\n").includes("stays stopped"));
const command = (world: TestDaemon, given: Record<string, unknown>) =>
  world.relay.ask("POST", "/v1/orchestrators/box/commands", { command: given });

describe("agents that a profile wants running", () => {
  test("a process begins without a message, is not retired, and takes the messages that come", async () => {
    const world = await startDaemon({ provider: { script: echo } });
    await want(world, "running");
    await begun(world, 1);
    await until(() => isReported(world, "idle"));
    await world.say("one");
    await until(async () => (await world.answers()).length === 1);
    await until(() => world.sleepsFor(30 * 60_000));
    await world.pass(31 * 60_000);
    await until(() => world.sleepsFor(30 * 60_000));
    expect(running(world)).toBe(1);
    expect(world.fake.sessions).toHaveLength(1);
    await want(world, "stopped");
    await until(() => running(world) === 0);
    await want(world, "running");
    await begun(world, 2);
  });

  test("a profile that changed while the daemon was stopped counts at its start", async () => {
    const world = await startDaemon();
    await world.daemon.stop(0);
    world.daemon.services.journal.close();
    await want(world, "running");
    await world.begin();
    await begun(world, 1);
    await world.daemon.stop(0);
    world.daemon.services.journal.close();
    await want(world, "onDemand");
    await world.begin();
    expect(running(world)).toBe(0);
  });

  test("a daemon that was killed in the middle of a turn begins one process, which goes on with it", async () => {
    const world = await startDaemon();
    await want(world, "running");
    await begun(world, 1);
    const id = await world.say("Take your time.");
    await until(() => world.fake.latest().isWorking);
    await world.crash();
    await until(() => world.fake.sessions.at(-1)?.isWorking === true);
    expect(world.fake.latest().task.origin).toMatchObject({ how: "resume", continueTurn: true });
    expect(running(world)).toBe(1);
    world.fake.latest().turn.finish("Done.");
    await until(async () => (await world.run(id)).status === "ended");
    expect(running(world)).toBe(1);
  });

  test("a process that fails begins again, until it did so more often than the profile allows in an hour; a message starts it", async () => {
    const world = await startDaemon({ provider: { script: echo } });
    await want(world, "running", { policy: "onFailure", maxPerHour: 2 });
    for (const count of [1, 2, 3]) {
      await begun(world, count);
      await until(() => isReported(world, "idle"));
      world.fake.latest().crash({ code: 3, stderr: "No more memory." });
    }
    await settled(world);
    await until(async () => (await told(world)).length === 1);
    expect((await told(world))[0].body).toContain(
      "3 ends in an hour, and 2 starts are allowed. The last one: The CLI ended with code 3: No more memory.",
    );
    await world.restart();
    expect(running(world)).toBe(0);
    await world.say("one");
    await until(async () => (await world.answers()).length === 1);
    await world.pass(60_000);
    await until(() => world.sleepsFor(60_000));
    world.fake.latest().crash();
    await begun(world, 5);
    expect(await told(world)).toHaveLength(1);
  });

  test("a process that ended well begins again by policy always alone, and one that a person killed stays ended", async () => {
    const world = await startDaemon();
    await want(world, "running", { policy: "always" });
    await begun(world, 1);
    world.fake.latest().crash({ code: 0 });
    await begun(world, 2);
    await want(world, "running", { policy: "onFailure" });
    await until(() => world.daemon.services.journal.fact("profiles")?.includes("onFailure") === true);
    world.fake.latest().crash({ code: 0 });
    await settled(world);
    await command(world, { do: "spawn", provider: "fake" });
    await begun(world, 3);
    await until(() => isReported(world, "idle"));
    const { body } = await world.relay.ask("GET", "/v1/sessions?live=true");
    await command(world, { do: "kill", sessionId: body.items[0].id });
    await until(() => world.log.includes(`${AGENT} stays stopped: A person ended it.`));
    expect(running(world)).toBe(0);
    await world.pass(1);
    await want(world, "running", { policy: "never" });
    await begun(world, 4);
    expect(await told(world)).toHaveLength(0);
  });

  test("a kept process makes room for work, and comes back when there is room", async () => {
    const world = await startDaemon({ config: { sessions: 1 } });
    await want(world, "running");
    await begun(world, 1);
    await until(() => isReported(world, "idle"));
    const { body } = await command(world, { do: "spawn", provider: "fake", prompt: "Beside.", background: true });
    await until(() => world.fake.sessions[1]?.isWorking === true);
    expect(world.fake.sessions[0]?.isRunning).toBe(false);
    const one = await world.relay.ask("GET", `/v1/delegations/${body.id}`);
    expect(one.status).toBe(200);
    await world.fake.sessions[1]?.close();
    await begun(world, 3);
  });
});

import { describe, expect, test } from "bun:test";
import { AGENT, type DaemonSetup, startDaemon, type TestDaemon, until } from "../support/daemon.ts";

const works = (world: TestDaemon, at = 0) => until(() => world.fake.sessions[at]?.isWorking === true);
const session = async (world: TestDaemon) => (await world.relay.ask("GET", "/v1/sessions")).body.items.at(-1);
const told = async (world: TestDaemon) =>
  (await world.relay.ask("GET", "/v1/messages?to=user&limit=100")).body.items.filter(
    ({ subject }: { subject: string | null }) => subject === "box-fake is stuck",
  );

const RESULT = {
  ...{ outcome: "ok" as const, errorCode: null, error: null, text: "Fixed.", structured: undefined },
  ...{ inputIds: [], moreFollow: true, durationMs: 1 },
};

/** A process that does nothing. */
const IDLE = { pid: 1, ticks: 0, ageMs: 600_000, below: [] };

/** Lets time pass in looks of the watch. */
async function looks(world: TestDaemon, count: number) {
  for (let at = 0; at < count; at++) {
    await world.pass(13_000);
    await until(() => world.sleepsFor(13_000));
  }
}

async function working(setup: DaemonSetup = {}) {
  const world = await startDaemon(setup);
  const id = await world.say("Fix the login.");
  await works(world);
  return { world, id };
}

describe("stuck sessions", () => {
  test("a CLI that took its prompt and says nothing for a minute is stuck, and told of once", async () => {
    const { world } = await working();
    await looks(world, 3);
    expect((await session(world)).state).toBe("working");
    await looks(world, 4);
    await until(async () => (await told(world)).length === 1);
    expect(await session(world)).toMatchObject({
      state: "stuck",
      reason: expect.stringContaining("No sign for"),
      evidence: { hasSpoken: false, process: { idle: true, children: 0 } },
    });
    await looks(world, 3);
    expect(await told(world)).toHaveLength(1);
  });

  test("a late result of a stuck turn counts", async () => {
    const { world, id } = await working();
    await looks(world, 7);
    await until(async () => (await session(world)).state === "stuck");
    world.fake.latest().turn.finish("Fixed.");
    await until(async () => (await world.run(id)).status === "ended");
    expect((await world.run(id)).outcome).toBe("ok");
    await until(async () => (await session(world)).state === "idle");
  });

  test("silence alone is not enough: a process that works, a tool, and a question are no stall", async () => {
    const { world } = await working();
    let ticks = 0;
    world.effort = () => {
      ticks += 100;
      return { ...IDLE, ticks };
    };
    await looks(world, 8);
    expect((await session(world)).state).toBe("working");
    world.effort = () => IDLE;
    world.fake.latest().turn.tell({ type: "tool", phase: "start", id: "t", name: "bash", args: {} });
    await looks(world, 8);
    expect((await session(world)).state).toBe("working");
  });

  test("silence alone is not enough: servers that the CLI keeps do not count, a process of the turn and one that works do, and where none is seen nothing is stuck", async () => {
    const { world } = await working();
    const state = async () => (await session(world)).state;
    let at = 0;
    const below = (ageMs: number, ticks = 0) => [{ pid: 2, ticks, ageMs }];
    world.effort = () => ({ ...IDLE, below: below(13_000 * at++) });
    await looks(world, 8);
    expect(await state()).toBe("working");
    world.effort = () => ({ ...IDLE, below: below(599_000, 10 * at++) });
    await looks(world, 8);
    expect(await state()).toBe("working");
    world.effort = () => undefined;
    await looks(world, 8);
    expect(await state()).toBe("working");
    world.effort = () => ({ ...IDLE, below: below(599_000) });
    await looks(world, 8);
    await until(async () => (await state()) === "stuck");
    expect((await session(world)).evidence).toMatchObject({ process: { idle: true, children: 1 } });
  });

  test("steps of the configuration are taken at their times", async () => {
    const onStuck = [
      { do: "nudge" as const, afterSeconds: 30 },
      { do: "interrupt" as const, afterSeconds: 120 },
    ];
    const { world, id } = await working({ config: { onStuck } });
    await looks(world, 9);
    await until(() => world.fake.sessions[0]?.inputs.length === 2);
    expect(world.fake.sessions[0]?.inputs[1]?.text).toContain("still there");
    await looks(world, 10);
    await until(async () => (await world.run(id)).status === "ended");
    expect((await world.run(id)).outcome).toBe("aborted");
    expect(await told(world)).toHaveLength(0);
  });

  test("steps of the agent's profile go first, and a restart begins the turn again once, saying so", async () => {
    const { world, id } = await working();
    const agents = [{ agentId: AGENT, orchestratorId: "box", desired: "onDemand" }];
    const onStuck = [{ do: "restart", afterSeconds: 10 }];
    await world.relay.ask("PUT", "/v1/profiles/writer", { provider: "fake", agents, onStuck });
    await until(() => world.daemon.services.journal.fact("profiles")?.includes("writer") === true);
    await looks(world, 8);
    await until(() => world.fake.sessions[1]?.inputs.length === 1);
    expect(world.fake.sessions[0]?.isRunning).toBe(false);
    expect(world.fake.sessions[1]?.task.origin).toMatchObject({ how: "resume", continueTurn: false });
    expect(world.fake.sessions[1]?.inputs[0]?.text).toMatch(/You begin the work below again[\s\S]*\| Fix the login\./);
    await until(async () => (await world.answers()).length === 1);
    expect((await world.answers())[0]?.body).toBe(
      "My program gave no sign and was ended. I begin this again. A tool that ran may run twice.",
    );
    expect((await world.run(id)).status).toBe("running");
    await looks(world, 9);
    await until(async () => (await world.run(id)).status === "ended");
    expect((await world.run(id)).outcome).toBe("aborted");
    expect(world.fake.sessions).toHaveLength(2);
    expect(await told(world)).toHaveLength(0);
  });

  test("a restart of a turn that has begun again goes on after a crash of the daemon, and does not begin a third time", async () => {
    const { world, id } = await working({ config: { onStuck: [{ do: "restart", afterSeconds: 10 }] } });
    await looks(world, 8);
    await until(() => world.fake.sessions[1]?.isWorking === true);
    await world.crash();
    await until(() => world.fake.sessions[2]?.isWorking === true);
    await until(() => world.sleepsFor(13_000));
    await looks(world, 9);
    await until(async () => (await world.run(id)).status === "ended");
    expect(world.fake.sessions).toHaveLength(3);
  });
});

describe("turns that take long", () => {
  test("a CLI that gave a result and does not end its turn is ended, and what it said is the answer", async () => {
    const { world, id } = await working();
    const [first] = world.fake.sessions;
    first?.tell({ type: "result", result: RESULT });
    await looks(world, 5);
    await until(async () => (await world.run(id)).status === "ended");
    expect((await world.answers()).map(({ body }) => body)).toEqual(["Fixed."]);
    expect(first?.isRunning).toBe(false);
    expect(await session(world)).toMatchObject({ reason: expect.stringContaining("did not end") });
    await world.say("And the logout.");
    await works(world, 1);
    expect(world.fake.sessions[1]?.task.origin).toMatchObject({ how: "resume" });
  });

  test("a long turn is looked at every five minutes, and says what was seen until its end", async () => {
    const { world } = await working();
    world.fake.latest().turn.tell({ type: "tool", phase: "start", id: "t", name: "bash", args: {} });
    await looks(world, 24);
    await until(async () => (await session(world)).evidence !== null);
    expect((await session(world)).evidence).toMatchObject({ runsTools: 1, process: { children: 0 } });
    expect((await session(world)).evidence.workingSeconds).toBeGreaterThanOrEqual(300);
    expect((await session(world)).state).toBe("working");
    world.fake.latest().turn.finish("Fixed.");
    await until(async () => (await session(world)).evidence === null);
  });
});

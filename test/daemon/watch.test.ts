import { describe, expect, test } from "bun:test";
import { type DaemonSetup, startDaemon, type TestDaemon, until } from "../support/daemon.ts";

const works = (world: TestDaemon, at = 0) => until(() => world.fake.sessions[at]?.isWorking === true);
const session = async (world: TestDaemon) => (await world.relay.ask("GET", "/v1/sessions")).body.items.at(-1);
const told = async (world: TestDaemon) =>
  (await world.relay.ask("GET", "/v1/messages?to=user&limit=100")).body.items.filter(
    ({ subject }: { subject: string | null }) => subject === "box-fake is stuck",
  );

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
      return { ticks, children: 0 };
    };
    await looks(world, 8);
    expect((await session(world)).state).toBe("working");
    world.effort = () => ({ ticks: 0, children: 0 });
    world.fake.latest().turn.tell({ type: "tool", phase: "start", id: "t", name: "bash", args: {} });
    await looks(world, 8);
    expect((await session(world)).state).toBe("working");
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
});

import { describe, expect, test } from "bun:test";
import { startDaemon, until } from "../support/daemon.ts";

type World = Awaited<ReturnType<typeof startDaemon>>;

const bodies = async (world: World) => (await world.answers()).map(({ body }) => body);

/** Waits until the CLI works, and ends it in the middle. */
async function crashMidTurn(world: World, count: number): Promise<void> {
  await until(() => world.fake.sessions.length === count && world.fake.sessions[count - 1]?.isWorking === true);
  world.fake.sessions[count - 1]?.crash();
}

describe("a CLI that crashes in the middle of a turn", () => {
  test("a CLI that crashes in the middle of a turn goes on with it once, in its session, and the person is told", async () => {
    const world = await startDaemon();
    const id = await world.say("Take your time.");
    await crashMidTurn(world, 1);
    await until(() => world.fake.sessions[1]?.isWorking === true);
    expect(world.fake.sessions[1]?.task.origin).toMatchObject({ how: "resume", continueTurn: true });
    world.fake.latest().turn.finish("Done.");
    await until(async () => (await world.answers()).length === 2);
    expect((await bodies(world)).toSorted()).toEqual([
      "Done.",
      "My program crashed in the middle of this. I go on once more. A tool that ran may run twice.",
    ]);
    expect((await world.run(id)).outcome).toBe("ok");
  });

  test("a CLI that crashes before it has its first prompt gets it after all", async () => {
    const world = await startDaemon({ provider: { continueTurn: false } });
    world.lag = ({ method, path, isAnswered }) => {
      const [first] = world.fake.sessions;
      if (isAnswered && method === "PUT" && path.startsWith("/v1/sessions/")) first?.crash();
    };
    const id = await world.say("Take your time.");
    await until(() => world.fake.sessions[1]?.isWorking === true);
    expect(world.fake.sessions[0]?.inputs).toEqual([]);
    world.fake.latest().turn.finish("Done.");
    await until(async () => (await world.run(id)).status === "ended");
    expect((await world.run(id)).outcome).toBe("ok");
  });

  test("a CLI that crashes in the middle of a turn gets the prompt again where it cannot go on by itself", async () => {
    const world = await startDaemon({ provider: { continueTurn: false } });
    await world.say("Take your time.");
    await crashMidTurn(world, 1);
    await until(() => world.fake.sessions[1]?.inputs.length === 1);
    expect(world.fake.sessions[1]?.inputs[0]?.text).toContain("| Take your time.");
  });

  test("a CLI that crashes in the middle of a turn ends the turn with its error the second time", async () => {
    const world = await startDaemon();
    const id = await world.say("Take your time.");
    await crashMidTurn(world, 1);
    await crashMidTurn(world, 2);
    await until(async () => (await world.run(id)).status === "ended");
    expect(await world.run(id)).toMatchObject({ outcome: "error", errorCode: "crashed" });
    expect(world.fake.sessions).toHaveLength(2);
  });

  test("a CLI that crashes in the middle of a turn is not begun again after three crashes in ten minutes, and is later", async () => {
    const world = await startDaemon();
    const first = await world.say("one");
    await crashMidTurn(world, 1);
    await crashMidTurn(world, 2);
    await until(async () => (await world.run(first)).status === "ended");
    const second = await world.say("two");
    await crashMidTurn(world, 3);
    await until(async () => (await world.run(second)).status === "ended");
    expect(world.fake.sessions).toHaveLength(3);
    expect(world.log.join("\n")).toContain("has crashed 3 times in 10 minutes");
    await world.pass(601_000);
    await world.say("three");
    await crashMidTurn(world, 4);
    await until(() => world.fake.sessions.length === 5);
  });

  test("a CLI that crashes in the middle of a turn ends the turn where the configuration gives interrupted turns back", async () => {
    const world = await startDaemon({ config: { onInterrupt: "give-back" } });
    const id = await world.say("Take your time.");
    await crashMidTurn(world, 1);
    await until(async () => (await world.run(id)).status === "ended");
    expect(await world.run(id)).toMatchObject({ outcome: "error", errorCode: "crashed" });
    expect(world.fake.sessions).toHaveLength(1);
  });
});

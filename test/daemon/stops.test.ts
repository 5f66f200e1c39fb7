import { describe, expect, test } from "bun:test";
import { startDaemon, type TestDaemon, until } from "../support/daemon.ts";

/** A daemon whose CLI cannot end its turn, at work. */
async function working() {
  const world = await startDaemon({ provider: { interrupt: false } });
  const id = await world.say("Build all of it.");
  await until(() => world.fake.sessions[0]?.isWorking === true);
  return { world, id };
}

async function goesOn(world: TestDaemon): Promise<void> {
  await world.say("Are you there?");
  await until(() => world.fake.sessions[1]?.isWorking === true);
  expect(world.fake.latest().task).toMatchObject({
    ...{ sessionId: world.fake.sessions[0]?.task.sessionId, origin: { how: "resume" } },
  });
}

describe("a stop of a CLI that cannot end its turn", () => {
  test("an aborted run ends with its process, and the session goes on in another", async () => {
    const { world, id } = await working();
    await world.relay.ask("POST", `/v1/runs/${(await world.run(id)).id}/abort`, {});
    await until(async () => (await world.run(id)).status === "ended");
    expect(await world.run(id)).toMatchObject({ outcome: "aborted", confirmed: true });
    expect(world.fake.sessions[0]?.isRunning).toBe(false);
    await goesOn(world);
  });

  test("an interrupt ends its process, and is answered", async () => {
    const { world, id } = await working();
    const { sessionId } = await world.run(id);
    const path = "/v1/orchestrators/box/commands?waitSeconds=10";
    const { body } = await world.relay.ask("POST", path, { command: { do: "interrupt", sessionId } });
    expect(body.answer.text).toBe("build-all was stopped, and waits.");
    expect(world.fake.sessions[0]?.isRunning).toBe(false);
    await goesOn(world);
  });
});

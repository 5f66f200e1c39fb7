import { describe, expect, test } from "bun:test";
import { startDaemon, type TestDaemon, until } from "../support/daemon.ts";

const works = (world: TestDaemon, at = 0) => until(() => world.fake.sessions[at]?.isWorking === true);
const ends = (world: TestDaemon, id: number) => until(async () => (await world.run(id)).status === "ended");
const asks = async (world: TestDaemon) =>
  (await world.relay.ask("GET", "/v1/approvals")).body.items.filter(({ kind }: { kind: string }) => kind === "cap");
const told = async (world: TestDaemon) =>
  (await world.relay.ask("GET", "/v1/messages?to=user&limit=100")).body.items.filter(
    ({ subject }: { subject: string | null }) => subject === "Spending of box",
  );

async function answer(world: TestDaemon, option: string) {
  const [{ id, hash }] = await asks(world);
  const { status } = await world.relay.ask("POST", `/v1/approvals/${id}/answer`, { option, hash });
  expect(status).toBe(200);
}

/** A daemon with 10 $ a day, and a turn that has spent some of it. */
async function spent(amount: number) {
  const world = await startDaemon({ config: { costUsdPerDay: 10 } });
  const id = await world.say("Fix the login.");
  await works(world);
  world.fake.latest().turn.usage(10, 10, amount);
  return { world, id };
}

describe("money of a day", () => {
  test("at 80 percent the person is told once, with run, agent and who asked", async () => {
    const { world, id } = await spent(8);
    world.fake.latest().turn.usage(10, 10, 1);
    await until(async () => (await told(world)).length === 1);
    const { body } = (await told(world))[0];
    for (const part of ["8.00 $ of 10.00 $", (await world.run(id)).id, "box-fake", "asked for by user"])
      expect(body).toContain(part);
    world.fake.latest().turn.finish("Fixed.");
    await ends(world, id);
    expect(await told(world)).toHaveLength(1);
  });

  test("at the cap the turn is paused and a person is asked; with as much again it goes on", async () => {
    const { world, id } = await spent(10);
    await until(async () => (await asks(world)).length === 1);
    expect((await asks(world))[0].subject.text).toContain("the cap is 10.00 $");
    await until(() => world.fake.sessions[0]?.isRunning === false);
    const other = await world.say("Another.");
    await until(() => world.daemon.services.journal.position() >= other);
    await answer(world, "more");
    await works(world, 1);
    world.fake.latest().turn.finish("Fixed.");
    await ends(world, id);
    expect((await world.run(id)).outcome).toBe("ok");
    await until(async () => (await asks(world))[0].applied?.ok === true);
  });

  test("denied: its runs end refused, also after a crash of the daemon in between", async () => {
    const { world, id } = await spent(11);
    await until(async () => (await asks(world)).length === 1);
    await until(() => world.fake.sessions[0]?.isRunning === false);
    await world.crash({ costUsdPerDay: 10 });
    expect(world.fake.sessions).toHaveLength(1);
    await answer(world, "stop");
    await ends(world, id);
    expect(await world.run(id)).toMatchObject({ outcome: "error", errorCode: "refused" });
    expect(await asks(world)).toHaveLength(1);
  });
});

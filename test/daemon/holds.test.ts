import { describe, expect, test } from "bun:test";
import { startDaemon, type TestDaemon, until } from "../support/daemon.ts";

const HOUR_MS = 3_600_000;
const SESSIONS = 7;

async function startHolding() {
  const world = await startDaemon();
  const { relay, fake } = world;
  const { ask } = relay;
  return {
    ...{ world, fake },
    /** Starts sessions, each at work. */
    async work(count: number) {
      for (let n = 0; n < count; n++) {
        const command = { do: "spawn", provider: "fake", prompt: `Count shelf ${n}`, sessionKey: `shelf-${n}` };
        await ask("POST", "/v1/orchestrators/box/commands", { command });
      }
      await until(() => fake.sessions.filter(({ isWorking }) => isWorking).length === count);
    },
    async hold(scope: unknown = "all"): Promise<string> {
      const { body } = await ask("POST", "/v1/holds", { scope, reason: "Look." });
      return body.id;
    },
    lift: (id: string) => ask("DELETE", `/v1/holds/${id}`),
    seen: async (id: string): Promise<string[]> =>
      (await ask("GET", `/v1/holds/${id}`)).body.sessions.map(({ seen }: { seen: string }) => seen),
    /** Sessions that run. */
    running: () => fake.sessions.filter(({ isRunning }) => isRunning),
  };
}

/** Lets time pass, in which held work would begin. */
async function wait(world: TestDaemon) {
  for (let n = 0; n < 5; n++) await world.pass(1_000);
  await world.relay.relay.settle();
}

describe("G7: holds and restarts", () => {
  test("G7: a hold made before, during or after a restart holds everything until the last one is lifted; then all goes on once, in steps", async () => {
    const { world, fake, work, hold, lift, seen, running } = await startHolding();
    await work(SESSIONS);
    const before = await hold();
    await until(async () => (await seen(before)).every((one) => one === "interrupted"));
    expect(await seen(before)).toHaveLength(SESSIONS);
    const asked = await world.say("And the cellar?");

    world.daemon.abandon();
    const during = await hold({ orchestratorId: "box" });
    await world.relay.restart();
    await world.begin();
    const after = await hold();
    await until(() => world.daemon.services.journal.position() >= asked);
    for (const id of [before, during]) {
      await wait(world);
      expect(running()).toEqual([]);
      await lift(id);
    }
    await wait(world);
    await world.crash();
    await wait(world);
    expect([running().length, await world.answers()]).toEqual([0, []]);

    await lift(after);
    await world.relay.restart();
    await world.pass(0);
    await until(() => running().length >= 5);
    expect(running().filter(({ task }) => task.origin.how === "resume")).toHaveLength(5);
    await world.pass(1_000);
    await until(() => running().length >= SESSIONS);
    for (let n = 0; n < 10 && running().length < SESSIONS + 1; n++) await wait(world);
    for (const session of running()) session.turn.finish("Counted.");
    await until(async () => (await world.answers()).length > SESSIONS);
    await wait(world);
    expect(fake.sessions).toHaveLength(2 * SESSIONS + 1);
    expect(await world.answers()).toHaveLength(SESSIONS + 1);
  });

  test("G7: a daemon that was away for long after a hold was lifted goes on", async () => {
    const { world, work, hold, lift, seen, running } = await startHolding();
    await work(1);
    const held = await hold();
    await until(async () => (await seen(held))[0] === "interrupted");
    world.daemon.abandon();
    await lift(held);
    await world.sleep(8 * 24 * HOUR_MS);
    await world.begin();
    await until(() => running().length === 1);
  });
});

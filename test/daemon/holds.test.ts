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

    const resumed = () => running().filter(({ task }) => task.origin.how === "resume");
    await lift(after);
    await world.relay.restart();
    await world.pass(0);
    await until(() => {
      // Each of its tries to reach the relay waits for longer.
      if (world.log.at(-1)?.startsWith("The relay is away")) world.passHere(1_000);
      return resumed().length >= 5;
    });
    expect(resumed()).toHaveLength(5);
    await world.pass(1_000);
    await until(() => resumed().length >= SESSIONS);
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

  test("G7: a lift that comes while its hold still stops a turn is not lost", async () => {
    const { world, fake, work, hold, lift, running } = await startHolding();
    await work(1);
    const closing = Promise.withResolvers<void>();
    let closes = 0;
    fake.closing = () => {
      closes++;
      return closing.promise;
    };
    const held = await hold();
    await until(() => closes > 0);
    await lift(held);
    await world.pass(0);
    await until(() => world.daemon.services.journal.fact("holds") === "{}");
    closing.resolve();
    await until(() => fake.sessions.length === 2 && running()[0]?.isWorking === true);
    expect(running()[0]?.task.origin).toMatchObject({ how: "resume", continueTurn: true });
  });

  test("G7: a hold that meets a turn at its start stops it, and after the lift it begins in its place", async () => {
    const { world, fake, hold, lift, seen, running } = await startHolding();
    const asked = Promise.withResolvers<void>();
    const mayAsk = Promise.withResolvers<void>();
    world.lag = async ({ method, path, isAnswered }) => {
      if (isAnswered || method !== "POST" || path !== "/v1/runs") return;
      asked.resolve();
      await mayAsk.promise;
    };
    const first = await world.say("one");
    await asked.promise;
    const second = await world.say("two");
    const held = await hold();
    mayAsk.resolve();
    await until(async () => (await seen(held))[0] === "interrupted");
    expect(fake.sessions).toEqual([]);
    await lift(held);
    await world.pass(0);
    await until(() => running()[0]?.isWorking === true);
    expect(fake.sessions[0]?.turn.text).toContain("| one");
    fake.sessions[0]?.turn.finish("1");
    await until(async () => (await world.answers()).length === 1);
    await until(() => fake.sessions[0]?.isWorking === true);
    fake.sessions[0]?.turn.finish("2");
    await until(async () => (await world.answers()).length === 2);
    expect((await world.answers()).map(({ replyTo }) => replyTo)).toEqual([first, second]);
  });

  test("a turn that is held over and over is no worse off for it, and a person may still stop it", async () => {
    const { world, work, hold, lift, seen, running } = await startHolding();
    await work(1);
    for (let n = 0; n < 4; n++) {
      const held = await hold();
      await until(async () => (await seen(held))[0] === "interrupted");
      expect(running()).toEqual([]);
      await lift(held);
      await world.pass(0);
      await until(() => running()[0]?.isWorking === true);
    }
    const sessionId = running()[0]?.task.sessionId;
    const last = await hold();
    await until(async () => (await seen(last))[0] === "interrupted");
    const command = { do: "interrupt", sessionId };
    await world.relay.ask("POST", "/v1/orchestrators/box/commands?waitSeconds=20", { command });
    const runs = async () => (await world.relay.ask("GET", "/v1/runs")).body.items;
    await until(async () => (await runs())[0].status === "ended");
    expect((await runs())[0]).toMatchObject({ outcome: "aborted" });
    await lift(last);
    await wait(world);
    expect(running()).toEqual([]);
  });

  test("G7: a hold that was lifted before its daemon was killed does not come back", async () => {
    const { world, fake, work, hold, lift, running } = await startHolding();
    await work(1);
    let closes = 0;
    fake.closing = () => {
      closes++;
      return new Promise(() => undefined);
    };
    const held = await hold();
    await until(() => closes > 0);
    await lift(held);
    await world.pass(0);
    await until(() => world.daemon.services.journal.fact("holds") === "{}");
    fake.closing = null;
    await world.crash();
    await until(() => running()[0]?.isWorking === true);
  });
});

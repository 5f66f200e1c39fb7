import { describe, expect, test } from "bun:test";
import { startDaemon, until } from "../support/daemon.ts";

describe("two daemons of one orchestrator", () => {
  test("the newer one takes over: the older one ends its sessions, then itself", async () => {
    const world = await startDaemon();
    await world.say("one");
    await until(() => world.fake.sessions[0]?.isWorking === true);
    const older = world.daemon;
    world.journal = "other.db";
    const beginning = world.begin();
    expect((await older.ended)?.message).toContain("no longer takes this daemon");
    expect(world.fake.sessions[0]?.isRunning).toBe(false);
    await beginning;
    await world.say("two");
    await until(() => world.fake.sessions[1]?.inputs.length === 1);
  });

  test("the newer one waits while a process of the older one lives on this machine", async () => {
    const world = await startDaemon();
    await world.say("one");
    await until(() => world.fake.sessions[0]?.isWorking === true);
    const sessionId = world.fake.sessions[0]?.task.sessionId ?? "";
    world.daemon.abandon();
    world.marked = [{ sessionId, pid: 41, startTicks: 1, command: "agent" }];
    world.journal = "other.db";
    const beginning = world.begin();
    await until(() => world.log.includes("Waiting for 1 session of a former daemon to end"));
    world.marked = [];
    await world.pass(5_000);
    await beginning;
  });
});

describe("a hold", () => {
  const order = async (world: Awaited<ReturnType<typeof startDaemon>>, command: unknown) => {
    // The relay gives holds itself: here the journal gets one as its stream would bring it.
    const { journal } = world.daemon.services;
    const id = `dlg_${Math.random().toString(36).slice(2, 10)}`;
    journal.write(() => journal.commands.add(id, 1, { command: command as never }));
    world.daemon.runCommands();
    await until(() => ["done", "answered"].includes(journal.commands.get(id)?.state ?? ""));
    return journal.commands.get(id)?.result;
  };

  test("a hold stops what runs and lets nothing begin, also after a crash, until it is lifted", async () => {
    const world = await startDaemon();
    await world.say("one");
    await until(() => world.fake.sessions[0]?.isWorking === true);
    const { sessions } = (await order(world, { do: "hold", holdId: "hld_1", mode: "interrupt" })) ?? {};
    expect(sessions).toEqual([{ sessionId: world.fake.sessions[0]?.task.sessionId ?? "", seen: "interrupted" }]);
    expect(world.fake.sessions[0]?.isRunning).toBe(false);
    const id = await world.say("two");
    await until(() => world.daemon.services.journal.position() >= id);
    await world.crash();
    await world.pass(1_000);
    expect(world.fake.sessions).toHaveLength(1);
    await order(world, { do: "resume", holdId: "hld_1" });
    await until(() => world.fake.sessions[1]?.isWorking === true);
    expect(world.fake.latest().task.origin).toMatchObject({ how: "resume", continueTurn: true });
    expect(await world.answers()).toEqual([]);
    world.fake.latest().turn.finish("first");
    await until(async () => (await world.answers()).length === 1);
    await until(() => world.fake.latest().inputs.some(({ text }) => text.includes("| two")));
  });
});

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

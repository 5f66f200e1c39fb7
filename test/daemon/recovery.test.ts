import { describe, expect, test } from "bun:test";
import { turnOf } from "../../src/daemon/journal/turns.ts";
import { AGENT, startDaemon, until } from "../support/daemon.ts";

describe("a daemon whose journal was moved away", () => {
  test("G3: it does nothing again that was acknowledged, and everything that was not", async () => {
    const world = await startDaemon({ provider: { script: (turn) => turn.finish("Done.") } });
    const { ask } = world.relay;
    const command = { do: "spawn", provider: "fake", agentId: "box-seven", prompt: "Begin." };
    await ask("POST", "/v1/orchestrators/box/commands?waitSeconds=5", { command });
    await world.say("one");
    await world.say("two");
    const third = await world.say("three");
    await until(async () => (await world.answers()).length === 3);
    const cursors = async () => {
      const ids = [AGENT, "box-seven", "orchestrator-box"];
      const inboxes = await Promise.all(ids.map((id) => ask("GET", `/v1/agents/${id}/inbox?limit=1`)));
      return inboxes.map(({ body }) => body.cursor as number);
    };
    await until(async () => Math.min(...(await cursors())) >= third);
    const before = world.fake.sessions.flatMap(({ inputs }) => inputs).length;
    await world.daemon.stop(0);
    world.journal = "other.db";
    const fourth = await world.say("four");
    const seventh = await world.say("Go on.", { to: "box-seven" });
    await world.begin();
    await until(async () => (await world.answers()).some(({ replyTo }) => replyTo === fourth));
    await until(async () => (await world.run(seventh)).status === "ended");
    expect((await world.answers()).map(({ replyTo }) => replyTo).slice(3)).toEqual([fourth]);
    const inputs = world.fake.sessions.flatMap((session) => session.inputs).slice(before);
    expect(inputs).toHaveLength(2);
    expect(world.log.join("\n")).not.toContain("was refused");
  });
});

describe("a daemon that was killed", () => {
  test("a turn that was cut off goes on once, and is answered once", async () => {
    const world = await startDaemon();
    const id = await world.say("Take your time.");
    await until(() => world.fake.sessions[0]?.isWorking === true);
    await world.crash();
    await until(() => world.fake.sessions.length === 2);
    const again = world.fake.latest();
    expect(again.task.origin).toMatchObject({ how: "resume", continueTurn: true });
    await until(() => again.isWorking);
    again.turn.finish("Done.");
    await until(async () => (await world.answers()).length === 1);
    expect((await world.answers())[0]).toMatchObject({ body: "Done.", replyTo: id });
    await until(async () => (await world.run(id)).status === "ended");
    await world.crash();
    expect(await world.answers()).toHaveLength(1);
    expect(world.fake.sessions).toHaveLength(2);
  });

  test("a session that a command opens too goes on with its turn, in one process", async () => {
    const world = await startDaemon();
    const id = await world.say("Take your time.");
    await until(() => world.fake.sessions[0]?.isWorking === true);
    world.daemon.abandon();
    const command = { do: "spawn", provider: "fake" };
    const { body } = await world.relay.ask("POST", "/v1/orchestrators/box/commands", { command });
    await world.crash();
    await until(async () => (await world.relay.ask("GET", `/v1/delegations/${body.id}`)).body.status === "answered");
    await until(() => world.fake.sessions.at(-1)?.isWorking === true);
    expect(world.fake.latest().task.origin).toMatchObject({ how: "resume", continueTurn: true });
    expect(world.fake.sessions.filter(({ isRunning }) => isRunning)).toHaveLength(1);
    world.fake.latest().turn.finish("Done.");
    await until(async () => (await world.run(id)).status === "ended");
  });

  test("a CLI that died before it had stored its turn gets the prompt again", async () => {
    const world = await startDaemon();
    const id = await world.say("Take your time.");
    await until(() => world.fake.sessions[0]?.isWorking === true);
    world.fake.interrupted.clear();
    await world.crash();
    await until(() => world.sleepsFor(15_000));
    expect(world.fake.sessions[1]?.inputs).toEqual([]);
    await world.pass(15_000);
    await until(() => world.fake.sessions[1]?.isWorking === true);
    const again = world.fake.sessions[1]?.inputs[0];
    expect(again?.text).toContain("| Take your time.");
    expect(again?.id).not.toBe(world.fake.sessions[0]?.inputs[0]?.id);
    world.fake.latest().turn.finish("Done.");
    await until(async () => (await world.answers()).length === 1);
    expect((await world.answers())[0]).toMatchObject({ body: "Done.", replyTo: id });
  });

  test("a turn is given back where the configuration says so", async () => {
    const world = await startDaemon({ config: { onInterrupt: "give-back" } });
    const id = await world.say("Take your time.");
    await until(() => world.fake.sessions[0]?.isWorking === true);
    await world.crash();
    await until(async () => (await world.run(id)).status === "ended");
    expect(await world.run(id)).toMatchObject({ outcome: "error", errorCode: "lost" });
    await until(async () => (await world.answers()).length === 1);
    expect((await world.answers())[0]?.body).toBe("[Error] The daemon was stopped in the middle of it.");
    expect(world.fake.sessions).toHaveLength(1);
  });

  test("a message and a spawn say by themselves whether they are given back or go on", async () => {
    const world = await startDaemon();
    const eve = await world.relay.agent("eve");
    const back = await world.say("Deploy.", { meta: { onInterrupt: "give-back" } });
    const { body } = await world.relay.ask("POST", "/v1/messages", { to: AGENT, body: "Count." }, eve);
    const command = { do: "spawn", provider: "fake", prompt: "Write.", background: true, onInterrupt: "continue" };
    await world.relay.ask("POST", "/v1/orchestrators/box/commands", { command });
    const working = () => world.fake.sessions.filter(({ isWorking }) => isWorking).length;
    await until(() => working() === 3);
    await world.crash();
    await until(async () => (await world.run(back)).errorCode === "lost");
    await until(() => working() === 2);
    await world.crash({ onInterrupt: "give-back" });
    await until(async () => (await world.run(body.id)).errorCode === "lost");
    await until(() => working() === 1);
    expect(world.fake.latest().turn.text).toContain("| Write.");
    expect(world.fake.sessions).toHaveLength(6);
  });

  test("a CLI that cannot go on gets the prompt again in its session", async () => {
    const world = await startDaemon({ provider: { continueTurn: false } });
    await world.say("Take your time.");
    await until(() => world.fake.sessions[0]?.isWorking === true);
    await world.crash();
    await until(() => world.fake.sessions[1]?.inputs.length === 1);
    expect(world.fake.sessions[1]?.task.origin).toMatchObject({ how: "resume", continueTurn: false });
    expect(world.fake.sessions[1]?.inputs[0]?.text).toContain("| Take your time.");
  });

  test("a result that was stored while the relay was away is handed over after the crash, once", async () => {
    const world = await startDaemon();
    await world.say("one");
    await until(() => world.fake.sessions[0]?.isWorking === true);
    world.away = true;
    world.fake.latest().turn.finish("The result.");
    await until(() => world.daemon.services.journal.turns.open()[0]?.state === "ended");
    world.daemon.abandon();
    world.away = false;
    await world.crash();
    await until(async () => (await world.answers()).length === 1);
    expect((await world.answers())[0]?.body).toBe("The result.");
  });

  test("messages that came while the daemon was away are worked on in order", async () => {
    const world = await startDaemon();
    await world.daemon.stop(0);
    world.daemon.services.journal.close();
    await world.say("one");
    await world.say("two");
    await world.begin();
    await until(() => world.fake.sessions[0]?.inputs.length === 1);
    expect(world.fake.sessions[0]?.inputs[0]?.text).toContain("| one");
    world.fake.latest().turn.finish("first");
    await until(() => world.fake.sessions[0]?.inputs.length === 2);
  });

  test("G13: processes that dead sessions left are ended at the start, and those of others reported alone", async () => {
    const world = await startDaemon();
    await world.say("one");
    await until(() => world.fake.sessions[0]?.isWorking === true);
    const own = world.fake.sessions[0]?.task.sessionId ?? "";
    world.marked = [
      { sessionId: own, pid: 41, startTicks: 1, command: "sleep" },
      { sessionId: "ses_stranger", pid: 42, startTicks: 1, command: "sleep" },
    ];
    await world.crash();
    expect(world.marked.map(({ pid }) => pid)).toEqual([42]);
    expect(world.log).toContain(`Ended 1 process that session ${own} left`);
    expect(world.log.join("\n")).toContain("Processes of session ses_stranger run here");
  });

  test("a second daemon does not start on the same journal", async () => {
    const world = await startDaemon();
    await expect(world.begin()).rejects.toThrow(`A daemon (process ${process.pid}) works with`);
  });

  test("a stop lets a turn end in its time, and then no lease is left", async () => {
    const world = await startDaemon();
    const id = await world.say("one");
    await until(() => world.fake.sessions[0]?.isWorking === true);
    const stopping = world.daemon.stop(60_000);
    await world.say("two");
    world.fake.latest().turn.finish("in time");
    await stopping;
    expect((await world.answers()).map(({ body }) => body)).toEqual(["in time"]);
    expect((await world.run(id)).outcome).toBe("ok");
    const { body } = await world.relay.ask("GET", "/v1/sessions");
    expect(body.items.map(({ lease }: { lease: unknown }) => lease)).toEqual([null]);
    const { body: box } = await world.relay.ask("GET", "/v1/orchestrators/box");
    expect(box.status).toBe("offline");
  });
});

describe("work that nothing works on", () => {
  test("open work that nothing works on goes on after two looks", async () => {
    const world = await startDaemon();
    const plan = { task: "Look at the tests.", lane: "main" as const };
    const turn = turnOf({ agentId: AGENT, sessionKey: "main", kind: "spawn", plan }, Date.now());
    world.daemon.services.journal.turns.save(turn);
    for (let looks = 0; looks < 2; looks++) {
      expect(world.fake.sessions).toHaveLength(0);
      await world.pass(60_000);
      await until(() => world.sleepsFor(60_000));
    }
    await until(() => world.fake.sessions[0]?.isWorking === true);
    expect(world.log).toContain(`Turn ${turn.id} was open, and nothing worked on it`);
  });

  test("work of a provider that the configuration has no more is given back, and the daemon starts", async () => {
    const world = await startDaemon();
    const id = await world.say("Take your time.");
    await until(() => world.fake.sessions[0]?.isWorking === true);
    const { journal } = world.daemon.services;
    for (const row of journal.sessions.live()) journal.sessions.save({ ...row, provider: "gone" });
    journal.agents.put({ id: "box-old", provider: "gone" });
    const plan = { task: "Old work.", lane: "main" as const };
    const old = turnOf({ agentId: "box-old", sessionKey: "main", kind: "spawn", plan }, Date.now());
    journal.turns.save(old);
    await world.crash();
    await until(() => world.daemon.services.journal.turns.get(old.id)?.state === "done");
    await until(async () => (await world.run(id)).status === "ended");
    await until(async () => (await world.answers()).length === 1);
    expect((await world.answers())[0]?.body).toContain("No provider is called gone. Its configuration has fake.");
  });
});

describe("a CLI that ended unseen", () => {
  test("the next turn gets a new process, and no failure", async () => {
    const world = await startDaemon();
    await world.say("one");
    await until(() => world.fake.sessions[0]?.isWorking === true);
    const [first] = world.fake.sessions;
    first?.turn.finish("first");
    await until(async () => (await world.answers()).length === 1);
    // The end is told once nothing of the process is left.
    const swept = first?.dieSlowly();
    const two = await world.say("two");
    await until(async () => (await world.run(two)).status === "running");
    swept?.();
    await until(() => world.fake.sessions[1]?.isWorking === true);
    world.fake.latest().turn.finish("second");
    await until(async () => (await world.answers()).length === 2);
    expect((await world.answers()).map(({ body }) => body)).toEqual(["first", "second"]);
    expect(world.fake.sessions[1]?.task.origin).toMatchObject({ how: "resume" });
  });
});

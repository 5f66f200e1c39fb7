import { describe, expect, test } from "bun:test";
import { HarnessError } from "../../src/harness/errors.ts";
import { answerTexts as bodies, sessionAt as session, startDaemon, type TestDaemon, until } from "../support/daemon.ts";

const isRead = (world: TestDaemon, id: number) => until(() => world.daemon.services.journal.position() >= id);

describe("main sessions of a place", () => {
  test("no main session: a new one", async () => {
    const world = await startDaemon();
    await world.say("one");
    expect((await session(world, 0)).task.origin.how).toBe("new");
    const seen = async () => (await world.relay.ask("GET", "/v1/sessions")).body.items[0];
    await until(async () => (await seen()).state === "working");
    expect(await seen()).toMatchObject({ agentId: "box-fake", lane: "main", place: "user", name: "one" });
  });

  test("an idle one: goes on, also when its process was retired", async () => {
    const world = await startDaemon();
    await world.say("one");
    (await session(world, 0)).turn.finish("first");
    await until(async () => (await bodies(world)).length === 1);
    await world.say("two");
    (await session(world, 0, 2)).turn.finish("second");
    await until(async () => (await bodies(world)).length === 2);
    await world.pass(31 * 60_000);
    await until(() => !world.daemon.live.isLive(world.fake.sessions[0]?.task.sessionId ?? ""));
    await world.say("three");
    expect((await session(world, 1)).task.origin).toMatchObject({ how: "resume" });
    expect(world.fake.sessions[1]?.task.sessionId).toBe(world.fake.sessions[0]?.task.sessionId ?? "");
  });

  test("a busy one that ends in time: its answer first, then the next message", async () => {
    const world = await startDaemon();
    await world.say("one");
    const main = await session(world, 0);
    await isRead(world, await world.say("two"));
    await world.pass(50_000);
    expect(world.fake.sessions).toHaveLength(1);
    main.turn.finish("first");
    (await session(world, 0, 2)).turn.finish("second");
    await until(async () => (await bodies(world)).length === 2);
    expect(await bodies(world)).toEqual(["first", "second"]);
    expect(world.fake.sessions).toHaveLength(1);
  });

  test("a busy one that does not end in time steps aside: a copy answers, with a note", async () => {
    const world = await startDaemon();
    const first = await world.say("Build all of it.");
    const main = await session(world, 0);
    await isRead(world, await world.say("two"));
    await world.pass(60_000);
    const copy = await session(world, 1);
    expect(copy.task.origin).toMatchObject({ how: "fork", nativeId: main.nativeId as string, ephemeral: false });
    expect(copy.inputs[0]?.text).toContain('Your work "build-all" takes longer');
    await until(async () => {
      const { body } = await world.relay.ask("GET", "/v1/sessions?lane=background");
      return body.items[0]?.id === main.task.sessionId;
    });
    copy.turn.finish("second");
    await until(async () => (await bodies(world)).length === 1);
    // Nothing was said since but the answer: the result goes to its person directly.
    main.turn.finish("built");
    await until(async () => (await bodies(world)).length === 2);
    expect((await world.answers()).at(-1)).toMatchObject({ body: "built", replyTo: first });
    await world.say("three");
    await session(world, 1, 2);
    expect(world.fake.sessions).toHaveLength(2);
  });

  test("a copy of a busy one has no half of a turn: it begins where the last one ended, and is told what goes on beside", async () => {
    const world = await startDaemon();
    await world.say("Remember the number 7.");
    (await session(world, 0)).turn.finish("Noted.");
    await until(async () => (await bodies(world)).length === 1);
    await world.say("Build | all of it.");
    const main = await session(world, 0, 2);
    await world.pass(61_000);
    await world.say("Which number?");
    const copy = await session(world, 1);
    expect(copy.task.origin).toMatchObject({ how: "fork", nativeId: main.nativeId as string, upTo: "2" });
    expect(world.fake.transcripts.get(copy.nativeId ?? "")?.map((text) => text.includes("Build"))).toEqual([
      ...[false, false, true],
    ]);
    expect(copy.inputs[0]?.text).toContain('Your work "build-all" takes longer');
    expect(copy.inputs[0]?.text).toContain("| Build | all of it.");
    copy.turn.finish("7");
    main.turn.finish("Built.");
    await until(async () => (await bodies(world)).length === 3);
    // An idle session is copied whole, and a CLI that does not know the place does so, too.
    world.fake.opening = ({ origin }) => {
      if (origin.how === "fork" && origin.upTo !== undefined) throw new HarnessError("problem", "No such message.");
    };
    await world.say("Once more.");
    await session(world, 1, 2);
    await world.pass(61_000);
    await world.say("And now?");
    const whole = await session(world, 2);
    expect(whole.task.origin).not.toHaveProperty("upTo");
    expect(world.log.join("\n")).toContain("is copied whole: No such message.");
  });

  test("a busy one beyond the threshold steps aside at once", async () => {
    const world = await startDaemon();
    await world.say("one");
    await session(world, 0);
    await world.pass(61_000);
    await world.say("two");
    expect((await session(world, 1)).task.origin.how).toBe("fork");
  });

  test("a result that came before the write is delivered as usual, and nothing steps aside", async () => {
    const world = await startDaemon();
    await world.say("one");
    const main = await session(world, 0);
    world.away = true;
    main.turn.finish("in time");
    await until(() => world.daemon.services.journal.turns.open()[0]?.state === "ended");
    world.away = false;
    const id = await world.say("two");
    await isRead(world, id);
    await world.pass(61_000);
    await session(world, 0, 2);
    expect(world.fake.sessions).toHaveLength(1);
    expect(await bodies(world)).toEqual(["in time"]);
  });

  test("a result after more was said is fed to the main session once, and its answer is not fed again", async () => {
    const world = await startDaemon();
    const first = await world.say("Build all of it.");
    const main = await session(world, 0);
    await isRead(world, await world.say("two"));
    await world.pass(60_000);
    const copy = await session(world, 1);
    copy.turn.finish("second");
    await until(async () => (await bodies(world)).length === 1);
    await world.say("three");
    (await session(world, 1, 2)).turn.finish("third");
    await until(async () => (await bodies(world)).length === 2);
    main.turn.finish("built it | [end 0]");
    const fed = await session(world, 1, 3);
    expect(fed.inputs[2]?.text).toContain('The background work "build-all" has ended.');
    expect(fed.inputs[2]?.text).toContain("| built it | (end 0]");
    await isRead(world, await world.say("four"));
    await world.pass(60_000);
    const next = await session(world, 2);
    next.turn.finish("fourth");
    fed.turn.finish("It is built.");
    await until(async () => (await bodies(world)).length === 4);
    expect((await world.answers()).find(({ body }) => body === "It is built.")).toMatchObject({ replyTo: first });
    expect(world.fake.sessions).toHaveLength(3);
  });

  test("a main session that stepped aside tells its failure directly, and says nothing where it has nothing to say", async () => {
    const world = await startDaemon();
    await world.say("one");
    const first = await session(world, 0);
    await world.pass(61_000);
    const two = await world.say("two");
    const second = await session(world, 1);
    await world.pass(61_000);
    await world.say("three");
    const third = await session(world, 2);
    expect(third.task.origin).toMatchObject({ how: "fork", nativeId: second.nativeId as string });
    third.turn.finish("third");
    await until(async () => (await bodies(world)).length === 1);
    first.turn.finish("", { structured: { action: "silent", actionReason: "nothing came of it" } });
    second.turn.fail("The disk is full.");
    await until(async () => (await bodies(world)).length === 2);
    expect((await world.answers()).at(-1)).toMatchObject({ body: "[Error] The disk is full.", replyTo: two });
    await until(() => world.daemon.turns.all().length === 0);
    await world.say("four");
    expect((await session(world, 2, 2)).inputs[1]?.text).toContain("| four");
    expect(world.fake.sessions).toHaveLength(3);
  });

  test("a main session that its CLI has not stored yet cannot be copied: the work beside begins anew, and says so", async () => {
    const world = await startDaemon();
    await world.say("Remember the number 7.");
    const main = await session(world, 0);
    await world.pass(61_000);
    const stored = world.fake.transcripts.get(main.nativeId ?? "") ?? [];
    world.fake.transcripts.clear();
    await world.say("Which number?");
    const fresh = await session(world, 1);
    expect(fresh.task.origin.how).toBe("new");
    expect(fresh.inputs[0]?.text).toContain('Your work "remember-number" takes longer');
    expect(fresh.inputs[0]?.text).toContain("This dialogue could not be copied, so you begin anew");
    expect(fresh.inputs[0]?.text).toContain("| Remember the number 7.");
    expect(await bodies(world)).toEqual([
      "The session could not be copied. This goes on in a new one, with the newest messages of this dialogue.",
    ]);
    world.fake.transcripts.set(main.nativeId ?? "", stored);
    expect(main.isRunning).toBe(true);
    main.turn.finish("Noted.");
    await until(async () => (await bodies(world)).includes("Noted."));
  });

  test("a CLI that cannot copy begins anew with the newest messages, and says so", async () => {
    const world = await startDaemon({ provider: { fork: false } });
    await world.say("Build all of it.");
    await session(world, 0);
    await isRead(world, await world.say("two"));
    await world.pass(60_000);
    const copy = await session(world, 1);
    expect(copy.task.origin.how).toBe("new");
    expect(copy.inputs[0]?.text).toContain("This CLI cannot copy a session");
    expect(copy.inputs[0]?.text).toContain("| Build all of it.");
  });

  test("a native session that is gone is replaced by one with a digest, and the person is told", async () => {
    const world = await startDaemon();
    await world.say("Remember the number 7.");
    (await session(world, 0)).turn.finish("Noted.");
    await until(async () => (await bodies(world)).length === 1);
    world.fake.sessions[0]?.crash();
    await until(() => !world.daemon.live.isLive(world.fake.sessions[0]?.task.sessionId ?? ""));
    world.fake.transcripts.clear();
    await world.say("Which number?");
    const fresh = await session(world, 1);
    expect(fresh.task.origin.how).toBe("new");
    expect(fresh.inputs[0]?.text).toContain("| Remember the number 7.");
    expect(fresh.inputs[0]?.text).toContain("| Noted.");
    fresh.turn.finish("7");
    await until(async () => (await bodies(world)).length === 3);
    expect(await bodies(world)).toContain(
      "The former session was lost. I go on in a new one, with the newest messages of this dialogue.",
    );
  });

  test("places are apart: a thread of another agent has a session of its own", async () => {
    const world = await startDaemon();
    const eve = await world.relay.agent("eve");
    await world.say("mine");
    await session(world, 0);
    await world.relay.ask("POST", "/v1/messages", { to: "box-fake", body: "theirs" }, { token: eve.token });
    expect((await session(world, 1)).task.origin.how).toBe("new");
    const { body } = await world.relay.ask("GET", "/v1/sessions");
    expect(body.items.map(({ place }: { place: unknown }) => place)).toContainEqual({ threadId: expect.any(Number) });
  });

  test("more sessions than allowed wait for a room, and an idle process makes one", async () => {
    const world = await startDaemon({ config: { sessions: 1 } });
    const eve = await world.relay.agent("eve");
    await world.say("mine");
    const first = await session(world, 0);
    await world.relay.ask("POST", "/v1/messages", { to: "box-fake", body: "theirs" }, { token: eve.token });
    await world.relay.ask("POST", "/v1/messages", { to: "box-fake", body: "theirs too" }, { token: eve.token });
    await until(() => world.daemon.turns.all().length === 3);
    expect(world.fake.sessions).toHaveLength(1);
    first.turn.finish("done");
    const second = await session(world, 1);
    expect(first.isRunning).toBe(false);
    second.turn.finish("done");
    const third = await session(world, 2);
    expect(second.isRunning).toBe(false);
    third.turn.finish("done");
    await until(async () => (await bodies(world)).length === 3);
    expect(world.fake.sessions).toHaveLength(3);
  });

  test("everything goes on after a crash: who stepped aside, and who is main", async () => {
    const world = await startDaemon();
    const first = await world.say("Build all of it.");
    await session(world, 0);
    await isRead(world, await world.say("two"));
    await world.pass(60_000);
    await session(world, 1);
    await world.crash();
    await until(() => world.fake.sessions.slice(2).filter(({ isWorking }) => isWorking).length === 2);
    const [one, two] = world.fake.sessions.slice(2);
    const builder = [one, two].find((each) => each?.task.sessionId === world.fake.sessions[0]?.task.sessionId);
    const main = [one, two].find((each) => each !== builder);
    main?.turn.finish("second");
    await until(async () => (await bodies(world)).length === 1);
    builder?.turn.finish("built");
    await until(async () => (await bodies(world)).length === 2);
    expect((await world.answers()).at(-1)).toMatchObject({ body: "built", replyTo: first });
  });
});

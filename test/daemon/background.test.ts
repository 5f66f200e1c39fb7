import { describe, expect, test } from "bun:test";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { AGENT, answerTexts, sessionAt, startDaemon, type TestDaemon, until } from "../support/daemon.ts";

const THRESHOLD_MS = 60_000;
const over = (world: TestDaemon) => until(() => world.daemon.turns.all().length === 0);
const laneIsFull = (world: TestDaemon, key = "main") =>
  until(() =>
    world.daemon.services.journal.turns.open().some((turn) => turn.kind === "feed" && turn.sessionKey === key),
  );

/** An answer by the schema, with work beside, which the person is told of. */
const beside = (message: string, ...names: string[]) => ({
  structured: {
    ...{ action: "send", actionReason: "long", message },
    backgroundAgents: names.map((name) => ({ name, prompt: `Do ${name}.` })),
  },
});

/** A dialogue that has begun work beside, and works on a second message. */
async function besideBusyMain(): Promise<TestDaemon> {
  const world = await startDaemon();
  await world.say("Build it.");
  (await sessionAt(world, 0)).turn.finish("", beside("I am on it.", "build"));
  await sessionAt(world, 1);
  await world.say("And tidy up.");
  await sessionAt(world, 0, 2);
  return world;
}

describe("the result of work beside", () => {
  test("a busy main session that does not end in time steps aside for it: the copy tells it, and the other turn answers its own message", async () => {
    const world = await besideBusyMain();
    const [main, work] = world.fake.sessions;
    work?.turn.finish("Built.");
    await laneIsFull(world);
    expect(main?.inputs).toHaveLength(2);
    await world.pass(THRESHOLD_MS);
    const copy = await sessionAt(world, 2);
    expect(copy.task.origin).toMatchObject({ how: "fork", nativeId: main?.nativeId as string });
    expect(copy.inputs[0]?.text).toContain("takes longer, and goes on beside this dialogue");
    expect(copy.inputs[0]?.text).toContain('The background work "build" has ended.');
    expect(copy.inputs[0]?.text).toContain("| Built.");
    copy.turn.finish("It is built.");
    await until(async () => (await answerTexts(world)).length === 2);
    main?.turn.finish("Tidy.");
    await until(async () => (await answerTexts(world)).length === 3);
    await over(world);
    const [first, built, tidy] = await world.answers();
    expect([first?.body, built?.body, tidy?.body]).toEqual([
      "I am on it.\n\nBegun beside this: build.",
      "It is built.",
      "Tidy.",
    ]);
    expect(built?.replyTo).toBe(first?.replyTo ?? 0);
    expect(tidy?.replyTo).not.toBe(first?.replyTo ?? 0);
    expect(copy.inputs).toHaveLength(1);
  });

  test("a main session that is busy beyond the threshold steps aside for it at once, and a result of a result is not told twice", async () => {
    const world = await besideBusyMain();
    await world.pass(THRESHOLD_MS + 1000);
    const [main, work] = world.fake.sessions;
    work?.turn.finish("Built.");
    const copy = await sessionAt(world, 2);
    expect(copy.task.origin).toMatchObject({ how: "fork", nativeId: main?.nativeId as string });
    // The turn that tells the result is itself slow, and a message makes it step aside.
    await world.pass(THRESHOLD_MS + 1000);
    await world.say("Hello?");
    const third = await sessionAt(world, 3);
    await world.say("And again?");
    third.turn.finish("Hello.");
    (await sessionAt(world, 3, 2)).turn.finish("Here.");
    await until(async () => (await answerTexts(world)).length === 3);
    copy.turn.finish("It is built.");
    main?.turn.fail("No disk.");
    await until(async () => (await answerTexts(world)).length === 5);
    await over(world);
    expect((await answerTexts(world)).slice(3).toSorted()).toEqual(["It is built.", "[Error] No disk."]);
    expect(world.fake.sessions).toHaveLength(4);
    expect(third.inputs).toHaveLength(2);
  });

  test("its error is fed to the main session, which tells it; a silent one says nothing", async () => {
    const world = await startDaemon();
    const id = await world.say("Build it.");
    const main = await sessionAt(world, 0);
    main.turn.finish("", beside("I am on it.", "build", "sweep", "look"));
    await until(() => world.fake.sessions.filter(({ isWorking }) => isWorking).length === 3);
    const [build, sweep, look] = ["build", "sweep", "look"].map((name) =>
      world.fake.sessions.find((one) => one.inputs[0]?.text.includes(`| Do ${name}.`)),
    );
    look?.turn.finish("", { structured: { action: "silent", actionReason: "nothing new", message: "Nothing." } });
    await until(() => world.daemon.turns.all().length === 2);
    build?.turn.fail("The disk is full.");
    const fed = await sessionAt(world, 0, 2);
    expect(fed.inputs[1]?.text).toContain('The background work "build" has ended.');
    expect(fed.inputs[1]?.text).toContain("| [Error] The disk is full.");
    fed.turn.finish("The build failed: no room.");
    await until(async () => (await answerTexts(world)).length === 2);
    // A CLI that ends without a word gives no result, also with exit code 0: it goes on once, then that is an error.
    sweep?.crash({ code: 0 });
    await until(() => world.fake.sessions[4]?.isWorking === true);
    world.fake.sessions[4]?.crash({ code: 0 });
    const again = await sessionAt(world, 0, 3);
    expect(again.inputs[2]?.text).toContain("| [Error] The CLI ended with code 0.");
    again.turn.finish("", { structured: { action: "silent", actionReason: "known" } });
    await over(world);
    const told = (await world.answers()).filter(({ body }) => !body.startsWith("My program crashed"));
    expect(told.map(({ body, replyTo }) => [body, replyTo])).toEqual([
      ["I am on it.\n\nBegun beside this: build, sweep, look.", id],
      ["The build failed: no room.", id],
    ]);
  });

  test("its buttons and files are named to the main session, and work that it begins comes back to the same dialogue", async () => {
    const world = await startDaemon();
    await world.say("Plan it.");
    const main = await sessionAt(world, 0);
    main.turn.finish("", beside("I am on it.", "plan"));
    const plan = await sessionAt(world, 1);
    const file = join(world.folder, "plan.md");
    writeFileSync(file, "plan");
    const answer = beside("Two ways.", "measure").structured;
    plan.turn.finish("", { structured: { ...answer, buttons: ["The quick one", "The right one"], files: [file] } });
    const measure = await sessionAt(world, 2);
    expect(measure.inputs[0]?.text).toContain("| Do measure.");
    const fed = await sessionAt(world, 0, 2);
    expect(fed.inputs[1]?.text).toContain("| Two ways.");
    expect(fed.inputs[1]?.text).toContain("| Buttons: The quick one, The right one");
    expect(fed.inputs[1]?.text).toContain(`| Files: ${file}`);
    fed.turn.finish("Two ways: which?");
    measure.turn.finish("7 mm.");
    const next = await sessionAt(world, 0, 3);
    expect(next.inputs[2]?.text).toContain('The background work "measure" has ended.');
    next.turn.finish("It is 7 mm.");
    await over(world);
    expect(await answerTexts(world)).toEqual([
      ...["I am on it.\n\nBegun beside this: plan.", "Two ways: which?", "It is 7 mm."],
    ]);
  });
});

describe("a killed session that still answers", () => {
  test("what a killed main session says in its end is delivered, and what killed work beside says is not", async () => {
    const world = await startDaemon();
    const id = await world.say("Build it.");
    const main = await sessionAt(world, 0);
    main.turn.finish("", beside("I am on it.", "build"));
    const work = await sessionAt(world, 1);
    await world.say("And tidy up.");
    await sessionAt(world, 0, 2);
    const kill = async (session: typeof main, said: string) => {
      const { close } = session;
      session.close = (options) => {
        session.turn.finish(said);
        return close(options);
      };
      const command = { do: "kill", sessionId: session.task.sessionId };
      await world.relay.ask("POST", "/v1/orchestrators/box/commands", { command });
      await until(() => !session.isRunning);
    };
    await kill(work, "Half of it is built.");
    await kill(main, "Half of it is tidy.");
    await until(async () => (await answerTexts(world)).length === 2);
    expect((await world.answers()).map(({ body, replyTo }) => [body, replyTo])).toEqual([
      ["I am on it.\n\nBegun beside this: build.", id],
      ["Half of it is tidy.", expect.any(Number)],
    ]);
    await over(world);
    const { body } = await world.relay.ask("GET", `/v1/runs?agent=${AGENT}`);
    expect(body.items.map(({ outcome }: { outcome: string }) => outcome).toSorted()).toEqual([
      "aborted",
      "aborted",
      "ok",
    ]);
    // The dialogue goes on in its session.
    await world.say("Are you there?");
    expect((await sessionAt(world, 2)).task.origin).toMatchObject({ how: "resume", nativeId: main.nativeId as string });
  });

  test("a CLI that ends with code 0 and without a word when it is interrupted was stopped, and is none that failed", async () => {
    const world = await startDaemon();
    const id = await world.say("Build it.");
    const main = await sessionAt(world, 0);
    main.interrupt = async () => {
      main.crash({ code: 0, signal: null });
      return { cancelled: [] };
    };
    const command = { do: "interrupt", sessionId: main.task.sessionId };
    await world.relay.ask("POST", "/v1/orchestrators/box/commands", { command });
    await until(async () => (await world.run(id)).status === "ended");
    expect(await world.run(id)).toMatchObject({ outcome: "aborted", errorCode: null });
    expect(await answerTexts(world)).toEqual([]);
    await world.say("Go on.");
    expect((await sessionAt(world, 1)).task.origin).toMatchObject({ how: "resume" });
  });
});

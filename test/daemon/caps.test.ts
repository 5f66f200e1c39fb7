import { describe, expect, test } from "bun:test";
import { AGENT, startDaemon, type TestDaemon, until } from "../support/daemon.ts";

const MINUTE = 60_000;
const works = (world: TestDaemon, at = 0) => until(() => world.fake.sessions[at]?.isWorking === true);
const ends = (world: TestDaemon, id: number) => until(async () => (await world.run(id)).status === "ended");
const stops = (world: TestDaemon, at = 0) => until(() => world.fake.sessions[at]?.isRunning === false);
/** Questions at caps, newest first. */
const asks = async (world: TestDaemon) =>
  (await world.relay.ask("GET", "/v1/approvals")).body.items.filter(({ kind }: { kind: string }) => kind === "cap");
const open = async (world: TestDaemon) =>
  (await asks(world)).filter(({ state }: { state: string }) => state === "pending");
const told = async (world: TestDaemon): Promise<string[]> =>
  (await world.relay.ask("GET", "/v1/messages?to=user&limit=100")).body.items.flatMap(
    ({ subject, body }: { subject: string | null; body: string }) => (subject === "Spending of box" ? [body] : []),
  );

async function answer(world: TestDaemon, option: string) {
  await until(async () => (await open(world)).length === 1);
  const [{ id, hash }] = await open(world);
  const { status } = await world.relay.ask("POST", `/v1/approvals/${id}/answer`, { option, hash });
  expect(status).toBe(200);
}

async function put(world: TestDaemon, caps: Record<string, number>) {
  const agents = [{ agentId: AGENT, orchestratorId: "box", desired: "onDemand" }];
  await world.relay.ask("PUT", "/v1/profiles/writer", { provider: "fake", agents, caps });
  await until(() => (world.daemon.services.journal.fact("profiles") ?? "").includes(JSON.stringify(caps)));
}

/** Lets time pass in steps that leases outlive. */
async function wait(world: TestDaemon, minutes: number) {
  for (let minute = 0; minute < minutes; minute++) await world.pass(MINUTE);
}

/** Gives a command, in somebody's run if it is named. @returns its id */
async function give(world: TestDaemon, command: Record<string, unknown>, by = {}): Promise<string> {
  const { status, body } = await world.relay.ask("POST", "/v1/orchestrators/box/commands", { command }, by);
  if (status !== 201) throw new Error(`${status}: ${JSON.stringify(body)}`);
  return body.id;
}

/** A daemon with 10 $ a day, and a turn that has spent some of it. */
async function spent(amount: number) {
  const world = await startDaemon({ config: { costUsdPerDay: 10, runtimeSeconds: 604_800 } });
  const id = await world.say("Fix the login.");
  await works(world);
  world.fake.latest().turn.usage(10, 10, amount);
  return { world, id };
}

describe("money of a day", () => {
  test("at 80 percent the person is told once, with run, tree and who asked, and so of an hour that costs three times the usual one", async () => {
    const { world, id } = await spent(0.1);
    for (const _ of [1, 2, 3]) {
      await world.pass(60 * MINUTE);
      world.fake.latest().turn.usage(10, 10, 0.1);
    }
    world.fake.latest().turn.usage(10, 10, 0.3);
    await until(async () => (await told(world)).length === 1);
    expect((await told(world))[0]).toContain("This hour cost 0.40 $, three times the usual 0.10 $");
    world.fake.latest().turn.usage(10, 10, 7.3);
    await until(async () => (await told(world)).length === 2);
    world.fake.latest().turn.usage(10, 10, 1);
    world.fake.latest().turn.finish("Fixed.");
    await ends(world, id);
    const said = await told(world);
    expect(said).toHaveLength(2);
    expect(said[0]).toContain("8.00 $ of 10.00 $ today");
    const { id: run } = await world.run(id);
    for (const part of [`run ${run} of the tree ${run}`, "box-fake", "asked for by"])
      for (const body of said) expect(body).toContain(part);
  });

  test("at the cap the turn waits with its run and its lease while a person is asked; with as much again it goes on", async () => {
    const { world, id } = await spent(10);
    await until(async () => (await asks(world)).length === 1);
    expect((await asks(world))[0].subject.text).toContain("the cap is 10.00 $");
    await stops(world);
    const other = await world.say("Another.");
    await until(() => world.daemon.services.journal.position() >= other);
    await wait(world, 5);
    expect((await world.run(id)).status).toBe("running");
    await answer(world, "more");
    await works(world, 1);
    world.fake.latest().turn.finish("Fixed.");
    await ends(world, id);
    expect((await world.run(id)).outcome).toBe("ok");
    await until(async () => (await asks(world))[0].applied?.ok === true);
  });

  test("denied while the daemon is down: its runs end refused, and nothing begins until the next day", async () => {
    const { world, id } = await spent(11);
    await until(async () => (await asks(world)).length === 1);
    await stops(world);
    world.daemon.abandon();
    await answer(world, "stop");
    await world.begin({ costUsdPerDay: 10 });
    await ends(world, id);
    expect(await world.run(id)).toMatchObject({ outcome: "error", errorCode: "refused" });
    expect(await asks(world)).toHaveLength(1);
    const other = await world.say("Another.");
    await until(() => world.daemon.services.journal.position() >= other);
    expect(world.fake.sessions).toHaveLength(1);
    await world.pass(12 * 60 * MINUTE);
    await works(world, 1);
    expect(await asks(world)).toHaveLength(1);
  });
});

describe("caps of sessions", () => {
  test("a spawn's cap on money keeps that session alone, and asks again for later work in it after a stop", async () => {
    const world = await startDaemon({ config: { approvalMode: "open" } });
    await give(world, { do: "spawn", provider: "fake", prompt: "Build it.", background: true, caps: { costUsd: 2 } });
    await works(world);
    const main = await world.say("Fix the login.");
    await works(world, 1);
    world.fake.sessions[0]?.turn.usage(10, 10, 2.5);
    await stops(world);
    await until(async () => (await asks(world)).length === 1);
    expect((await asks(world))[0].subject.text).toContain("2.50 $ are used by session");
    expect((await asks(world))[0].options[0].label).toBe("Go on with 2.00 $ more");
    world.fake.sessions[1]?.turn.finish("Fixed.");
    await ends(world, main);
    await answer(world, "stop");
    const runs = async () => (await world.relay.ask("GET", `/v1/runs?agent=${AGENT}&status=ended`)).body.items;
    await until(async () => (await runs()).some(({ errorCode }: { errorCode: string }) => errorCode === "refused"));
    const sessionId = world.fake.sessions[0]?.task.sessionId;
    await give(world, { do: "send", sessionId, text: "Go on anyway." });
    await answer(world, "more");
    await until(() => world.fake.latest().inputs.some(({ text }) => text.includes("Go on anyway.")));
    expect(world.fake.latest().task.sessionId).toBe(sessionId as string);
    expect(await asks(world)).toHaveLength(2);
  });

  test("of the configuration, the profile and the relay the strictest cap holds, also after a crash", async () => {
    const world = await startDaemon({ config: { outputTokens: 5000 } });
    await put(world, { outputTokens: 1000 });
    const id = await world.say("Fix the login.");
    await works(world);
    world.fake.latest().turn.usage(100_000, 900, 0);
    await until(async () => (await told(world)).length === 1);
    expect((await told(world))[0]).toContain("900 output tokens of 1000 output tokens are used by session");
    await world.crash();
    await works(world, 1);
    await world.relay.ask("PATCH", "/v1/orchestrators/box", { caps: { outputTokens: 950 } });
    await world.pass(30_000);
    await until(() => world.daemon.services.journal.fact("caps") === JSON.stringify({ outputTokens: 950 }));
    world.fake.latest().turn.usage(0, 60, 0);
    await stops(world, 1);
    await answer(world, "more");
    await works(world, 2);
    world.fake.latest().turn.finish("Fixed.");
    await ends(world, id);
    expect((await world.run(id)).outcome).toBe("ok");
    expect(await told(world)).toHaveLength(1);
  });

  test("the time of a turn is a cap: it waits and asks, a stop ends it as a timeout, and waiting for people is no time", async () => {
    const world = await startDaemon({ config: { runtimeSeconds: 600 } });
    const id = await world.say("Fix the login.");
    await works(world);
    world.fake.latest().tell({ type: "state", state: "asking" });
    await wait(world, 15);
    world.fake.latest().tell({ type: "state", state: "working" });
    expect(await told(world)).toEqual([]);
    await wait(world, 9);
    await until(async () => (await told(world)).length === 1);
    expect(world.fake.sessions[0]?.isRunning).toBe(true);
    await wait(world, 1);
    await stops(world);
    await answer(world, "more");
    await works(world, 1);
    await until(() => world.daemon.turns.all()[0]?.sentAt === world.daemon.services.time.now());
    await wait(world, 10);
    await stops(world, 1);
    await answer(world, "stop");
    await ends(world, id);
    expect(await world.run(id)).toMatchObject({ outcome: "timeout", errorCode: "timeout" });
    expect((await world.run(id)).error).toContain("600 s, the cap of one turn");
  });

  test("a stop of the daemon waits for no turn that waits at a cap, which waits on after the start and says so", async () => {
    const { world, id } = await spent(10);
    await until(async () => (await open(world)).length === 1);
    await world.restart(5 * MINUTE, { costUsdPerDay: 10 });
    const session = async () => (await world.relay.ask("GET", "/v1/sessions")).body.items[0];
    await until(async () => (await session()).reason?.includes("A cap of all sessions of box is reached"));
    await answer(world, "more");
    await works(world, 1);
    world.fake.latest().turn.finish("Fixed.");
    await ends(world, id);
    expect((await world.run(id)).outcome).toBe("ok");
    expect(await asks(world)).toHaveLength(1);
  });

  test("a person stops a turn that waits at a cap, and its question is withdrawn", async () => {
    const { world, id } = await spent(10);
    await until(async () => (await open(world)).length === 1);
    await world.relay.ask("POST", `/v1/runs/${(await world.run(id)).id}/abort`, {});
    await ends(world, id);
    expect((await world.run(id)).outcome).toBe("aborted");
    await until(async () => (await asks(world))[0].state === "withdrawn");
  });

  test("a spawn deeper than its cap is refused, and sessions beyond the cap of their number wait for a room", async () => {
    const world = await startDaemon({ config: { approvalMode: "open" } });
    const { ask } = world.relay;
    await put(world, { sessions: 1 });
    const planner = await world.relay.agent("planner");
    await ask("PATCH", "/v1/orchestrators/box", { spawners: ["planner"] });
    const { body: run } = await ask("POST", "/v1/runs", { task: "Plan." }, { token: planner.token });
    const by = { token: planner.token, headers: { "signalbox-run": run.token } };
    const deep = await give(world, { do: "spawn", provider: "fake", prompt: "Deep", caps: { depth: 0 } }, by);
    const read = async (id: string) => (await ask("GET", `/v1/delegations/${id}`)).body;
    await until(async () => (await read(deep)).answer !== null);
    expect((await read(deep)).answer.error).toContain(`It would run at depth 1 below ${run.id}, and the cap is 0`);
    await give(world, { do: "spawn", provider: "fake", prompt: "One", background: true, caps: { depth: 1 } }, by);
    await works(world);
    const second = await give(world, { do: "spawn", provider: "fake", prompt: "Two", background: true });
    await until(() => world.daemon.services.journal.turns.ofCommand(second)?.sessionId !== undefined);
    expect(world.fake.sessions).toHaveLength(1);
    world.fake.latest().turn.finish("Done.");
    await works(world, 1);
    expect(world.fake.sessions[0]?.isRunning).toBe(false);
  });
});

import { describe, expect, test } from "bun:test";
import { AGENT, startDaemon, type TestDaemon, until } from "../support/daemon.ts";

const HOUR = 3_600_000;
const works = (world: TestDaemon, at = 0, inputs = 1) =>
  until(() => (world.fake.sessions[at]?.inputs.length ?? 0) >= inputs && world.fake.sessions[at]?.isWorking === true);
const limits = async (world: TestDaemon) => (await world.relay.ask("GET", "/v1/limits")).body.items;
const session = async (world: TestDaemon) => (await world.relay.ask("GET", "/v1/sessions")).body.items.at(-1);
const bodies = async (world: TestDaemon) => (await world.answers()).map(({ body }) => body);
const untilTime = Date.parse("2026-03-01T14:05:00Z");

/** A daemon whose one turn has met a limit that ends at 14:05. */
async function limited() {
  const world = await startDaemon();
  const id = await world.say("Fix the login.");
  await works(world);
  world.fake.latest().turn.limited({ account: "ada", until: untilTime });
  await until(async () => (await limits(world)).length === 1);
  return { world, id };
}

/** The relay asks a session to try; the daemon takes it for its own turn. */
async function probe(world: TestDaemon, sessionId: string) {
  world.daemon.limits.heard({ provider: "fake", account: "ada", do: "probe", sessionId });
}

describe("limits of providers", () => {
  test("a turn that meets a limit waits with its run and its lease, is told of once, and goes on after a try", async () => {
    const { world, id } = await limited();
    expect((await limits(world))[0]).toMatchObject({
      provider: "fake",
      account: "ada",
      type: "five_hour",
      rejected: true,
    });
    await until(async () => (await session(world)).state === "limited");
    expect(await session(world)).toMatchObject({ account: "ada", limitedUntil: "2026-03-01T14:05:00.000Z" });
    await until(async () => (await bodies(world)).length === 1);
    expect(await bodies(world)).toEqual([
      "fake is limited. I go on by itself: it resumes 14:05 UTC.".replace("itself", "myself"),
    ]);
    expect((await world.run(id)).status).toBe("running");
    await probe(world, (await session(world)).id);
    await works(world, 0, 2);
    expect(world.fake.latest().inputs[1]?.text).toContain("Go on");
    world.fake.latest().turn.finish("Fixed.");
    await until(async () => (await bodies(world)).length === 2);
    expect((await world.run(id)).outcome).toBe("ok");
    expect(world.fake.sessions).toHaveLength(1);
  });

  test("no turn begins while the provider refuses, and a try that is refused again waits on", async () => {
    const { world } = await limited();
    await world.say("Something else.", { to: AGENT });
    await world.pass(61_000);
    const own = await session(world);
    await probe(world, own.id);
    await works(world, 0, 2);
    world.fake.latest().turn.limited({ account: "ada", until: untilTime + HOUR });
    await until(async () => (await limits(world))[0]?.until === "2026-03-01T15:05:00.000Z");
    expect(world.fake.sessions[0]?.inputs).toHaveLength(2);
    await probe(world, own.id);
    await works(world, 0, 3);
    world.fake.sessions[0]?.turn.finish("Fixed.");
    await until(async () => (await bodies(world)).includes("Fixed."));
    await until(() => world.fake.sessions.some(({ inputs }) => inputs.some(({ text }) => text.includes("Something"))));
  });

  test("a limit survives a restart, and its end in the meantime is heard of", async () => {
    const { world, id } = await limited();
    await world.crash();
    expect(world.fake.sessions).toHaveLength(1);
    await world.relay.ask("DELETE", "/v1/limits/fake/ada");
    await works(world, 1);
    world.fake.latest().turn.finish("Fixed.");
    await until(async () => (await bodies(world)).includes("Fixed."));
    expect((await world.run(id)).outcome).toBe("ok");
  });

  test("from 90 percent of a window nothing new begins but urgent work, also behind other work of its dialogue", async () => {
    const world = await startDaemon();
    await world.say("one");
    await works(world);
    const limit = { account: "ada", window: "five_hour", until: untilTime, utilization: 93, evidence: {} };
    world.fake.latest().turn.tell({ type: "limit", limit: { ...limit, state: "warning" } });
    world.fake.latest().turn.finish("first");
    await until(async () => (await limits(world))[0]?.utilization === 93);
    expect((await limits(world))[0].rejected).toBe(false);
    const other = await world.say("two");
    await until(() => world.daemon.services.journal.position() >= other);
    await until(async () => (await bodies(world)).length === 1);
    expect(world.fake.sessions[0]?.inputs).toHaveLength(1);
    const urgent = await world.say("three", { urgent: true });
    await works(world, 0, 2);
    expect(world.fake.sessions[0]?.inputs[1]?.text).toContain("| three");
    world.fake.latest().turn.finish("third");
    await until(async () => (await world.answers()).at(-1)?.replyTo === urgent);
    expect(world.fake.sessions[0]?.inputs).toHaveLength(2);
    await world.pass(3 * HOUR);
    await until(() => world.fake.sessions.some(({ inputs }) => inputs.some(({ text }) => text.includes("two"))));
  });

  test("a person stops a turn that waits for a limit", async () => {
    const { world, id } = await limited();
    await until(async () => (await bodies(world)).length === 1);
    await world.relay.ask("POST", `/v1/runs/${(await world.run(id)).id}/abort`, {});
    await until(async () => (await world.run(id)).status === "ended");
    expect((await world.run(id)).outcome).toBe("aborted");
  });
});

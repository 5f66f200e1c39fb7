import { describe, expect, test } from "bun:test";
import { AGENT, startDaemon, type TestDaemon, until } from "../support/daemon.ts";
import type { FakeProvider } from "../support/providers/fake.ts";

const HOUR = 3_600_000;
const untilTime = Date.parse("2026-03-01T14:05:00Z");
const works = (provider: FakeProvider, at = 0, inputs = 1) =>
  until(() => (provider.sessions[at]?.inputs.length ?? 0) >= inputs && provider.sessions[at]?.isWorking === true);
const ends = (world: TestDaemon, id: number) => until(async () => (await world.run(id)).status === "ended");
const bodies = async (world: TestDaemon) => (await world.answers()).map(({ body }) => body);
const textOf = (provider: FakeProvider, at = 0, input = 0) => provider.sessions[at]?.inputs[input]?.text ?? "";
const limit = (provider: FakeProvider) => provider.latest().turn.limited({ account: "ada", until: untilTime });

async function put(world: TestDaemon, name: string, fields: Record<string, unknown>) {
  const { status } = await world.relay.ask("PUT", `/v1/profiles/${name}`, fields);
  expect([200, 201]).toContain(status);
}

/** A daemon with two providers, whose agent hands its work over at a limit. */
async function start(onLimit: unknown = { handOver: "substitute" }) {
  const world = await startDaemon({ other: true });
  await put(world, "substitute", { provider: "other", model: "small", tools: { deny: ["Bash"] } });
  const agents = [{ agentId: AGENT, orchestratorId: "box", desired: "onDemand" }];
  await put(world, "writer", { provider: "fake", agents, onLimit });
  await until(() => (world.daemon.services.journal.fact("profiles") ?? "[]") !== "[]");
  return world;
}

/** A dialogue with one answer, and a turn that meets a limit after its first words. */
async function limited(world: TestDaemon) {
  await world.say("Read the login.");
  await works(world.fake);
  world.fake.latest().turn.finish("It is in auth.ts.");
  await until(async () => (await bodies(world)).length === 1);
  const id = await world.say("Fix it.");
  await works(world.fake, 0, 2);
  const { id: run } = await world.run(id);
  world.fake.latest().turn.say("I look at auth.ts.");
  await world.daemon.turns.all()[0]?.handle?.flush();
  limit(world.fake);
  return { id, run };
}

describe("work that is handed over at a limit", () => {
  test("a turn that meets a limit goes on once with the other provider, in the same run, with a digest, and so does what is queued behind it", async () => {
    const world = await start();
    const { id, run } = await limited(world);
    await works(world.other);
    const [session] = world.other.sessions;
    expect(session?.task).toMatchObject({ model: "small", cwd: world.folder, tools: { allow: [], deny: ["Bash"] } });
    for (const part of [
      "You take over this work from fake",
      world.folder,
      "| Read the login.",
      "| It is in auth.ts.",
      "| I look at auth.ts.",
      "| Fix it.",
    ])
      expect(textOf(world.other)).toContain(part);
    const next = await world.say("And the logout.");
    await until(() => world.daemon.services.journal.position() >= next);
    session?.turn.finish("Fixed.");
    await ends(world, id);
    expect(await world.run(id)).toMatchObject({ id: run, outcome: "ok", result: { text: "Fixed." } });
    await works(world.other, 0, 2);
    expect(textOf(world.other, 0, 1)).toContain("| And the logout.");
    world.other.latest().turn.finish("That too.");
    await ends(world, next);
    await until(async () => (await bodies(world)).includes("That too."));
    expect(await bodies(world)).toEqual([
      "It is in auth.ts.",
      "fake is limited. other goes on with this in its place.",
      "Fixed.",
      "That too.",
    ]);
    expect((await world.answers()).map(({ replyTo }) => replyTo).slice(2)).toEqual([id, next]);
    expect([world.fake.sessions.length, world.other.sessions.length]).toEqual([1, 1]);

    await world.relay.ask("DELETE", "/v1/limits/fake/ada");
    await until(() => world.daemon.services.journal.fact("stand-ins") === "{}");
    const later = await world.say("What did you change?");
    await works(world.fake, 0, 3);
    for (const part of ["other did this in your place", "| Fixed.", "| That too.", "| What did you change?"])
      expect(textOf(world.fake, 0, 2)).toContain(part);
    world.fake.latest().turn.finish("auth.ts.");
    await ends(world, later);
  });

  test("work that was handed over waits where the other provider is limited too, also after a restart, and is never handed back", async () => {
    const world = await start();
    await put(world, "substitute", { provider: "other", onLimit: { handOver: "writer" } });
    const { id, run } = await limited(world);
    await works(world.other);
    limit(world.other);
    await until(async () => (await bodies(world)).length === 3);
    expect((await bodies(world))[2]).toBe("other is limited. I go on by myself: it resumes 14:05 UTC.");
    await world.pass(1000);
    const queued = await world.say("And the logout.");
    await until(() => world.daemon.services.journal.position() >= queued);
    await world.crash();
    expect([world.fake.sessions.length, world.other.sessions.length]).toEqual([1, 1]);
    await world.relay.ask("DELETE", "/v1/limits/other/ada");
    await works(world.other, 1);
    expect(world.other.sessions[1]?.task.origin).toMatchObject({ how: "resume" });
    world.other.latest().turn.finish("Fixed.");
    await ends(world, id);
    expect(await world.run(id)).toMatchObject({ id: run, outcome: "ok" });
    await until(() =>
      world.other.sessions.some(({ inputs }) => inputs.some(({ text }) => text.includes("the logout"))),
    );
    expect(world.fake.sessions[0]?.inputs).toHaveLength(2);
  });

  test("a person stops a turn that was handed over, and a crash of the other CLI goes on there", async () => {
    const world = await start();
    const { id } = await limited(world);
    await works(world.other);
    world.other.latest().crash();
    await works(world.other, 1, 0);
    await world.relay.ask("POST", `/v1/runs/${(await world.run(id)).id}/abort`, {});
    await ends(world, id);
    expect((await world.run(id)).outcome).toBe("aborted");
    expect(world.fake.sessions[0]?.inputs).toHaveLength(2);
  });

  test("work waits where the named profile is not there or is for the same provider, and the log says why once", async () => {
    const world = await start({ handOver: "nobody" });
    const { id } = await limited(world);
    await until(async () => (await bodies(world)).length === 2);
    expect((await bodies(world))[1]).toContain("fake is limited. I go on by myself");
    const why = () => world.log.filter((line) => line.includes("waits for its provider"));
    expect(why()).toHaveLength(1);
    expect(why()[0]).toContain("nobody");
    await world.pass(2 * HOUR + 12 * 60_000);
    await works(world.fake, 0, 3);
    world.fake.latest().turn.finish("Fixed.");
    await until(async () => (await bodies(world)).includes("Fixed."));
    expect(world.other.sessions).toHaveLength(0);
    expect(id).toBeGreaterThan(0);
  });
});

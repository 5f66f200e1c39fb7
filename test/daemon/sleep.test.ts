import { describe, expect, test } from "bun:test";
import { startDaemon, type TestDaemon, until } from "../support/daemon.ts";

const HOUR_MS = 3_600_000;
const woke = async (world: TestDaemon) => {
  await until(() => world.sleepsFor(10_000));
  await world.pass(10_000);
};
const answered = (world: TestDaemon) => until(() => world.log.includes("The relay has answered for all leases"));

describe("a machine that has slept", () => {
  test("a turn whose work another took over is interrupted, and nothing begins before the relay has answered", async () => {
    const world = await startDaemon();
    const other = await world.relay.agent("other", { tags: ["builders"] });
    await world.relay.ask("PATCH", "/v1/agents/box-fake", { tags: ["builders"] });
    const draft = { to: "tag:builders", body: "Build.", claimable: true };
    const { body } = await world.relay.ask("POST", "/v1/messages", draft);
    await until(() => world.fake.sessions[0]?.isWorking === true);
    await world.sleep(HOUR_MS);
    const taken = await world.relay.ask("POST", `/v1/messages/${body.id}/claim`, {}, { token: other.token });
    expect(taken.status).toBe(200);
    world.away = true;
    await woke(world);
    await until(() => world.log.join("\n").includes("The machine has slept for 3600 s"));
    const id = await world.say("And this.");
    await until(() => world.daemon.services.journal.position() >= id);
    expect(world.daemon.turns.all()).toHaveLength(1);
    world.away = false;
    await answered(world);
    expect(world.log.join("\n")).toContain("others hold its work since this machine has slept");
    await until(() => world.fake.sessions[0]?.isWorking === false);
    await until(async () => (await world.run(id)).status === "running");
  });

  test("a turn whose lease ran out, and that nobody took, goes on, and its late result counts", async () => {
    const world = await startDaemon();
    const id = await world.say("Fix the login.");
    await until(() => world.fake.sessions[0]?.isWorking === true);
    await world.sleep(HOUR_MS);
    await woke(world);
    await answered(world);
    expect(world.fake.sessions[0]?.isWorking).toBe(true);
    world.fake.latest().turn.finish("Fixed.");
    await until(async () => (await world.answers()).length === 1);
    expect((await world.answers())[0]).toMatchObject({ body: "Fixed.", replyTo: id });
  });

  test("a session that another machine writes now is ended", async () => {
    const world = await startDaemon();
    await world.say("Fix the login.");
    await until(() => world.fake.sessions[0]?.isWorking === true);
    await world.sleep(HOUR_MS);
    const sessionId = world.fake.sessions[0]?.task.sessionId;
    expect((await world.relay.ask("POST", `/v1/sessions/${sessionId}/lease`, { force: true })).status).toBe(200);
    await woke(world);
    await answered(world);
    expect(world.fake.sessions[0]?.isRunning).toBe(false);
  });
});

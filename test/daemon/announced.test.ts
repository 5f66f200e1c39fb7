import { expect, test } from "bun:test";
import { startDaemon, type TestDaemon, until } from "../support/daemon.ts";

/** Session that works on such a text. */
const hearer = ({ fake }: TestDaemon, text: string) =>
  fake.sessions.find((session) => session.isWorking && session.turn.text.includes(text));

/** A daemon whose sessions ask bob for runs, who ends them at once. */
async function withBob() {
  const world = await startDaemon();
  const { relay, fake } = world;
  const bob = await relay.agent("bob");
  return {
    ...{ world, relay, fake },
    journal: () => world.daemon.services.journal,
    /** A run of bob's that the newest session asks for, and that ends with a result. */
    async child(result: string): Promise<{ id: string }> {
      const session = { token: fake.latest().task.mcp?.token ?? "" };
      const made = await relay.ask("POST", "/v1/runs", { agentId: "bob", task: "Count.", cause: "spawn" }, session);
      expect([made.status, made.body.requester]).toEqual([201, { runId: made.body.parentId }]);
      const { token } = (await relay.ask("POST", `/v1/runs/${made.body.id}/start`, {}, bob)).body;
      const turn = { ...bob, headers: { "signalbox-run": token } };
      await relay.ask("POST", `/v1/runs/${made.body.id}/finish`, { outcome: "ok", result }, turn);
      return made.body;
    },
    announcement: async ({ id }: { id: string }) =>
      (await relay.ask("GET", `/v1/announcements?run=${id}`)).body.items[0],
  };
}

test("G11: the result of a run that ends before the turn that asked for it is acknowledged once a turn of that session has seen it", async () => {
  const { world, fake, journal, child, announcement } = await withBob();
  const id = await world.say("Count the boats.");
  await until(() => hearer(world, "Count the boats.") !== undefined);
  const asked = await child("Nine boats.");
  const { id: runId } = await world.run(id);
  expect(await announcement(asked)).toMatchObject({ state: "sent" });
  fake.latest().turn.finish("I have asked Bob.");
  await until(() => hearer(world, "Nine boats.") !== undefined);
  expect(fake.sessions).toHaveLength(1);
  fake.latest().turn.finish("Bob counts nine.");
  await until(() => journal().turns.open().length === 0);
  await until(async () => (await announcement(asked)).state === "acknowledged");
  const texts = (await world.answers()).flatMap(({ body, replyTo }) => (replyTo === null ? [] : [[body, replyTo]]));
  expect(texts).toEqual([
    ["I have asked Bob.", id],
    ["Bob counts nine.", id],
  ]);
  expect((await world.relay.ask("GET", `/v1/runs/${runId}`)).body.status).toBe("ended");
}, 30_000);

test("G11: it reaches work beside a dialogue in the session of that, and a run that others asked for as one more turn of it, once", async () => {
  const { world, relay, fake, journal, child, announcement } = await withBob();
  const command = { do: "spawn", provider: "fake", prompt: "Count the nets.", background: true };
  const spawned = (await relay.ask("POST", "/v1/orchestrators/box/commands?waitSeconds=5", { command })).body;
  const { runId, sessionId } = spawned.answer.payload.commandResult;
  await until(() => hearer(world, "Count the nets.") !== undefined);
  const asked = await child("Two nets.");
  fake.latest().turn.finish("I have asked Bob.");
  await until(() => hearer(world, "Two nets.") !== undefined);
  expect(hearer(world, "Two nets.")?.task.sessionId).toBe(sessionId);
  fake.latest().turn.finish("Bob counts two.");
  await until(() => journal().turns.open().length === 0);
  await until(async () => (await announcement(asked)).state === "acknowledged");
  await until(async () => (await world.answers()).some(({ body }) => body === "Bob counts two."));

  const run = async () => (await relay.ask("GET", `/v1/runs/${runId}`)).body;
  await relay.ask("POST", `/v1/runs/${runId}/messages`, { text: "And the oars?" });
  await until(() => hearer(world, "And the oars?") !== undefined);
  const oars = await child("Twelve oars.");
  hearer(world, "And the oars?")?.turn.finish("I have asked him again.");
  await until(() => hearer(world, "Twelve oars.") !== undefined);
  expect(hearer(world, "Twelve oars.")?.task.sessionId).toBe(sessionId);
  fake.latest().turn.finish("Twelve, he says.");
  await until(() => journal().turns.open().length === 0);
  await until(async () => (await announcement(oars)).state === "acknowledged");
  expect(await run()).toMatchObject({ status: "ended", result: { text: "Twelve, he says." } });
  expect((await run()).turns).toHaveLength(3);
  expect(fake.sessions.filter(({ inputs }) => inputs.some(({ text }) => text.includes("Twelve oars.")))).toHaveLength(
    1,
  );
}, 30_000);

import { describe, expect, test } from "bun:test";
import { AGENT, startDaemon, type TestDaemon, until } from "../support/daemon.ts";

/** Keeps the next process at its start, until the returned function is called. */
function slowStart({ fake }: TestDaemon): () => void {
  const gate = Promise.withResolvers<void>();
  fake.opening = () => gate.promise;
  return () => {
    fake.opening = null;
    gate.resolve();
  };
}

/** A run whose CLI starts. @returns its id */
async function starting(world: TestDaemon, text: string): Promise<string> {
  const message = await world.say(text);
  await until(async () => (await world.run(message)).status === "running");
  await until(async () => (await world.relay.ask("GET", "/v1/sessions")).body.items.length > 0);
  return (await world.run(message)).id;
}

const tell = async (world: TestDaemon, run: string, text: string): Promise<void> => {
  const { body } = await world.relay.ask("POST", `/v1/runs/${run}/messages`, { text });
  expect(body.mode).toBe("steered");
};
/** Waits until the daemon has what the relay sent its agent last. */
const caughtUp = async (world: TestDaemon): Promise<void> => {
  const head = async () => (await world.relay.ask("GET", `/v1/messages?to=${AGENT}&limit=1`)).body.items[0].id;
  await until(async () => world.daemon.services.journal.position() >= (await head()));
};
/** Acts once the relay has the run of a message, and before the daemon knows of it. @returns its id, when it has one */
function early(world: TestDaemon, act: (run: string) => Promise<unknown>): () => string {
  let run = "";
  world.lag = async ({ method, path, isAnswered }) => {
    if (!isAnswered || method !== "POST" || path !== "/v1/runs") return;
    world.lag = null;
    run = (await world.relay.ask("GET", "/v1/runs")).body.items[0].id;
    await act(run);
    await caughtUp(world);
  };
  return () => run;
}
const texts = (world: TestDaemon, at: number) => world.fake.sessions[at]?.inputs.map(({ text }) => text) ?? [];
const prompted = (world: TestDaemon, at: number, words: string) =>
  until(() => texts(world, at).length === 2 && texts(world, at)[1]?.includes(words) === true);
const runOf = async (world: TestDaemon, id: string) => (await world.relay.ask("GET", `/v1/runs/${id}`)).body;

describe("words to a run whose CLI has no prompt yet", () => {
  test("words to a run whose CLI starts reach it behind its prompt", async () => {
    const world = await startDaemon();
    const start = slowStart(world);
    const run = await starting(world, "Write to the staff.");
    await tell(world, run, "Leave out the salaries.");
    await caughtUp(world);
    start();
    await prompted(world, 0, "Leave out the salaries.");
    expect(texts(world, 0)[0]).toContain("| Write to the staff.");
  });

  test("words that come before the daemon knows its own run reach it", async () => {
    const world = await startDaemon();
    early(world, (run) => tell(world, run, "Leave out the salaries."));
    await world.say("Write to the staff.");
    await prompted(world, 0, "Leave out the salaries.");
    expect(world.fake.sessions).toHaveLength(1);
  });

  test("words that wait outlive a crash of the daemon, and a hold", async () => {
    const world = await startDaemon();
    slowStart(world);
    const run = await starting(world, "Write to the staff.");
    await tell(world, run, "Leave out the salaries.");
    await caughtUp(world);
    const start = slowStart(world);
    await world.crash();
    const { id } = (await world.relay.ask("POST", "/v1/holds", { scope: "all", reason: "Look." })).body;
    await tell(world, run, "And the bonuses.");
    await caughtUp(world);
    start();
    await world.relay.ask("DELETE", `/v1/holds/${id}`);
    for (let n = 0; n < 100 && !world.fake.sessions.some(({ inputs }) => inputs.length > 2); n++)
      await world.pass(5000);
    const given = world.fake.sessions.flatMap(({ inputs }) => inputs.map(({ text }) => text));
    expect(given).toEqual([
      expect.stringContaining("| Write to the staff."),
      expect.stringContaining("salaries"),
      expect.stringContaining("bonuses"),
    ]);
  });

  test("words to a turn whose CLI has crashed reach the process that begins it again", async () => {
    const world = await startDaemon({ provider: { continueTurn: false } });
    const run = await starting(world, "Write to the staff.");
    await until(() => world.fake.sessions[0]?.isWorking === true);
    const start = slowStart(world);
    world.fake.latest().crash();
    await tell(world, run, "Leave out the salaries.");
    await caughtUp(world);
    start();
    await prompted(world, 1, "Leave out the salaries.");
  });

  test("words to a turn that waits at a limit reach it once it goes on", async () => {
    const world = await startDaemon();
    const run = await starting(world, "Write to the staff.");
    await until(() => world.fake.sessions[0]?.isWorking === true);
    world.fake.latest().turn.limited({ account: "ada", until: Date.parse("2026-03-01T14:05:00Z") });
    await until(async () => (await world.relay.ask("GET", "/v1/limits")).body.items.length === 1);
    await tell(world, run, "Leave out the salaries.");
    await caughtUp(world);
    expect(texts(world, 0)).toHaveLength(1);
    const sessionId = world.fake.latest().task.sessionId;
    world.daemon.limits.heard({ provider: "fake", account: "ada", do: "probe", sessionId });
    await until(() => texts(world, 0).length === 3);
    expect(texts(world, 0).slice(1)).toEqual([expect.stringContaining("Go on"), expect.stringContaining("salaries")]);
  });
});

describe("a stop of a run whose CLI has no prompt yet", () => {
  const abort = (world: TestDaemon, run: string) => world.relay.ask("POST", `/v1/runs/${run}/abort`, {});

  test("a run that is stopped while its CLI starts ends at once, and the CLI never gets its prompt", async () => {
    const world = await startDaemon();
    const start = slowStart(world);
    const run = await starting(world, "Delete the old backups.");
    await abort(world, run);
    await until(async () => (await runOf(world, run)).status === "ended");
    expect(await runOf(world, run)).toMatchObject({ outcome: "aborted", confirmed: true });
    expect(world.fake.sessions).toHaveLength(0);
    start();
    await world.say("Count them.");
    await until(() => texts(world, 0).length === 1);
    expect(texts(world, 0)[0]).toContain("| Count them.");
    expect(world.fake.sessions).toHaveLength(1);
  });

  test("a run that is stopped while it waits for a room begins no process", async () => {
    const world = await startDaemon({ config: { sessions: 1 } });
    const eve = await world.relay.agent("eve");
    await world.say("Mine.");
    await until(() => world.fake.sessions[0]?.isWorking === true);
    const asked = { to: "box-fake", body: "Theirs." };
    const { id } = (await world.relay.ask("POST", "/v1/messages", asked, { token: eve.token })).body;
    await until(async () => (await world.run(id)).status === "running");
    await abort(world, (await world.run(id)).id);
    await until(async () => (await world.run(id)).status === "ended");
    expect(await world.run(id)).toMatchObject({ outcome: "aborted", confirmed: true });
    world.fake.latest().turn.finish("Done.");
    await until(async () => (await world.answers()).length === 1);
    expect(world.fake.sessions).toHaveLength(1);
  });

  test("a stop that comes before the daemon knows its own run keeps its prompt back", async () => {
    const world = await startDaemon();
    const run = early(world, (id) => abort(world, id));
    await world.say("Delete the old backups.");
    await until(async () => run() !== "" && (await runOf(world, run())).status === "ended");
    expect(await runOf(world, run())).toMatchObject({ outcome: "aborted", confirmed: true });
    expect(texts(world, 0)).toEqual([]);
  });
});

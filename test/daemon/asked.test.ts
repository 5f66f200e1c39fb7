import { expect, test } from "bun:test";
import { AGENT, startDaemon, type TestDaemon, until } from "../support/daemon.ts";
import type { FakeTurn } from "../support/providers/fake-turn.ts";

/** Task of a turn, as its envelope quotes it. */
const taskOf = ({ text }: { text: string }): string => text.match(/(?<=^\| )(?!data: ).*/gm)?.at(-1) ?? "";
const echo = (turn: FakeTurn): void => turn.finish(`Done: ${taskOf(turn)}`);
/** Tasks of all prompts, sorted. */
const prompts = ({ fake }: TestDaemon): string[] =>
  fake.sessions.flatMap(({ inputs }) => inputs.map(taskOf)).toSorted();

/** A daemon, and an agent that asks its agent for runs. */
async function withEve(script: ((turn: FakeTurn) => void) | null) {
  const world = await startDaemon({ provider: { script } });
  const by = { token: (await world.relay.agent("eve")).token };
  const { ask } = world.relay;
  const runs = async () => (await ask("GET", `/v1/runs?agent=${AGENT}`)).body.items.toReversed();
  const read = async (path: string) => (await ask("GET", path, undefined, by)).body;
  return {
    ...{ world, runs, read },
    async run(task: string, fields: object = {}): Promise<{ id: string; messageId: number }> {
      const { status, body } = await ask("POST", "/v1/runs", { agentId: AGENT, task, ...fields }, by);
      expect(status).toBe(201);
      return body;
    },
    abort: (id: string) => ask("POST", `/v1/runs/${id}/abort`, {}),
    /** Resolves when no turn and no run is open. */
    async settled(): Promise<void> {
      const turns = () => world.daemon.services.journal.turns.open();
      const isOver = ({ status }: { status: string }) => status === "ended";
      await until(async () => turns().length === 0 && (await runs()).every(isOver));
    },
    /** Kinds and texts of what eve has got. */
    heard: async () =>
      (await read("/v1/agents/eve/inbox")).items
        .filter(({ kind }: { kind: string }) => kind !== "control")
        .map(({ kind, body, replyTo }: { kind: string; body: string; replyTo: number | null }) => [
          kind,
          body,
          replyTo,
        ]),
  };
}

test("a run that is asked of an agent is carried out once, and its message is answered once", async () => {
  const { world, run, runs, settled, heard } = await withEve(echo);
  const { id, messageId } = await run("Count.");
  await settled();
  expect(prompts(world)).toEqual(["Count."]);
  expect(await runs()).toMatchObject([{ id, outcome: "ok", result: { text: "Done: Count." } }]);
  expect(await heard()).toEqual([["chat", "Done: Count.", messageId]]);
});

test("runs of one session key are carried out once each, one after another", async () => {
  const { world, run, runs, settled } = await withEve(null);
  const tasks = ["job-1", "job-2", "job-3", "job-4", "job-5"];
  for (const task of tasks) await run(task, { sessionKey: "k1" });
  for (const _ of tasks) {
    await until(() => world.fake.sessions.some(({ isWorking }) => isWorking));
    expect(world.fake.sessions.filter(({ isWorking }) => isWorking)).toHaveLength(1);
    world.fake.sessions.find(({ isWorking }) => isWorking)?.turn.finish("Done.");
  }
  await settled();
  expect(prompts(world)).toEqual(tasks);
  expect((await runs()).map(({ outcome }: { outcome: string }) => outcome)).toEqual(tasks.map(() => "ok"));
}, 30_000);

test("G11: the result of a run with a requester reaches it once, as the announcement alone", async () => {
  const { world, run, settled, heard } = await withEve(echo);
  await run("Count.", { requester: { agentId: "eve" } });
  await settled();
  expect(prompts(world)).toEqual(["Count."]);
  expect((await heard()).map(([kind, body]: [string, string]) => [kind, body])).toEqual([
    ["announcement", "Done: Count."],
  ]);
});

test("a run that is asked on a message which waits for its turn is taken by that turn", async () => {
  const { world, run, runs, settled } = await withEve(echo);
  const { id: holdId } = (await world.relay.ask("POST", "/v1/holds", { scope: "all", reason: "Look." })).body;
  const messageId = (await world.relay.ask("POST", "/v1/messages", { from: "eve", to: AGENT, body: "Count." })).body.id;
  const { id } = await run("Count.", { messageId });
  await until(() => world.daemon.services.journal.turns.open()[0]?.plan.waitingRun === id);
  await world.relay.ask("DELETE", `/v1/holds/${holdId}`);
  await settled();
  expect(prompts(world)).toEqual(["Count."]);
  expect(await runs()).toMatchObject([{ id, outcome: "ok" }]);
});

test("a run that is asked on a message whose turn begins just now is answered by the reply of that turn", async () => {
  const { world, run, runs, settled } = await withEve(echo);
  let asked: string | undefined;
  world.lag = async ({ method, path, isAnswered }) => {
    if (asked !== undefined || !isAnswered || method !== "POST" || path !== "/v1/runs") return;
    asked = "";
    const [own] = await runs();
    asked = (await run("Count again.", { messageId: own.messageId })).id;
    await until(() => world.daemon.services.journal.turns.open()[0]?.plan.waitingRun === asked);
  };
  const { body } = await world.relay.ask("POST", "/v1/messages", { from: "eve", to: AGENT, body: "Count." });
  await until(() => Boolean(asked));
  await settled();
  expect(await runs()).toMatchObject([
    { messageId: body.id, outcome: "ok" },
    { id: asked, messageId: body.id, outcome: "ok", result: { text: "Done: Count." } },
  ]);
  expect(prompts(world)).toEqual(["Count."]);
});

test("a run that was stopped before its turn began is not carried out, and nobody gets a word for it", async () => {
  const { world, run, abort, settled, heard } = await withEve(echo);
  const { id: holdId } = (await world.relay.ask("POST", "/v1/holds", { scope: "all", reason: "Look." })).body;
  const { id } = await run("Count.");
  await until(() => world.daemon.services.journal.turns.open().length === 1);
  await abort(id);
  await world.relay.ask("DELETE", `/v1/holds/${holdId}`);
  await settled();
  expect(prompts(world)).toEqual([]);
  expect(await heard()).toEqual([]);
});

test("a run whose turn had begun before a crash of the daemon goes on as the one turn of its run", async () => {
  const { world, run, runs, settled } = await withEve(null);
  const { id } = await run("Count.");
  await until(() => world.fake.sessions[0]?.isWorking === true);
  await world.crash();
  await until(() => world.fake.sessions[1]?.isWorking === true);
  world.fake.latest().turn.finish("Three.");
  await settled();
  expect(world.fake.sessions).toHaveLength(2);
  expect(await runs()).toMatchObject([{ id, outcome: "ok", result: { text: "Three." } }]);
});

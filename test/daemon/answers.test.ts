import { expect, test } from "bun:test";
import { AGENT, startDaemon, type TestDaemon, until } from "../support/daemon.ts";
import { connect } from "../support/mcp.ts";

/** Session that works on such a text. */
const hearer = ({ fake }: TestDaemon, text: string) =>
  fake.sessions.find((session) => session.isWorking && session.turn.text.includes(text));
const hears = (world: TestDaemon, text: string): boolean => hearer(world, text) !== undefined;

/** A daemon whose agent's tools ask bob. */
async function withBob() {
  const world = await startDaemon();
  const bob = await world.relay.agent("bob");
  const journal = () => world.daemon.services.journal;
  const delegation = async (id: string) => (await world.relay.ask("GET", `/v1/delegations/${id}`)).body;
  return {
    ...{ world, journal, delegation },
    /** Begins a turn of a person's. @returns the id of the message */
    async begin(text: string): Promise<number> {
      const id = await world.say(text);
      await until(() => hears(world, text));
      return id;
    },
    async tools() {
      return connect(world.relay, world.fake.latest().task.mcp?.token ?? "");
    },
    answer: (id: string, text: string) =>
      world.relay.ask("POST", `/v1/delegations/${id}/response`, { text }, { token: bob.token }),
    /** Resolves when the answer needs nothing more, and no turn is open. */
    async settled(id: string): Promise<void> {
      const { messageId } = (await delegation(id)).answer;
      await until(
        () => journal().letters.get(messageId, AGENT)?.state === "done" && journal().turns.open().length === 0,
      );
    },
  };
}

const texts = async (world: TestDaemon) =>
  (await world.answers()).flatMap(({ body, replyTo }) => (replyTo === null ? [] : [[body, replyTo]]));

test("an answer that a tool has handed to the model begins no turn, and one that it has not goes where its turn's words went", async () => {
  const { world, begin, tools, answer, settled, delegation } = await withBob();
  const first = await begin("How many lanterns?");
  const peer = await tools();
  const waiting = peer.call("delegate", { to: "bob", text: "Count them.", wait: 20 });
  const asked = async () => (await world.relay.ask("GET", "/v1/delegations?to=bob")).body.items;
  await until(async () => (await asked()).length === 1);
  const run = await world.run(first);
  const [one] = await asked();
  expect(one).toMatchObject({ parentId: run.id, rootId: run.id, depth: 1 });
  await answer(one.id, "Three.");
  expect((await waiting).text).toContain("Three.");
  const [session] = world.fake.sessions;
  session?.turn.finish("Bob counts three.");
  await settled(one.id);
  expect(await texts(world)).toEqual([["Bob counts three.", first]]);
  expect([world.fake.sessions.length, session?.inputs.length]).toEqual([1, 1]);

  const second = await begin("And how many boats?");
  const { facts } = await peer.call("delegate", { to: "bob", text: "Count those." });
  expect((await delegation(String(facts.delegation))).parentId).toBe((await world.run(second)).id);
  const nobody = await peer.call("delegate", { to: "tag:nobody", text: "Count them, too." });
  await answer(String(facts.delegation), "Nine boats.");
  expect(nobody.text).toContain("no recipient is online");
  session?.turn.finish("I have asked Bob.");
  await until(() => hears(world, "Nine boats."));
  session?.turn.finish("Bob counts nine.");
  await settled(String(facts.delegation));
  expect((await texts(world)).slice(1)).toEqual([
    ["I have asked Bob.", second],
    ["Bob counts nine.", second],
  ]);
  expect([world.fake.sessions.length, session?.inputs.length]).toEqual([1, 3]);
}, 30_000);

test("an answer that a tool has handed to a turn that was cut off is given to its dialogue again", async () => {
  const { world, begin, tools, answer, settled } = await withBob();
  const id = await begin("How many lanterns?");
  const peer = await tools();
  const { facts } = await peer.call("delegate", { to: "bob", text: "Count them." });
  await answer(String(facts.delegation), "Three.");
  expect((await peer.call("status", { delegation: facts.delegation })).text).toContain("Three.");
  await world.crash();
  await until(() => world.fake.sessions[1]?.isWorking === true);
  world.fake.latest().turn.finish("I go on.");
  await until(() => hears(world, "Three."));
  world.fake.latest().turn.finish("Bob counts three.");
  await settled(String(facts.delegation));
  expect(await texts(world)).toEqual([
    ["I go on.", id],
    ["Bob counts three.", id],
  ]);
  expect(world.fake.sessions).toHaveLength(2);
}, 30_000);

test("an answer to a dialogue that has stepped aside goes there, and its main session tells the person", async () => {
  const { world, begin, tools, answer, settled } = await withBob();
  const first = await begin("How many lanterns?");
  const { facts } = await (await tools()).call("delegate", { to: "bob", text: "Count them." });
  const second = await world.say("Meanwhile?");
  await until(() => world.sleepsFor(world.daemon.services.config.waitSeconds * 1000));
  await world.pass(world.daemon.services.config.waitSeconds * 1000);
  await until(() => hears(world, "Meanwhile?"));
  const [aside, main] = world.fake.sessions;
  main?.turn.finish("Meanwhile.");
  await until(async () => (await texts(world)).length === 1);
  aside?.turn.finish("I have asked Bob.");
  await until(async () => (await texts(world)).length === 2);
  await answer(String(facts.delegation), "Three.");
  await until(() => hears(world, "Three."));
  const again = hearer(world, "Three.");
  expect(again?.task.sessionId).toBe(aside?.task.sessionId ?? "");
  again?.turn.finish("Bob counts three.");
  await until(() => main?.isWorking === true);
  expect(main?.turn.text).toContain("Bob counts three.");
  main?.turn.finish("Three, says Bob.");
  await settled(String(facts.delegation));
  expect(await texts(world)).toEqual([
    ["Meanwhile.", second],
    ["I have asked Bob.", first],
    ["Three, says Bob.", first],
  ]);
}, 30_000);

test("G8: an answer to a run that others asked for is one more turn of that run, also when it comes to a daemon that was away, and to a session that is gone", async () => {
  const { world, journal, tools, answer, begin } = await withBob();
  const { relay, fake } = world;
  const run = async (id: string) => (await relay.ask("GET", `/v1/runs/${id}`)).body;
  const ended = (id: string, turns: number) =>
    until(async () => {
      const { status, turns: all } = await run(id);
      return status === "ended" && all.length === turns && journal().turns.open().length === 0;
    });
  const first = await begin("How many lanterns?");
  fake.latest().turn.finish("Three.");
  await until(async () => (await world.run(first)).status === "ended");
  const { id } = await world.run(first);
  let turns = 1;
  /** Asks bob in a new turn of the run, which ends without the answer. */
  const askBob = async (text: string) => {
    await relay.ask("POST", `/v1/runs/${id}/messages`, { text });
    await until(() => hears(world, text));
    const { facts } = await (await tools()).call("delegate", { to: "bob", text });
    hearer(world, text)?.turn.finish("I have asked Bob.");
    await ended(id, ++turns);
    return String(facts.delegation);
  };
  const answered = async (text: string) => {
    await until(() => hears(world, text));
    hearer(world, text)?.turn.finish(`Bob says ${text}`);
    await ended(id, ++turns);
    expect(await run(id)).toMatchObject({ outcome: "ok", result: { text: `Bob says ${text}` } });
  };
  await answer(await askBob("Count the boats."), "Nine boats.");
  await answered("Nine boats.");
  expect(fake.sessions).toHaveLength(1);

  const away = await askBob("Count the oars.");
  await world.restart(0);
  await answer(away, "Twelve oars.");
  await answered("Twelve oars.");
  await world.crash();

  const gone = await askBob("Count the nets.");
  const [session] = journal().sessions.live();
  await relay.ask("POST", "/v1/orchestrators/box/commands?waitSeconds=5", {
    command: { do: "clear", agentId: AGENT },
  });
  await until(() => journal().sessions.get(session?.id ?? "")?.state === "dead");
  await answer(gone, "Two nets.");
  await answered("Two nets.");
  expect(await texts(world)).toEqual([["Three.", first]]);
  const answers = (await relay.ask("GET", "/v1/runs?agent=box-fake")).body.items;
  expect(answers).toHaveLength(1);
}, 30_000);

test("G8: a worker's question reaches the session that asked: at once while it works, else as a turn whose words go to the worker, once", async () => {
  const { world, journal, begin, tools, settled, answer } = await withBob();
  const { relay, fake } = world;
  const bob = {
    id: "bob",
    token: (await relay.ask("POST", "/v1/tokens", { role: "agent", agentId: "bob" })).body.token,
  };
  const question = (id: string, text: string) =>
    relay.ask("POST", `/v1/delegations/${id}/progress`, { text, question: true }, bob);
  const mail = async () =>
    (await relay.ask("GET", "/v1/agents/bob/inbox?after=0", undefined, bob)).body.items
      .filter(({ kind }: { kind: string }) => kind === "chat")
      .map(({ body }: { body: string }) => body);
  const first = await begin("How many lanterns?");
  const peer = await tools();
  const { facts } = await peer.call("delegate", { to: "bob", text: "Count them." });
  const id = String(facts.delegation);
  const [session] = fake.sessions;
  await question(id, "The red ones, too?");
  await until(() => session?.inputs.some(({ text }) => text.includes("The red ones, too?")) === true);
  const asked = (await relay.ask("GET", `/v1/messages?from=bob&kind=request`)).body.items[0];
  await peer.call("reply", { id: asked.id, text: "All of them." });
  session?.turn.finish("I have asked Bob.");
  // The CLI reads what came into its turn after that.
  session?.turn.finish("Bob knows.");
  await until(() => journal().turns.open().length === 0);
  expect(await mail()).toEqual(["All of them."]);

  await question(id, "Broken ones?");
  await until(() => hears(world, "Broken ones?"));
  expect(hearer(world, "Broken ones?")).toBe(session);
  session?.turn.finish("No.");
  await until(async () => (await mail()).length === 2);
  await world.restart(0);
  await question(id, "And those at sea?");
  await until(() => hears(world, "And those at sea?"));
  expect(fake.latest().task.sessionId).toBe(session?.task.sessionId ?? "");
  fake.latest().turn.finish("Yes.");
  await until(async () => (await mail()).length === 3);
  expect(await mail()).toEqual(["All of them.", "No.", "Yes."]);
  await answer(id, "Three.");
  await until(() => hears(world, "Three."));
  fake.latest().turn.finish("Bob counts three.");
  await settled(id);
  expect((await texts(world)).filter(([, replyTo]) => replyTo === first)).toEqual([
    ["I have asked Bob.\n\nBob knows.", first],
    ["Bob counts three.", first],
  ]);
}, 30_000);

import { describe, expect, test } from "bun:test";
import { startChat } from "../../support/adapter.ts";
import { startChannel, TELEGRAM } from "../../support/channel.ts";
import { BOX } from "../../support/commands.ts";
import type { TestRelay } from "../../support/relay.ts";
import { createFakeTelegram } from "../../support/telegram.ts";
import { until } from "../../support/until.ts";
import type { Worker } from "../../support/work.ts";

const TO = "box-codex";

/** The machine `box` asks a person before it starts `box-codex` for an agent. */
async function addBox({ ask }: Pick<TestRelay, "ask">): Promise<void> {
  const draft = { role: "orchestrator", agentId: "orchestrator-box", prefix: "box-" };
  const { token } = (await ask("POST", "/v1/tokens", draft)).body;
  const box = { ...BOX, approvalMode: "ask", spawners: ["builder"] };
  expect((await ask("PUT", "/v1/orchestrators/box", box, { token })).status).toBe(201);
}

/** Someone writes to builder in the chat c1, as sender 9; Ida is the operator, asked in `ida`. */
async function start() {
  const world = await startChannel();
  const { ask, event, claim, adapter } = world;
  await addBox(world);
  const builder = await world.agent("builder");
  await world.bind({ conversationId: "c1", target: "builder" });
  const notify = [{ channelId: TELEGRAM, conversationId: "ida" }];
  await ask("PUT", "/v1/people/ida", { name: "ida", role: "operator", notify });
  return {
    ...world,
    builder,
    /** builder begins to work on what is said in the chat. */
    async work() {
      const [said] = (await event()).body.messages;
      return (await ask("POST", "/v1/runs", { task: "Ship it", messageId: said.id }, builder)).body;
    },
    async posts() {
      const items = await claim();
      for (const { message, claim: held } of items)
        await ask("POST", `/v1/messages/${message.id}/complete`, { token: held.token }, adapter);
      return items.map(({ message }) => message);
    },
    press: (id: string) => event({ type: "button", text: undefined, button: { id } }),
    waiting: async () => (await ask("GET", "/v1/approvals?state=pending")).body.items,
  };
}

type World = Awaited<ReturnType<typeof start>>;
const post =
  (path: string, body: object, how: object = {}) =>
  (world: World, by: Worker) =>
    world.ask("POST", path, body, { ...by, ...how });

const WAYS: [name: string, send: (world: World, by: Worker, run: { token: string }) => Promise<unknown>][] = [
  ["a message to its provider", post("/v1/messages", { to: "orchestrator:box/codex", body: "Test it" })],
  ["work", post("/v1/messages", { to: "orchestrator:box/codex", body: "Test it", claimable: true })],
  ["a batch", post("/v1/messages/batch", { messages: [{ to: "orchestrator:box/codex", body: "Test it" }] })],
  ["a delegation", post("/v1/delegations", { to: "orchestrator:box/codex", text: "Test it" })],
  ["a task", post("/v1/tasks", { title: "Test it", target: "orchestrator:box/codex" })],
  [
    "a run below its own",
    async (world, by, { token }) => {
      await post("/v1/messages", { to: "orchestrator:box/codex", body: "first" })(world, by);
      const [first] = await world.waiting();
      await world.ask("POST", `/v1/approvals/${first.id}/answer`, { option: "deny", hash: first.hash });
      await world.posts();
      const headers = { "signalbox-run": token };
      return post("/v1/runs", { agentId: TO, task: "Test it" }, { headers })(world, by);
    },
  ],
];

describe("an agent that would be started", () => {
  test.each(WAYS)(
    "G14: by %s it is asked about in the chat that the work came from, and goes on by a button there",
    async (_, send) => {
      const world = await start();
      await world.ask("PUT", "/v1/people/ada", {
        name: "ada",
        role: "member",
        senders: [{ channelId: TELEGRAM, senderId: "9" }],
      });
      await send(world, world.builder, await world.work());
      const [asked] = await world.waiting();
      expect(asked).toMatchObject({ kind: "spawn", runId: null });
      expect(asked.askedOf).toMatchObject([
        { personId: "ada", conversation: { channelId: TELEGRAM, conversationId: "c1" } },
      ]);
      const cards = await world.posts();
      expect(cards).toHaveLength(1);
      expect(cards[0].payload.conversation.conversationId).toBe("c1");
      await world.press(cards[0].payload.buttons[0][0].id);
      const { state, answer } = (await world.ask("GET", `/v1/approvals/${asked.id}`)).body;
      expect([state, answer.person, answer.option]).toEqual(["answered", "ada", "allow"]);
      await world.relay.settle();
      const inbox = (await world.ask("GET", `/v1/agents/${TO}/inbox?after=0`)).body.items;
      const got = inbox.filter(
        (one: { kind: string; body: string }) => one.kind !== "control" && one.body.includes("Test it"),
      );
      expect(got).toHaveLength(1);
    },
  );

  test("G14: a guest who approves is asked in that chat; where nobody there may decide it is told, and the ladder is asked", async () => {
    const world = await start();
    const { ask, builder, posts, waiting, press } = world;
    const run = await world.work();
    const send = () => post("/v1/messages", { to: "orchestrator:box/codex", body: "Test it" })(world, builder);
    await send();
    const told = await posts();
    expect(told.map(({ payload }) => payload.conversation.conversationId).sort()).toEqual(["c1", "ida"]);
    expect(told.find(({ payload }) => payload.conversation.conversationId === "c1").payload.buttons).toBeUndefined();
    const [first] = await waiting();
    const guest = { senderId: "9", approves: true, name: "Ada" };
    await ask("POST", `/v1/channels/${TELEGRAM}/guests`, guest);
    await send();
    const asked = (await waiting()).find(({ id }: { id: string }) => id !== first.id);
    expect(asked.askedOf).toMatchObject([{ personId: null, conversation: { conversationId: "c1" } }]);
    const [card] = await posts();
    expect(card.payload.conversation.conversationId).toBe("c1");
    // The end of the run that sent it withdraws nothing.
    await ask(
      "POST",
      `/v1/runs/${run.id}/finish`,
      { outcome: "ok", result: "Asked." },
      { ...builder, headers: { "signalbox-run": run.token } },
    );
    await press(card.payload.buttons[0][0].id);
    expect((await ask("GET", `/v1/approvals/${asked.id}`)).body.state).toBe("answered");
  });

  test("G14: by way of a second agent it is asked about in the chat where the first was told to", async () => {
    const world = await start();
    const { ask, builder, posts } = world;
    await ask("PUT", "/v1/people/ada", {
      name: "ada",
      role: "member",
      senders: [{ channelId: TELEGRAM, senderId: "9" }],
    });
    await ask("PATCH", "/v1/orchestrators/box", { spawners: ["tester"] });
    const tester = await world.agent("tester");
    const run = await world.work();
    const headers = { "signalbox-run": run.token };
    const { messageId } = (
      await ask("POST", "/v1/delegations", { to: "tester", text: "Test it" }, { ...builder, headers })
    ).body;
    await ask("POST", "/v1/runs", { task: "Test it", messageId }, tester);
    await post("/v1/messages", { to: "orchestrator:box/codex", body: "Run the tests" })(world, tester);
    const [card] = await posts();
    expect(card.payload).toMatchObject({
      conversation: { conversationId: "c1" },
      buttons: [[{ text: "Allow" }], [{ text: "Deny" }]],
    });
  });

  test("a chat of Telegram shows the card with its buttons, and a press lets the message go", async () => {
    const world = await startChat(createFakeTelegram);
    const { relay, chat, agent } = world;
    await addBox(relay);
    await relay.ask("PATCH", "/v1/orchestrators/box", { spawners: [agent.id] });
    await (await world.run()).saw("ready");
    const channelId = (await relay.ask("GET", "/v1/channels")).body.items[0].id;
    const senders = [{ channelId, senderId: "99" }];
    await relay.ask("PUT", "/v1/people/ada", { name: "Ada", role: "member", senders });
    chat.say({ conversation: "-100200", text: "Ship it." });
    await until(async () => (await world.inbox()).length > 0, "the question");
    const [event] = await world.inbox();
    await relay.ask("POST", "/v1/runs", { task: "Ship it.", messageId: event.id }, agent);
    await relay.ask("POST", "/v1/messages", { to: "orchestrator:box/codex", body: "Test it" }, agent);
    const card = () => chat.posted.find(({ buttons }) => buttons.length > 0);
    await until(() => card() !== undefined, "the card");
    expect(card()).toMatchObject({ conversation: "-100200" });
    const allow = card()
      ?.buttons.flat()
      .find(({ text }) => text === "Allow");
    chat.press(card()?.externalId ?? "", allow?.id ?? "");
    const inbox = async () => (await relay.ask("GET", `/v1/agents/${TO}/inbox?after=0`)).body.items;
    await until(async () => {
      await relay.relay.settle();
      return (await inbox()).length > 0;
    }, "the message");
  });
});

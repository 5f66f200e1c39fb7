import { describe, expect, test } from "bun:test";
import { type ChatWorld, type Running, startChat } from "../support/adapter.ts";
import type { FakeChat } from "../support/chat.ts";
import { createFakeSlack } from "../support/slack.ts";
import { createFakeTelegram } from "../support/telegram.ts";
import { until } from "../support/until.ts";

// Some tests start two dozen relays: on a busy machine that takes its time.
/** Every adapter is accepted by this suite. Where a platform cannot do something, the adapter says why. */
const ADAPTERS: { make: () => FakeChat; chat: string; thread: string }[] = [
  { make: createFakeTelegram, chat: "-100200", thread: "7" },
  { make: createFakeSlack, chat: "C0GENERAL", thread: "1700000000.000100" },
];

for (const { make, chat: conversation, thread } of ADAPTERS) {
  const start = () => startChat(make);
  const place = (world: ChatWorld, more = {}) => ({
    channelId: world.channelId,
    conversationId: conversation,
    ...more,
  });

  describe(`${make().name}`, () => {
    test("what somebody writes reaches the agent it is bound to, once, with who and where", async () => {
      const world = await start();
      const running = world.run();
      await running.saw("ready");
      const externalId = world.chat.say({ conversation, thread, text: "Is it <up> & running?" });
      await running.saw("received");
      world.chat.repeat();
      await until(() => world.chat.waiting() === 0);
      const mail = await world.inbox();
      expect(mail).toHaveLength(1);
      expect(mail[0].body).toBe("Is it <up> & running?");
      expect(mail[0].from).toBe(world.channelId);
      expect(mail[0].payload.conversation).toEqual(place(world, { threadId: thread }));
      expect(mail[0].payload.externalId).toBe(externalId);
      expect(mail[0].payload.sender.name).toMatch(/^Ada/);
    });

    test("an answer goes back to the conversation and the thread that it answers", async () => {
      const world = await start();
      const running = world.run();
      await running.saw("ready");
      world.chat.say({ conversation, thread, text: "in the thread" });
      world.chat.say({ conversation, text: "beside it" });
      await running.saw("received", 2);
      const [threaded, plain] = await world.inbox();
      await world.send({ body: "to the thread", replyTo: threaded.id });
      await world.send({ body: "beside", replyTo: plain.id });
      await running.saw("posted", 2);
      const placed = world.chat.posted.map(({ text, conversation: at, thread: within }) => [text, at, within]);
      expect(placed.sort()).toEqual([
        ["beside", conversation, undefined],
        ["to the thread", conversation, thread],
      ]);
    });

    test("what waited while nobody read comes in at the start", async () => {
      const world = await start();
      world.chat.say({ conversation, text: "first" });
      world.chat.say({ conversation, text: "second" });
      await world.run().saw("received", 2);
      expect((await world.inbox()).map(({ body }) => body)).toEqual(["first", "second"]);
      await until(() => world.chat.waiting() === 0);
    });

    test("a command is one, whoever it is typed by", async () => {
      const world = await start();
      const running = world.run();
      await running.saw("ready");
      world.chat.say({ conversation, text: "/status prod" });
      await running.saw("received");
      const [mail] = await world.inbox();
      expect(mail.body).toBe("/status prod");
      expect(mail.payload.type).toBe("command");
    });

    test("buttons are shown, and pressing one says which, of which message", async () => {
      const world = await start();
      const running = world.run();
      await running.saw("ready");
      const buttons = [
        [
          { id: "yes", text: "Yes" },
          { url: "https://status.example/", text: "Status" },
        ],
      ];
      await world.send({
        body: "Deploy?",
        payload: { conversation: { conversationId: conversation, threadId: thread }, buttons },
      });
      await running.saw("posted");
      const [posted] = world.chat.posted;
      expect(posted?.buttons).toEqual(buttons);
      world.chat.press(posted?.externalId ?? "", "yes");
      await running.saw("received");
      const mail = (await world.inbox()).at(-1);
      expect(mail.payload.type).toBe("button");
      expect(mail.payload.button.id).toBe("yes");
      expect(mail.payload.button.text).toBe("Yes");
      expect(mail.payload.replyToExternalId).toBe(posted?.externalId);
      expect(mail.payload.conversation).toEqual(place(world, { threadId: thread }));
    });

    test("a pressed button shows that it was pressed, once, and keeps its name", async () => {
      const world = await start();
      const running = world.run();
      await running.saw("ready");
      const buttons = [
        [
          { id: "yes", text: "Yes" },
          { id: "no", text: "No" },
        ],
      ];
      await world.send({ body: "Deploy?", payload: { conversation: { conversationId: conversation }, buttons } });
      await running.saw("posted");
      const [posted] = world.chat.posted;
      const labels = () => posted?.buttons.flat().map(({ text }) => text);
      for (const press of [1, 2]) {
        world.chat.press(posted?.externalId ?? "", "yes");
        await running.saw("received", press);
        await until(() => labels()?.[0] === "✓ Yes");
      }
      expect(labels()).toEqual(["✓ Yes", "No"]);
      expect((await world.inbox()).map(({ payload }: { payload: { button: unknown } }) => payload.button)).toEqual([
        { id: "yes", text: "Yes" },
        { id: "yes", text: "Yes" },
      ]);
    });

    test("an edit changes an earlier post in place, with its buttons; one that is gone is followed by a post", async () => {
      const world = await start();
      const running = world.run();
      await running.saw("ready");
      const buttons = [[{ id: "yes", text: "Yes" }]];
      const payload = { conversation: { conversationId: conversation } };
      const id = await world.send({ body: "Deploy?", payload: { ...payload, buttons } });
      await running.saw("posted");
      const [posted] = world.chat.posted;
      world.chat.press(posted?.externalId ?? "", "yes");
      await world.send({ body: "Deployed.", payload: { ...payload, edit: { messageId: id, text: "Deploy? Done." } } });
      await running.saw("posted", 2);
      await running.saw("received");
      expect(world.chat.posted).toMatchObject([{ text: "Deploy? Done.", buttons: [] }]);
      const unposted = await world.send({ body: "Twice.", payload: { ...payload, edit: { messageId: id } } });
      await world.send({ body: "Later.", payload: { ...payload, edit: { messageId: unposted, text: "Never." } } });
      await running.saw("posted", 4);
      expect(world.chat.posted.map(({ text }) => text)).toEqual(["Twice.", "Later."]);
    });

    for (const [file, type] of [
      ["notes.pdf", "application/pdf"],
      ["shot.jpg", "image/jpeg"],
    ] as const) {
      test(`a file (${type}) comes in with its bytes, and goes out with them`, async () => {
        const world = await start();
        const running = world.run();
        await running.saw("ready");
        const bytes = crypto.getRandomValues(new Uint8Array(60_000));
        world.chat.say({ conversation, thread, text: "look", file: { name: file, type, bytes } });
        await running.saw("received");
        const [mail] = await world.inbox();
        const [attached] = mail.payload.attachments;
        expect(mail.body).toBe("look");
        expect(attached).toMatchObject({ type, size: bytes.length });
        expect(await world.download(attached.fileId)).toEqual(bytes);

        const fileId = await world.upload(`our ${file}`, type, bytes);
        const id = await world.send({ body: "here", replyTo: mail.id, payload: { files: [{ fileId }] } });
        await running.saw("posted");
        const [text, sent] = world.chat.posted;
        expect(text).toMatchObject({ text: "here", conversation, thread });
        expect(sent).toMatchObject({ conversation, thread });
        expect(sent?.file?.name).toMatch(/^our[ _]/);
        expect(sent?.file?.bytes).toEqual(bytes);
        const [posted] = running.events.filter((event) => event.type === "posted");
        expect(posted).toMatchObject({ messageId: id, externalIds: world.chat.posted.map((one) => one.externalId) });
      });
    }

    test("a file that cannot be carried does not keep the text back", async () => {
      const world = await startChat(make, { fileMaxBytes: 1000 });
      const running = world.run();
      await running.saw("ready");
      const file = { name: "big.pdf", type: "application/pdf", bytes: new Uint8Array(2000) };
      world.chat.say({ conversation, text: "look", file });
      await running.saw("received");
      const [mail] = await world.inbox();
      expect(mail.payload.attachments).toBeUndefined();
      expect(mail.body).toMatch(/^look\n\[big\.pdf: .+\]$/s);
    });

    test("a long text is cut at sensible places, whole, in order, and every part's id is known", async () => {
      const world = await start();
      const running = world.run();
      await running.saw("ready");
      const text = Array.from({ length: 400 }, (_, n) => `Line ${n} has some words & an 🧑‍🚀 in it.`).join("\n");
      const id = await world.send({ body: text, payload: { conversation: { conversationId: conversation } } });
      await running.saw("posted");
      const parts = world.chat.posted.map((one) => one.text ?? "");
      expect(parts.length).toBeGreaterThan(2);
      expect(parts.join("\n")).toBe(text);
      expect(Math.max(...parts.map((part) => part.length))).toBeLessThanOrEqual(world.chat.limit);
      const [done] = running.events.filter((event) => event.type === "posted");
      expect(done).toMatchObject({ messageId: id, externalIds: world.chat.posted.map((one) => one.externalId) });
      await until(async () => (await world.stateOf(id)) === "done");
    });

    test("messages of one conversation come in the order in which they were sent", async () => {
      const world = await start();
      const texts = Array.from({ length: 12 }, (_, n) => `number ${n}`);
      for (const body of texts) await world.send({ body, payload: { conversation: { conversationId: conversation } } });
      world.chat.fail("limited");
      await world.run().saw("posted", texts.length);
      expect(world.chat.posted.map(({ text }) => text)).toEqual(texts);
    });

    test("a platform that asks for patience gets it", async () => {
      const world = await start();
      const running = world.run();
      await running.saw("ready");
      world.chat.fail("limited", "limited");
      const id = await world.send({ body: "patience", payload: { conversation: { conversationId: conversation } } });
      await running.saw("posted");
      expect(world.chat.posted).toHaveLength(1);
      await until(async () => (await world.stateOf(id)) === "done");
    });

    test("a platform that refuses is not asked again, and the sender is told", async () => {
      const world = await start();
      const running = world.run();
      await running.saw("ready");
      world.chat.fail("refused");
      const id = await world.send({ body: "no", payload: { conversation: { conversationId: conversation } } });
      await running.saw("not-posted");
      await until(async () => (await world.stateOf(id)) === "dead");
      expect(world.chat.posted).toEqual([]);
      const told = (await world.inbox()).at(-1);
      expect(told).toMatchObject({ from: "system", payload: { messageId: id, failure: "permanent" } });
    });

    test("an account that answers nothing but errors is given up on in words, and nothing is posted twice", async () => {
      const world = await start();
      const running = world.run();
      await running.saw("ready");
      world.chat.fail("cut", "cut", "cut", "cut", "done-500");
      const id = await world.send({ body: "once", payload: { conversation: { conversationId: conversation } } });
      await until(async () => ["done", "dead"].includes(await world.stateOf(id)));
      if (world.chat.canTell) expect(await world.stateOf(id)).toBe("dead");
      expect(world.chat.posted).toEqual([]);
      expect((await world.inbox()).at(-1)).toMatchObject({ payload: { messageId: id, failure: "ambiguous" } });
    });

    for (const fault of ["done-500", "done-cut", "cut"] as const) {
      test(`G5: a post whose end nobody knows (${fault}) is never made twice`, async () => {
        const world = await start();
        const running = world.run();
        await running.saw("ready");
        world.chat.fail(fault);
        const id = await world.send({ body: "once", payload: { conversation: { conversationId: conversation } } });
        await until(async () => ["done", "dead"].includes(await world.stateOf(id)));
        await settled(world, id, fault === "cut" ? 0 : 1);
      });
    }

    test("a second process waits, and takes over when the first dies; neither reads beside the other", async () => {
      const world = await start();
      const first = world.run();
      await first.saw("ready");
      const second = world.run();
      await second.saw("standby");
      world.chat.say({ conversation, text: "to the first" });
      await first.saw("received");
      expect(second.events.map(({ type }) => type)).toEqual(["standby"]);
      first.kill();
      world.chat.say({ conversation, text: "to the second" });
      await second.saw("received");
      expect((await world.inbox()).map(({ body }) => body)).toEqual(["to the first", "to the second"]);
      expect(world.chat.readers.most).toBe(1);
    });

    test("a process that stops leaves at once to whoever waits, and finishes what it had begun", async () => {
      const world = await start();
      const first = world.run();
      await first.saw("ready");
      const second = world.run({ pace: { deadMs: 1e9, pollMs: 2_500 } });
      await second.saw("standby");
      const id = await world.send({ body: "a last word", payload: { conversation: { conversationId: conversation } } });
      await first.saw("posted");
      await first.stop();
      await second.saw("ready");
      expect(await world.stateOf(id)).toBe("done");
      expect(world.chat.readers.most).toBe(1);
    });

    test("a process that died on the same machine is not waited for", async () => {
      const world = await start();
      const pace = { deadMs: 1e9, pollMs: 2_500 };
      const first = world.run({ host: "here" });
      await first.saw("ready");
      const second = world.run({ host: "here", pace });
      await second.saw("standby");
      first.kill();
      await second.saw("ready");
      expect(world.chat.readers.most).toBe(1);
    });

    test("a process with the channel agent's own token waits its turn as well, and needs no other rights", async () => {
      const world = await start();
      const { body } = await world.relay.ask("POST", "/v1/tokens", { role: "agent", agentId: world.channelId });
      const first = world.run({ token: body.token });
      await first.saw("ready");
      const second = world.run({ token: body.token });
      await second.saw("standby");
      first.kill();
      await second.saw("ready");
      world.chat.say({ conversation, text: "heard" });
      await second.saw("received");
      expect(world.chat.readers.most).toBe(1);
    });

    test("an adapter of another make that takes over is left alone", async () => {
      const world = await start();
      const running = world.run();
      await running.saw("ready");
      await world.relay.ask("PUT", `/v1/agents/${world.channelId}`, { name: "Chat", instanceId: "other", meta: null });
      expect(await running.ended).toMatchObject({ code: "superseded" });
      await until(() => world.chat.readers.now === 0);
    });

    test("a connection that is cut is made again", async () => {
      const world = await start();
      const running = world.run();
      await running.saw("ready");
      world.chat.cut();
      await running.saw("ready", 2);
      world.chat.say({ conversation, text: "back again" });
      await running.saw("received");
    });

    test("an adapter that hears nothing says so, and misses nothing when it hears again", async () => {
      const world = await start();
      const running = world.run({ pace: { probeMs: 15_000 } });
      await running.saw("ready");
      const isReady = async () => (await world.relay.ask("GET", `/v1/agents/${world.channelId}`)).body.ready;
      await until(isReady);
      world.chat.deafen();
      world.chat.say({ conversation, text: "can you hear me?" });
      await running.saw("not-ready");
      await until(async () => !(await isReady()));
      const metrics = String((await world.relay.ask("GET", "/metrics")).body);
      expect(metrics).toContain(`signalbox_channel_ready{channel="${world.channelId}"} 0`);
      world.chat.hear();
      await running.saw("received");
      await until(isReady);
    });

    test("an account that is refused ends the adapter, which is then not ready", async () => {
      const world = await start();
      const running = world.run();
      await running.saw("ready");
      world.chat.revoke();
      expect(await running.ended).toMatchObject({ failure: "permanent", code: "unauthorized" });
      const { body } = await world.relay.ask("GET", `/v1/agents/${world.channelId}`);
      expect(body.ready).toBe(false);
    });

    test("a relay that restarts loses nothing of what comes in and goes out", async () => {
      const world = await start();
      const running = world.run();
      await running.saw("ready");
      await world.relay.restart();
      world.chat.say({ conversation, text: "after the restart" });
      await world.send({ body: "and back", payload: { conversation: { conversationId: conversation } } });
      await running.saw("received");
      await running.saw("posted");
      expect(await world.inbox()).toHaveLength(1);
      expect(world.chat.posted).toHaveLength(1);
    });

    test("G3: whatever step a process dies at, what comes in is stored once", async () => {
      const dry = await incoming(await start());
      expect(dry.length).toBeGreaterThan(3);
      await atEach(dry, (world, killAt) => incoming(world, { killAt }));
    });

    test("G7: whatever step the relay restarts at, what comes in is stored once and what goes out is posted once", async () => {
      const dry = { incoming: await incoming(await start()), outgoing: await outgoing(await start()) };
      await atEach(dry.incoming, (world, restartAt) => incoming(world, { restartAt }));
      await atEach(dry.outgoing, async (world, restartAt) => {
        const before = world.chat.posted.length;
        await outgoing(world, { restartAt });
        // The adapter lives, so it knows what it has posted.
        expect(world.chat.posted.slice(before)).toHaveLength(3);
      });
    });

    test("G5: whatever step a process dies at, what goes out is posted once or its sender is told", async () => {
      const dry = await outgoing(await start());
      expect(dry.length).toBeGreaterThan(8);
      // The same texts and a file of the same name were posted shortly before.
      await atEach(dry, (world, killAt) => outgoing(world, { killAt }));
    });
  });

  /** Tries every step, in a few worlds side by side: a step is mostly waiting, and its cost mostly the start of a world. */
  async function atEach(steps: string[], attempt: (world: ChatWorld, step: number) => Promise<unknown>): Promise<void> {
    const left = [...steps.keys()];
    const attempts = Array.from({ length: 4 }, async () => {
      const world = await start();
      for (let step = left.shift(); step !== undefined; step = left.shift()) await attempt(world, step);
    });
    await Promise.all(attempts);
  }

  /** At which step of the first process something happens. */
  type At = { killAt?: number; restartAt?: number };

  /** Posted as often as that, and the relay's state says the same as the chat. */
  async function settled(world: ChatWorld, id: number, seen: number): Promise<void> {
    const state = await world.stateOf(id);
    const { posted, canTell } = world.chat;
    if (canTell) {
      expect(posted).toHaveLength(1);
      expect(state).toBe("done");
      return;
    }
    expect(posted).toHaveLength(seen);
    expect(state).toBe("dead");
    const told = (await world.inbox()).at(-1);
    expect(told).toMatchObject({ from: "system", payload: { messageId: id, failure: "ambiguous" } });
  }

  async function incoming(world: ChatWorld, at: At = {}): Promise<string[]> {
    const before = (await world.inbox()).length;
    const first = world.run(at);
    await first.saw("ready");
    world.chat.say({ conversation, thread, text: "one" });
    const file = { name: "two.txt", type: "text/plain", bytes: new TextEncoder().encode("2") };
    world.chat.say({ conversation, thread, text: "two", file });
    const arrived = async () => (await world.inbox()).slice(before).map(({ body }) => body);
    await takeOver(world, first, at, async () => (await arrived()).length >= 2 && world.chat.waiting() === 0);
    expect(await arrived()).toEqual(["one", "two"]);
    return first.steps;
  }

  async function outgoing(world: ChatWorld, at: At = {}): Promise<string[]> {
    const before = world.chat.posted.length;
    const first = world.run(at);
    await first.saw("ready");
    const body = `${"a".repeat(world.chat.limit - 1)}\n${"b".repeat(100)}`;
    const fileId = await world.upload("c.txt", "text/plain", new TextEncoder().encode("c"));
    const payload = { conversation: { conversationId: conversation, threadId: thread }, files: [{ fileId }] };
    const id = await world.send({ body, payload });
    await takeOver(world, first, at, async () => ["done", "dead"].includes(await world.stateOf(id)));
    const texts = world.chat.posted.slice(before).map(({ text, file }) => file?.name[0] ?? text?.[0]);
    expect(new Set(texts).size).toBe(texts.length);
    if ((await world.stateOf(id)) === "done") {
      expect(texts).toEqual(["a", "b", "c"]);
    } else {
      expect(world.chat.canTell).toBe(false);
      expect((await world.inbox()).at(-1)).toMatchObject({ payload: { messageId: id, failure: "ambiguous" } });
    }
    return first.steps;
  }

  /** When the first process dies, another takes over. Neither lives on. */
  async function takeOver(world: ChatWorld, first: Running, at: At, done: () => Promise<boolean>) {
    const { killAt } = at;
    let last = first;
    if (killAt !== undefined) {
      await until(() => first.steps.length > killAt);
      last = world.run();
    }
    await until(done).catch((error) => {
      throw new Error(`${error.message}\n${JSON.stringify({ at, steps: first.steps, events: first.events })}`);
    });
    await last.stop();
  }
}

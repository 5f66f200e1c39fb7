import { afterEach, describe, expect, test } from "bun:test";
import type { AdapterEvent } from "../../src/adapters/events.ts";
import { createClient } from "../../src/client/client.ts";
import type { FakeChat } from "../support/chat.ts";
import { startCli, tempFolder } from "../support/cli-harness.ts";
import { operatorOf, type Relay, startRelay } from "../support/client-relay.ts";
import { startServer } from "../support/server.ts";
import { createFakeSlack } from "../support/slack.ts";
import { createFakeTelegram } from "../support/telegram.ts";
import { until } from "../support/until.ts";

// Processes are started here: on a busy machine that takes its time.
const ends: (() => unknown)[] = [];
afterEach(async () => {
  for (const end of ends.splice(0).reverse()) await end();
});

async function freshRelay(): Promise<Relay> {
  const folder = tempFolder();
  ends.push(folder.remove);
  const relay = await startRelay(folder.path);
  ends.push(() => relay.stop());
  return relay;
}

const secretsOf = (chat: FakeChat) => Object.values(chat.environment).filter((value) => !value.startsWith("http"));

const CASES: { make: () => FakeChat; id: string; conversation: string }[] = [
  { make: createFakeTelegram, id: "telegram:fake_bot", conversation: "-100200" },
  { make: createFakeSlack, id: "slack:fake.fakebot", conversation: "C0GENERAL" },
];

for (const { make, id, conversation } of CASES) {
  const { name } = make();

  /** `signalbox channel run`, as an operator on the server's machine runs it. */
  function runChannel(relay: Relay, chat: FakeChat) {
    const args = ["channel", "run", name, "--data", relay.dataDir, "--target", "helper", "--json"];
    const program = startCli(args, { env: chat.environment });
    ends.push(() => program.child.kill("SIGKILL"));
    const events = (): AdapterEvent[] =>
      program
        .printed()
        .split("\n")
        .slice(0, -1)
        .map((line) => JSON.parse(line));
    const saw = (type: AdapterEvent["type"], count = 1) =>
      until(() => events().filter((event) => event.type === type).length >= count, `${name}: ${type}`);
    return { ...program, events, saw };
  }

  describe(`${name} as a process of its own`, () => {
    test(`${name} as a process of its own carries both ways, is taken over when it is killed, and stops when it is asked to`, async () => {
      const relay = await freshRelay();
      const operator = operatorOf(relay);
      await operator.agents.register("helper", { name: "Helper" });
      const chat = make();
      ends.push(() => chat.close());

      const first = runChannel(relay, chat);
      await first.saw("ready");
      await operator.channels.addGuest(id, { conversationId: conversation });
      chat.say({ conversation, text: "are you there?" });
      await first.saw("received");
      const [event] = (await operator.inbox.read({}, { agentId: "helper" })).items;
      expect(event).toMatchObject({ from: id, body: "are you there?", kind: "channel.event" });
      await operator.messages.send({ from: "helper", to: id, body: "yes", replyTo: event?.id ?? 0 });
      await first.saw("posted");
      expect(chat.posted).toMatchObject([{ conversation, text: "yes" }]);

      first.child.kill("SIGTERM");
      const ended = await first.ended;
      expect({ code: ended.code, stderr: ended.stderr }).toEqual({ code: 0, stderr: "" });
      expect(await operator.agents.get(id)).toMatchObject({ status: "offline", ready: false });
      for (const secret of secretsOf(chat)) expect(ended.stdout).not.toContain(secret);

      const second = runChannel(relay, chat);
      await second.saw("ready");
      second.child.kill("SIGKILL");
      await second.ended;
      await operator.messages.send({ from: "helper", to: id, body: "still there?", replyTo: event?.id ?? 0 });
      await runChannel(relay, chat).saw("posted");
      expect(chat.posted.map(({ text }) => text)).toEqual(["yes", "still there?"]);
    });

    test(`${name} as a process of its own says what is missing, and what the platform will not have`, async () => {
      const relay = await freshRelay();
      const bare = startCli(["channel", "run", name, "--data", relay.dataDir]);
      const missing = await bare.ended;
      expect(missing.code).toBe(2);
      expect(missing.stderr).toContain("SIGNALBOX_");
      const chat = make();
      ends.push(() => chat.close());
      chat.revoke();
      const refused = await runChannel(relay, chat).ended;
      expect(refused.code).toBe(1);
      expect(refused.stderr).toMatch(/(Telegram|Slack) says/);
    });
  });

  describe(`${name} inside the server`, () => {
    test(`${name} inside the server runs when the settings name it, survives the server's death, and keeps its secrets to itself`, async () => {
      const chat = make();
      ends.push(() => chat.close());
      const server = await startServer({ env: chat.environment });
      const operator = createClient({ url: server.url, token: server.operatorToken });
      await operator.agents.register("helper", { name: "Helper" });
      await until(async () => (await operator.agents.get(id).catch(() => undefined))?.ready === true);
      await operator.channels.bind(id, { target: "helper" });
      await operator.channels.addGuest(id, { conversationId: conversation });
      chat.say({ conversation, text: "one" });
      const mail = async () => (await operator.inbox.read({}, { agentId: "helper" })).items;
      await until(async () => (await mail()).length === 1);

      await server.kill();
      chat.cut();
      chat.say({ conversation, text: "two" });
      const { dataDir } = server;
      const again = await startServer({ dataDir, port: Number(new URL(server.url).port), env: chat.environment });
      await until(async () => (await mail()).length === 2);
      await operator.messages.send({ from: "helper", to: id, body: "three", replyTo: (await mail())[1]?.id ?? 0 });
      await until(() => chat.posted.length === 1);
      expect(chat.posted).toMatchObject([{ conversation, text: "three" }]);
      expect(await again.stop()).toBe(0);
      expect(chat.readers.now).toBe(0);
      expect(again.output()).toContain(`${id}: events reach us`);
      for (const secret of secretsOf(chat)) expect(server.output() + again.output()).not.toContain(secret);
    });
  });
}

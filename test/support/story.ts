import { expect } from "bun:test";
import { createClient } from "../../src/client/client.ts";
import type { DaemonConfigInput } from "../../src/daemon/config.ts";
import { type BoxOptions, startBox } from "./box.ts";
import type { Posted } from "./chat.ts";
import { atEnd } from "./ending.ts";
import { markedFromOutside } from "./providers/processes.ts";
import { startServer } from "./server.ts";
import { createFakeTelegram } from "./telegram.ts";
import { until } from "./until.ts";

const BOT = "telegram:fake_bot";
const [GROUP, TOPIC, ADA] = ["-1007", "5", "99"];

type Providers = DaemonConfigInput["providers"];

/** A relay, two machines and a group in Telegram, in which Ada, a member, writes to `one-claude`. */
export async function openStory(one: Providers, two: Providers, box: BoxOptions & { waitSeconds: number }) {
  const telegram = createFakeTelegram();
  atEnd(telegram.close);
  const server = await startServer({ env: telegram.environment });
  const client = createClient({ url: server.url, token: server.operatorToken });
  await until(async () => (await client.channels.list()).items.some(({ id }) => id === BOT), "the bot's channel");
  const { waitSeconds, ...options } = box;
  const shared = { approvalMode: "open", waitSeconds } as const;
  const [first, second] = await Promise.all([
    startBox(client, server.url, { ...shared, id: "one", providers: one }, options),
    startBox(client, server.url, { ...shared, id: "two", providers: two, spawners: ["one-*"] }, options),
  ]);
  const senders = [{ channelId: BOT, senderId: ADA }];
  await client.people.put("ada", { name: "Ada", role: "member", senders });
  await client.channels.bind(BOT, { target: "one-claude", conversationId: GROUP, also: ["one-words"] });
  const { posted } = telegram;
  const seen = new Set<Posted>();

  /** The next post that nobody has waited for yet. It is in the chat and thread of the story. */
  async function post(): Promise<Posted> {
    const next = () => posted.find((one) => !seen.has(one));
    await until(() => next() !== undefined, `a post after ${JSON.stringify(posted.map(({ text }) => text))}`);
    const found = next();
    if (!found) throw new Error("no post");
    seen.add(found);
    expect(found).toMatchObject({ conversation: GROUP, thread: TOPIC });
    return found;
  }

  return {
    ...{ telegram, client, one: first, two: second, post },
    say: (text: string): string => telegram.say({ conversation: GROUP, thread: TOPIC, text }),
    text: async (): Promise<string | undefined> => (await post()).text,
    /** Presses a button of a post. */
    press(card: Posted, label: string): void {
      const button = card.buttons.flat().find(({ text }) => text === label);
      if (!button?.id) throw new Error(`${card.text} has no button ${label}`);
      telegram.press(card.externalId, button.id);
    },
    live: async (agent: string) => (await client.sessions.list({ agent, live: "true" })).items,
    /** Steps of the way of the first message to an agent. */
    async stepsOf(to: string): Promise<string[]> {
      const { items } = await client.messages.list({ to, limit: 100 });
      return (await client.messages.explain(items.at(-1)?.id ?? 0)).facts.map(({ step }) => step);
    },
    /** Marked processes of all sessions that there were, counted from outside. */
    async left(): Promise<number[]> {
      const { items } = await client.sessions.list({ limit: 100 });
      return items.flatMap(({ id }) => markedFromOutside(id));
    },
  };
}

import { expect, test } from "bun:test";
import { execFileSync } from "node:child_process";
import { existsSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { createClient } from "../../src/client/client.ts";
import { startBox } from "../support/box.ts";
import { atEnd } from "../support/ending.ts";
import { ROOT } from "../support/markdown.ts";
import { markedFromOutside } from "../support/providers/processes.ts";
import { startServer } from "../support/server.ts";
import { createFakeTelegram } from "../support/telegram.ts";
import { until } from "../support/until.ts";

const BOT = "telegram:fake_bot";
const [GROUP, TOPIC, ADA] = ["-1007", "5", "99"];
const program = (name: string) => join(import.meta.dir, `../support/providers/${name}-program.ts`);
const stand = (name: string, kind: "claude" | "codex" | "acp", ...args: string[]) => ({
  ...{ name, kind, command: process.execPath },
  args: [program(kind), ...args],
});

async function openWorld() {
  const telegram = createFakeTelegram();
  atEnd(telegram.close);
  const server = await startServer({ env: telegram.environment });
  const client = createClient({ url: server.url, token: server.operatorToken });
  await until(async () => (await client.channels.list()).items.some(({ id }) => id === BOT), "the bot's channel");
  const [one, two] = await Promise.all([
    startBox(client, server.url, {
      ...{ id: "one", waitSeconds: 1, approvalMode: "open" },
      providers: [
        stand("claude", "claude"),
        { name: "words", kind: "command", command: "python3", args: [join(ROOT, "examples/agent.py")] },
      ],
    }),
    startBox(client, server.url, {
      ...{ id: "two", approvalMode: "open", spawners: ["one-*"] },
      providers: [stand("codex", "codex"), stand("gemini", "acp", "full")],
    }),
  ]);
  const senders = [{ channelId: BOT, senderId: ADA }];
  await client.people.put("ada", { name: "Ada", role: "member", senders });
  await client.channels.bind(BOT, { target: "one-claude", conversationId: GROUP, also: ["one-words"] });
  const { posted } = telegram;
  return {
    ...{ telegram, client, one, two },
    say: (text: string) => telegram.say({ conversation: GROUP, thread: TOPIC, text }),
    /** The next post that nobody has waited for yet. */
    async post(at: number) {
      await until(() => posted.length > at, `post ${at}; posted: ${JSON.stringify(posted.map(({ text }) => text))}`);
      const post = posted[at];
      if (!post) throw new Error("no post");
      expect(post).toMatchObject({ conversation: GROUP, thread: TOPIC });
      return post;
    },
    live: async (agent: string) => (await client.sessions.list({ agent, live: "true" })).items,
  };
}

test("two machines work for one chat, and nothing of it is lost, mixed up or left behind (G12, G13)", async () => {
  const { telegram, client, one, two, say, post, live } = await openWorld();
  const text = async (at: number) => (await post(at)).text;

  // Claude Code asks Codex on the other machine, and waits.
  const first = say("delegate two-codex run until [ -e go ]; do sleep 0.05; done\\nsay say Three tests fail.");
  await until(async () => (await live("two-codex")).some(({ state }) => state === "working"), "Codex at work");
  const [busy] = await live("one-claude");
  const second = say("say Meanwhile.");
  expect(await post(0)).toMatchObject({ text: "Meanwhile.", replyTo: second });
  say("say And this.");
  expect(await text(1)).toBe("And this.");
  const dialogues = await live("one-claude");
  expect(dialogues.map(({ lane }) => lane).toSorted()).toEqual(["background", "main"]);
  expect(dialogues.find(({ id }) => id === busy?.id)?.lane).toBe("background");

  // A look over its shoulder leaves it as it is.
  const peeked = await one.command({ do: "peek", sessionId: busy?.id ?? "" });
  expect(JSON.stringify(peeked)).toContain("delegate");

  // Codex ends. The dialogue has gone on, so the main session says the result, as the answer to what was asked first.
  writeFileSync(join(two.workspace, "go"), "");
  expect(await post(2)).toMatchObject({ text: "Three tests fail.", replyTo: first });
  const asked = (await client.messages.list({ to: "one-claude", limit: 50 })).items.at(-1);
  const story = await client.messages.explain(asked?.id ?? 0);
  const steps = story.facts.map(({ step }) => step);
  expect(steps).toContain("in-turn");
  const [toCodex] = (await client.messages.list({ to: "two-codex", kind: "request" })).items;
  const other = await client.messages.explain(toCodex?.id ?? 0);
  expect(other.facts.map(({ step }) => step)).toContain("in-turn");

  // A command waits for a button, runs once it is pressed, and not before.
  say("ask touch approved\nsay It ran.");
  const card = await post(3);
  expect(card.text).toContain("touch approved");
  expect(existsSync(join(one.workspace, "approved"))).toBe(false);
  telegram.press(card.externalId, card.buttons.flat().find((button) => button.text === "Allow")?.id ?? "");
  expect(await text(4)).toBe("It ran.");
  expect(existsSync(join(one.workspace, "approved"))).toBe(true);
  await until(() => card.text?.includes("The agent took it") === true, "the card's end");

  // An answer ends with what git and the tools say, never with what the model says of it.
  const git = (...args: string[]) => execFileSync("git", args, { cwd: one.workspace });
  git("init", "-q", "-b", "main");
  git("remote", "add", "origin", "git@github.com:acme/app.git");
  writeFileSync(join(one.workspace, "gh"), "echo https://github.com/acme/app/pull/7");
  const commit = "git -c user.name=A -c user.email=a@example.org commit -q --allow-empty -m Fix";
  say(
    `run git checkout -q -b fix && ${commit} && sh gh pr create\nsay It is fixed, see https://github.com/acme/app/pull/8`,
  );
  const fixed = (await text(5)) ?? "";
  expect(fixed).toStartWith("It is fixed");
  expect(fixed).toContain("https://github.com/acme/app/pull/7");
  expect(fixed).toContain("fix");

  // Ten lines of Python answer in the same thread, under their name.
  say("@one-words how many words");
  expect(await text(6)).toMatch(/^one-words: \d+ words$/);

  // An ACP agent works, and is killed with all that it has started.
  const prompt = "run setsid sleep 600 & sleep 600";
  const spawned = await two.command({ do: "spawn", provider: "gemini", prompt });
  const sessionId = String(spawned.sessionId);
  await until(() => markedFromOutside(sessionId).length >= 3, "its tools");
  expect(await two.command({ do: "kill", sessionId })).toMatchObject({ ended: true });
  expect(markedFromOutside(sessionId)).toEqual([]);

  expect(telegram.posted).toHaveLength(7);
}, 60_000);

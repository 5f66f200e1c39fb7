import { expect, test } from "bun:test";
import { execFileSync } from "node:child_process";
import { existsSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { ROOT } from "../support/markdown.ts";
import { markedFromOutside } from "../support/providers/processes.ts";
import { openStory } from "../support/story.ts";
import { until } from "../support/until.ts";

const program = (name: string) => join(import.meta.dir, `../support/providers/${name}-program.ts`);
const stand = (name: string, kind: "claude" | "codex" | "acp", ...args: string[]) => ({
  ...{ name, kind, command: process.execPath },
  args: [program(kind), ...args],
});

test("two machines work for one chat, and nothing of it is lost, mixed up or left behind (G12, G13)", async () => {
  const words = {
    name: "words",
    kind: "command" as const,
    command: "python3",
    args: [join(ROOT, "examples/agent.py")],
  };
  const story = await openStory(
    [stand("claude", "claude"), words],
    [stand("codex", "codex"), stand("gemini", "acp", "full")],
    {
      waitSeconds: 1,
    },
  );
  const { telegram, client, one, two, say, post, text, press, live } = story;

  // Claude Code asks Codex on the other machine, and waits.
  const first = say("delegate two-codex run until [ -e go ]; do sleep 0.05; done\\nsay say Three tests fail.");
  await until(async () => (await live("two-codex")).some(({ state }) => state === "working"), "Codex at work");
  const [busy] = await live("one-claude");
  const second = say("say Meanwhile.");
  expect(await post()).toMatchObject({ text: "Meanwhile.", replyTo: second });
  say("say And this.");
  expect(await text()).toBe("And this.");
  const dialogues = await live("one-claude");
  expect(dialogues.map(({ lane }) => lane).toSorted()).toEqual(["background", "main"]);
  expect(dialogues.find(({ id }) => id === busy?.id)?.lane).toBe("background");

  // A look over its shoulder leaves it as it is.
  const peeked = await one.command({ do: "peek", sessionId: busy?.id ?? "" });
  expect(JSON.stringify(peeked)).toContain("delegate");

  // Codex ends. The dialogue has gone on, so the main session says the result, as the answer to what was asked first.
  writeFileSync(join(two.workspace, "go"), "");
  expect(await post()).toMatchObject({ text: "Three tests fail.", replyTo: first });
  expect(await story.stepsOf("one-claude")).toContain("in-turn");
  expect(await story.stepsOf("two-codex")).toContain("in-turn");

  // The delegation hangs on the run that asked, and an answer that its tool had begins nothing of its own.
  const [asked] = (await client.delegations.list({ from: "one-claude" })).items;
  expect([asked?.depth, asked?.parentId]).toEqual([1, expect.stringMatching(/^run_/)]);
  const strays = async () =>
    (await client.sessions.list({ agent: "one-claude", limit: 100 })).items.filter(({ place }) =>
      JSON.stringify(place).includes('{"threadId'),
    );

  // A command waits for a button, runs once it is pressed, and not before.
  say("ask touch approved\nsay It ran.");
  const card = await post();
  expect(card.text).toContain("touch approved");
  expect(existsSync(join(one.workspace, "approved"))).toBe(false);
  press(card, "Allow");
  expect(await text()).toBe("It ran.");
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
  const fixed = (await text()) ?? "";
  expect(fixed).toStartWith("It is fixed");
  expect(fixed).toContain("https://github.com/acme/app/pull/7");
  expect(fixed).toContain("fix");

  // Ten lines of Python answer in the same thread, under their name.
  say("@one-words how many words");
  expect(await text()).toMatch(/^one-words: \d+ words$/);

  // Its provider refuses with a time. The turn waits, is told of once, and goes on when it answers again.
  say("limit limited\nsay It goes on.");
  expect(await text()).toMatch(/^claude is limited\. I go on by myself: it resumes \d\d:\d\d UTC\.$/);
  await until(async () => (await client.limits.list()).items.length === 1, "the limit");
  const [limit] = (await client.limits.list()).items;
  expect(limit).toMatchObject({ provider: "claude", type: "five_hour", rejected: true });
  await client.limits.clear("claude", limit?.account ?? "");
  expect(await text()).toStartWith("It goes on.");

  // A hold ends its turn in the middle of a tool. Lifted, the turn goes on.
  say("run touch began; until [ -e on ]; do sleep 0.05; done\nsay It was held.");
  await until(() => existsSync(join(one.workspace, "began")), "its tool");
  const hold = await client.holds.create({ scope: { orchestratorId: "one" }, reason: "A look" });
  const stopped = async () => (await client.holds.get(hold.id)).sessions.find(({ seen }) => seen === "interrupted");
  await until(async () => (await stopped()) !== undefined, "the turn's stop");
  expect(markedFromOutside((await stopped())?.sessionId ?? "")).toEqual([]);
  writeFileSync(join(one.workspace, "on"), "");
  await client.holds.lift(hold.id);
  expect(await text()).toStartWith("It was held.");

  // Work is killed from the chat, with all that it has started.
  say("run setsid sleep 600 & sleep 600");
  const working = async () => (await live("one-claude")).find(({ state }) => state === "working")?.id ?? "";
  await until(async () => markedFromOutside(await working()).length >= 3, "its tools");
  const killed = await working();
  say(`/kill ${killed}`);
  expect(await text()).toContain("Killed");
  expect(markedFromOutside(killed)).toEqual([]);

  // An ACP agent works, and is killed with all that it has started.
  const prompt = "run setsid sleep 600 & sleep 600";
  const spawned = await two.command({ do: "spawn", provider: "gemini", prompt });
  const sessionId = String(spawned.sessionId);
  await until(() => markedFromOutside(sessionId).length >= 3, "its tools");
  expect(await two.command({ do: "kill", sessionId })).toMatchObject({ ended: true });
  expect(markedFromOutside(sessionId)).toEqual([]);

  expect(await strays()).toEqual([]);
  expect(telegram.posted).toHaveLength(11);
  expect((await client.runs.list({ status: "running" })).items).toEqual([]);
  await Promise.all([one.stop(), two.stop()]);
  expect(await story.left()).toEqual([]);
}, 120_000);

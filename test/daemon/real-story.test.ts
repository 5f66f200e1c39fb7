import { expect, test } from "bun:test";
import { execFileSync } from "node:child_process";
import { existsSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { ROOT } from "../support/markdown.ts";
import { lineModel } from "../support/providers/line-model.ts";
import { codexHome, linesModel } from "../support/providers/lines-model.ts";
import { markedFromOutside } from "../support/providers/processes.ts";
import { openStory } from "../support/story.ts";
import { until } from "../support/until.ts";

/** The story with the CLIs as they are installed, and scripted models on loopback. Opt-in: `bun run test:clients`. */
const CLAUDE = process.env.SIGNALBOX_TEST_CLAUDE;
const CODEX = process.env.SIGNALBOX_TEST_CODEX;
const GEMINI = join(import.meta.dir, "../support/providers/acp-program.ts");

const openWorld = () =>
  openStory(
    [
      { name: "claude", kind: "claude", command: CLAUDE ?? "claude" },
      { name: "words", kind: "command", command: "python3", args: [join(ROOT, "examples/agent.py")] },
    ],
    [
      { name: "codex", kind: "codex", command: CODEX ?? "codex" },
      { name: "gemini", kind: "acp", command: process.execPath, args: [GEMINI, "full"] },
    ],
    {
      waitSeconds: 3,
      environment: {
        ...{ IS_SANDBOX: "1", ANTHROPIC_BASE_URL: lineModel().url, CLAUDE_CODE_OAUTH_TOKEN: "scripted-login" },
        ...{ CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC: "1", DISABLE_TELEMETRY: "1", ENABLE_TOOL_SEARCH: "false" },
        ...{ CLAUDE_CODE_MAX_RETRIES: "0", SCRIPTED_LOGIN: "none" },
      },
      furnish: (home) => codexHome(home, linesModel()),
    },
  );

function repository(workspace: string): void {
  const git = (...args: string[]) => execFileSync("git", args, { cwd: workspace });
  git("init", "-q", "-b", "main");
  git("remote", "add", "origin", "git@github.com:acme/app.git");
  writeFileSync(join(workspace, "gh"), "echo https://github.com/acme/app/pull/7");
}
const FIX =
  "git checkout -q -b fix && git -c user.name=A -c user.email=a@example.org commit -q --allow-empty -m Fix && sh gh pr create";

test.skipIf(!CLAUDE || !CODEX)(
  "the real Claude Code and the real Codex work on two machines for one chat, and nothing is lost or left behind (G12, G13)",
  async () => {
    const story = await openWorld();
    const { client, one, two, say, post, text, press, live } = story;
    repository(one.workspace);

    // Claude Code asks before it runs something, then asks Codex on the other machine, and waits.
    const wait = "until [ -e go ]; do sleep 0.1; done";
    const first = say(`ask ${FIX}\ndelegate two-codex run ${wait}\\nsay say Three tests fail.`);
    const card = await post();
    expect(card.text).toContain("gh pr create");
    press(card, "Allow");
    await until(() => card.text?.includes("The agent took it") === true, "the card's end");
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

    // Codex ends. The main session says the result, as the answer to what was asked first, with the links of the work.
    writeFileSync(join(two.workspace, "go"), "");
    const answer = await post();
    expect(answer.replyTo).toBe(first);
    expect(answer.text).toStartWith("Three tests fail.\n");
    expect(answer.text).toContain("https://github.com/acme/app/pull/7");
    expect(await story.stepsOf("one-claude")).toContain("in-turn");
    expect(await story.stepsOf("two-codex")).toContain("in-turn");

    // Its provider refuses with a time. The turn waits, is told of once, and goes on when it answers again.
    say(`limit ${join(one.folder, "limited")}\nsay It goes on.`);
    expect(await text()).toMatch(/^claude is limited\. I go on by myself: it resumes \d\d:\d\d UTC\.$/);
    await until(async () => (await live("one-claude")).some(({ state }) => state === "limited"), "the limited session");
    await until(async () => (await client.limits.list()).items.length === 1, "the limit");
    const [limit] = (await client.limits.list()).items;
    expect(limit).toMatchObject({ provider: "claude", type: "five_hour", rejected: true });
    await client.limits.clear("claude", limit?.account ?? "");
    expect(await text()).toBe("It goes on.");

    // A hold ends its turn in the middle of a tool. Lifted, the turn goes on: the tool runs again where the CLI had not stored its call.
    say("ask touch began; until [ -e on ]; do sleep 0.1; done\nsay It was held.");
    press(await post(), "Allow");
    await until(() => existsSync(join(one.workspace, "began")), "its tool");
    const hold = await client.holds.create({ scope: { orchestratorId: "one" }, reason: "A look" });
    const stopped = async () => (await client.holds.get(hold.id)).sessions.find(({ seen }) => seen === "interrupted");
    await until(async () => (await stopped()) !== undefined, "the turn's stop");
    expect(markedFromOutside((await stopped())?.sessionId ?? "")).toEqual([]);
    writeFileSync(join(one.workspace, "on"), "");
    await client.holds.lift(hold.id);
    const next = await post();
    if (next.buttons.length > 0) press(next, "Allow");
    expect(next.buttons.length > 0 ? await text() : next.text).toStartWith("It was held.");

    // Ten lines of Python answer in the same thread, under their name.
    say("@one-words how many words");
    expect(await text()).toMatch(/^one-words: \d+ words$/);

    // Work is killed from the chat, with all that it has started.
    say("ask setsid sleep 600 & setsid sleep 600");
    press(await post(), "Allow");
    const killed = (await live("one-claude")).find(({ state }) => state === "working" || state === "asking")?.id ?? "";
    await until(() => markedFromOutside(killed).length >= 3, "its tools");
    say(`/kill ${killed}`);
    expect(await text()).toContain("Killed");
    expect(markedFromOutside(killed)).toEqual([]);

    // An ACP agent as well, by a command.
    const spawned = await two.command({ do: "spawn", provider: "gemini", prompt: "run setsid sleep 600 & sleep 600" });
    const sessionId = String(spawned.sessionId);
    await until(() => markedFromOutside(sessionId).length >= 3, "its tools");
    expect(await two.command({ do: "kill", sessionId })).toMatchObject({ ended: true });
    expect(markedFromOutside(sessionId)).toEqual([]);

    await until(async () => (await client.runs.list({ status: "running" })).items.length === 0, "the end of all runs");
    await Promise.all([one.stop(), two.stop()]);
    expect(await story.left()).toEqual([]);
  },
  180_000,
);

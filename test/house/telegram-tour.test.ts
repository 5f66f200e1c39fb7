import { expect, test } from "bun:test";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { atEnd } from "../support/ending.ts";
import { markedBlocks, readPage } from "../support/markdown.ts";
import { openPageShell } from "../support/page-shell.ts";
import { createFakeTelegram } from "../support/telegram.ts";
import { until } from "../support/until.ts";

const CLAUDE = join(import.meta.dir, "../support/providers/claude-program.ts");
const ME = "99";

test("docs/telegram-tour.md runs as printed: Claude Code answers and asks in Telegram (G14)", async () => {
  const blocks = markedBlocks(readPage("docs/telegram-tour.md").text, "telegram tour");
  expect(blocks).toHaveLength(8);
  const [init = "", start = "", bind = "", waiting = "", letIn = "", person = "", look = "", stop = ""] = blocks.map(
    (block) => block.replaceAll("telegram:your_bot", "telegram:fake_bot"),
  );
  const telegram = createFakeTelegram();
  atEnd(telegram.close);
  const shell = await openPageShell(telegram.environment);
  shell.install("claude", `exec "${process.execPath}" "${CLAUDE}" "$@"`);
  const texts = () => telegram.posted.map(({ text }) => text);
  const say = (text: string) => telegram.say({ conversation: ME, text });
  let printed = () => "";
  const state = () => [...texts(), ...telegram.toasts, `${telegram.waiting()} updates wait`, printed()].join("\n");
  const posted = (count: number) =>
    until(
      () => telegram.posted.length === count,
      () => `post ${count}: ${state()}`,
    );

  expect(await shell.run(init)).toMatch(/the agent box-claude, in \S+\/agents\n.*its token, for you alone/);
  const daemon = shell.begin(start);
  printed = daemon;
  await until(() => daemon().includes("Orchestrator box runs"), "the daemon's start");
  expect(daemon()).toContain('"agents":["box-claude"]');
  expect(await shell.run(bind)).toContain("box-claude");

  say("say Hello?");
  await posted(1);
  const [code = ""] = /\b[A-Z0-9]{8}\b/.exec(texts()[0] ?? "") ?? [];
  expect(await shell.run(waiting)).toContain(`Code ${code}: let Ada L into telegram:fake_bot`);
  await shell.run(letIn);
  await posted(2);
  expect(await shell.run(person)).toContain(ME);

  say("say Two tests fail.");
  await posted(3);
  expect(texts().slice(1)).toEqual(["You are let in. Write again what you want to say.", "Two tests fail."]);
  const looked = await shell.run(look);
  expect(looked).toContain("idle");
  expect(looked).toContain("box-claude");

  say("ask touch tested\nsay The tests pass.");
  await posted(4);
  const [, , , card] = telegram.posted;
  expect(card?.text).toContain("touch tested");
  const made = join(shell.folder, "agents", "tested");
  expect(existsSync(made)).toBe(false);
  const allow = card?.buttons?.flat().find(({ text }) => text === "Allow");
  telegram.press(card?.externalId ?? "", allow?.id ?? "");
  await posted(5);
  expect(texts().at(-1)).toBe("The tests pass.");
  expect(existsSync(made)).toBe(true);
  await until(
    () => (card?.buttons ?? []).length === 0 && card?.text?.includes("The agent took it") === true,
    "the card",
  );

  say("/sessions");
  await posted(6);
  expect(texts().at(-1)).toContain("idle");
  say("/peek");
  await posted(7);
  expect(await shell.run(stop)).toMatch(/Stopped process \d+/);
});

import { type Command, Option } from "commander";
import type { Loop } from "../protocol/loops.ts";
import { contextOf } from "./context.ts";
import { wholeNumber } from "./options.ts";
import { safeLine } from "./screen.ts";
import { timeText } from "./show.ts";

interface ListOptions {
  status?: "paused" | "resumed";
  limit?: number;
  page?: string;
}

/** For operators: where agents answered each other for too long. */
export function addLoopCommands(program: Command): void {
  const loops = program
    .command("loops")
    .description("See and resume chains in which agents answered each other for too long")
    .helpGroup("Messages:");
  loops
    .command("list")
    .description("List them, newest first")
    .addOption(new Option("--status <status>", "chains with this status alone").choices(["paused", "resumed"]))
    .option("--limit <n>", "how many", wholeNumber)
    .option("--page <page>", "from where the last page ended")
    .addHelpText("after", "\nExample:\n  $ signalbox loops list --status paused")
    .action(async ({ status, limit, page }: ListOptions, command: Command) => {
      const { client, out } = contextOf(command);
      const list = await client.loops.list({ status, limit, page });
      const more = list.nextPage === null ? [] : [`There is more: --page ${safeLine(list.nextPage)}`];
      await out.show(list, () =>
        [list.items.length ? out.table(HEAD, list.items.map(rowOf)) : "There are no loops", ...more].join("\n"),
      );
    });
  loops
    .command("resume")
    .description("Let a paused chain go on")
    .argument("<root>", "the message that the chain began with", wholeNumber)
    .addHelpText("after", "\nExample:\n  $ signalbox loops resume 17")
    .action(async (rootId: number, _: object, command: Command) => {
      const { client, out } = contextOf(command);
      const loop = await client.loops.resume(rootId);
      await out.show(loop, () => `The chain of message ${rootId} is ${loop.status}`);
    });
}

const HEAD = ["ROOT", "KIND", "STATUS", "MESSAGE", "SINCE", "BETWEEN"];
const rowOf = ({ rootId, kind, status, messageId, pausedAt, from, to, streak }: Loop): string[] => [
  ...[String(rootId), kind, status, String(messageId), timeText(pausedAt)],
  `${from} → ${to}, ${streak} in a row`,
];

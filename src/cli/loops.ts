import type { Loop } from "../protocol/loops.ts";
import type { CliCommand, QueryOf } from "./commands.ts";
import type { Context } from "./context.ts";
import { wholeNumber } from "./options.ts";
import { timeText } from "./show.ts";

/** For operators: chains in which agents answered each other for too long. */
export function addLoopCommands(program: CliCommand): void {
  const loops = program
    .sub("loops", "See and resume chains in which agents answered each other for too long")
    .helpGroup("Messages:");
  loops
    .sub("list", "List loops, newest first")
    .paged()
    .choice("--status <status>", "with this status", ["paused", "resumed"])
    .example("loops list --status paused")
    .act(list);
  loops
    .sub("resume", "Let a paused chain go on")
    .argument("<root>", "the message that the chain began with", wholeNumber)
    .example("loops resume 17")
    .act(async ({ client, out }, rootId: number) => {
      const loop = await client.loops.resume(rootId);
      await out.show(loop, () => `The chain of message ${rootId} is ${loop.status}`);
    });
}

async function list({ client, out }: Context, query: QueryOf<typeof client.loops.list>): Promise<void> {
  const page = await client.loops.list(query);
  await out.page(page, "There are no loops", (items) => out.table(HEAD, items.map(rowOf)));
}

const HEAD = ["ROOT", "KIND", "STATUS", "MESSAGE", "SINCE", "BETWEEN"];
const rowOf = ({ rootId, kind, status, messageId, pausedAt, from, to, streak }: Loop): string[] => [
  ...[String(rootId), kind, status, String(messageId), timeText(pausedAt)],
  `${from} → ${to}, ${streak} in a row`,
];

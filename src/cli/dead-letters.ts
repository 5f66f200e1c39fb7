import type { Command } from "commander";
import { contextOf } from "./context.ts";
import { wholeNumber } from "./options.ts";
import { safeLine } from "./screen.ts";
import { messageText, timeText } from "./show.ts";

/** For operators: work whose attempts ran out. */
export function addDeadLetterCommands(program: Command): void {
  const letters = program
    .command("dead-letters")
    .description("Look after work whose attempts ran out")
    .helpGroup("Work:");
  letters
    .command("list")
    .description("List it, newest first")
    .option("--limit <n>", "how many", wholeNumber)
    .option("--page <page>", "from where the last page ended")
    .addHelpText("after", "\nExample:\n  $ signalbox dead-letters list")
    .action(async ({ limit, page }: { limit?: number; page?: string }, command: Command) => {
      const { client, out } = contextOf(command);
      const list = await client.claims.deadLetters({ limit, page });
      const text = list.items.map((letter) => {
        const death = `  died ${timeText(letter.diedAt)}: ${safeLine(letter.error ?? "the lease ran out")}`;
        return `${messageText(letter, out)}\n${out.paint("red", death)}`;
      });
      const more = list.nextPage === null ? [] : [`There is more: --page ${safeLine(list.nextPage)}`];
      await out.show(list, () => [...text, ...more].join("\n") || "There are no dead letters");
    });
  letters
    .command("requeue")
    .description("Open one again, with fresh attempts")
    .argument("<id>", "the message", wholeNumber)
    .addHelpText("after", "\nExample:\n  $ signalbox dead-letters requeue 17")
    .action(async (id: number, _: object, command: Command) => {
      const { client, out } = contextOf(command);
      const answer = await client.claims.requeue(id);
      await out.show(answer, () => `Message ${id} is ${answer.message.state}`);
    });
}

import type { CliCommand, QueryOf } from "./commands.ts";
import type { Context } from "./context.ts";
import { wholeNumber } from "./options.ts";
import { safeLine } from "./screen.ts";
import { messageText, timeText } from "./show.ts";

/** For operators: work whose attempts ran out. */
export function addDeadLetterCommands(program: CliCommand): void {
  const letters = program.sub("dead-letters", "See and requeue work whose attempts ran out", "Work:");
  letters.sub("list", "List dead letters, newest first").paged().example("dead-letters list").act(list);
  letters
    .sub("requeue", "Open one again, with fresh attempts")
    .argument("<id>", "the message", wholeNumber)
    .example("dead-letters requeue 17")
    .act(async ({ client, out }, id: number) => {
      const answer = await client.claims.requeue(id);
      await out.show(answer, () => `Message ${id} is ${answer.message.state}`);
    });
}

async function list({ client, out }: Context, query: QueryOf<typeof client.claims.deadLetters>): Promise<void> {
  await out.page(await client.claims.deadLetters(query), "There are no dead letters", (items) =>
    items
      .map((letter) => {
        const death = `  died ${timeText(letter.diedAt)}: ${safeLine(letter.error ?? "the lease ran out")}`;
        return `${messageText(letter, out)}\n${out.paint("red", death)}`;
      })
      .join("\n"),
  );
}

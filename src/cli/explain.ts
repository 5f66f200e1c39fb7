import type { Explanation, Fact } from "../protocol/explain.ts";
import { toldText } from "../protocol/told.ts";
import type { CliCommand } from "./commands.ts";
import { wholeNumber } from "./options.ts";
import type { Output } from "./output.ts";
import { safeLine } from "./screen.ts";
import { localText } from "./show.ts";

export function addExplainCommand(program: CliCommand): void {
  program
    .sub("explain", "Show the history of a message: each event, and how far it got with each recipient", "Messages:")
    .argument("<id>", "the message", wholeNumber)
    .option("--limit <n>", "how many recipients", wholeNumber)
    .option("--page <page>", "more recipients, from where the last page ended")
    .example("explain 17")
    .act(async ({ client, out }, id: number, { limit, page }: { limit?: number; page?: string }) => {
      const story = await client.messages.explain(id, { limit, page });
      await out.show(story, () => storyText(story, out));
    });
}

export function storyText({ messageId, facts, recipients, nextPage }: Explanation, out: Output): string {
  const lines = recipients.map(
    ({ agentId, parts }) => `  ${out.paint("cyan", safeLine(agentId))}: ${safeLine(toldText(parts, localText))}`,
  );
  return [
    out.table(["WHEN", "WHAT", "DETAILS"], facts.map(factRow)),
    "",
    recipients.length > 0 ? `Recipients of message ${messageId}:` : `Message ${messageId} has no recipients.`,
    ...lines,
    ...(nextPage === null ? [] : [`There are more: --page ${safeLine(nextPage)}`]),
  ].join("\n");
}

function factRow({ at, step, ...details }: Fact): string[] {
  const given = Object.entries(details).filter(([, value]) => value !== null && value !== undefined);
  const words = given.map(([name, value]) => `${name} ${typeof value === "object" ? JSON.stringify(value) : value}`);
  return [localText(at), step, words.join(", ")];
}

import { Option } from "commander";
import type { Client } from "../client/client.ts";
import { type Pair, PairStatus } from "../protocol/pairs.ts";
import type { CliCommand } from "./commands.ts";
import { textOrStdin, wholeNumber } from "./options.ts";
import { safeLine } from "./screen.ts";
import { messageText } from "./show.ts";

export function addPairCommands(program: CliCommand): void {
  const pair = program.command("pair").description("Two agents that work together").helpGroup("Work:");
  addAsk(pair);
  addStep(pair, "accept", "Agree to work together");
  addStep(pair, "reject", "Say no");
  addStep(pair, "end", "Stop working together, or take the request back");
  addSend(pair);
  addList(pair);
}

const pairText = ({ id, requester, target, status, threadId }: Pair): string =>
  `${id}: ${safeLine(requester)} and ${safeLine(target)}, ${status}, thread ${threadId}`;

function addAsk(group: CliCommand): void {
  group
    .command("ask")
    .description("Ask another agent to work together")
    .argument("<agent>", "whom")
    .argument("[objective]", "what for")
    .option("--timeout <seconds>", "until when it can be accepted (default: 3600)", wholeNumber)
    .example('pair ask reviewer "Get main green" --as builder')
    .act(async ({ client, out }, target: string, objective: string | undefined, { timeout }: { timeout?: number }) => {
      const made = await client.pairs.ask({ target, objective, timeoutSeconds: timeout });
      await out.show(made, () => pairText(made));
    });
}

type Step = keyof Pick<Client["pairs"], "accept" | "reject" | "end">;

function addStep(group: CliCommand, verb: Step, about: string): void {
  group
    .command(verb)
    .description(about)
    .argument("<id>", "the pair")
    .option("--reason <text>", "why")
    .example(`pair ${verb} pair_0mm7p6yo0 --as reviewer`)
    .act(async ({ client, out }, id: string, { reason }: { reason?: string }) => {
      const now = await client.pairs[verb](id, { reason });
      await out.show(now, () => pairText(now));
    });
}

function addSend(group: CliCommand): void {
  group
    .command("send")
    .description("Say something to the other member, in the pair's thread")
    .argument("<id>", "the pair")
    .argument("[text]", "what; - or nothing reads stdin")
    .option("--subject <text>", "what it is about")
    .option("--reply-to <id>", "answers this message of the thread", wholeNumber)
    .example('pair send pair_0mm7p6yo0 "I take the tests" --as builder')
    .act(
      async (
        { client, out },
        id: string,
        text: string | undefined,
        { subject, replyTo }: { subject?: string; replyTo?: number },
      ) => {
        const sent = await client.pairs.send(id, { body: await textOrStdin(text), subject, replyTo });
        await out.show(sent, () => messageText(sent, out));
      },
    );
}

interface ListOptions {
  agent?: string;
  status?: PairStatus;
  limit?: number;
  page?: string;
}

function addList(group: CliCommand): void {
  group
    .command("list")
    .description("List pairs, newest first")
    .option("--agent <agent>", "of which it is a member")
    .addOption(new Option("--status <status>", "how it is").choices(PairStatus.options))
    .option("--limit <n>", "how many", wholeNumber)
    .option("--page <page>", "go on where a list ended")
    .example("pair list --status active")
    .act(async ({ client, out }, options: ListOptions) => {
      const found = await client.pairs.list(options);
      await out.show(found, () => {
        if (found.items.length === 0) return "No such pair";
        const rows = found.items.map((row) => [row.id, row.requester, row.target, row.status, row.objective ?? ""]);
        const more = found.nextPage === null ? "" : `\nThere are more: --page ${safeLine(found.nextPage)}`;
        return out.table(["ID", "REQUESTER", "TARGET", "STATUS", "OBJECTIVE"], rows) + more;
      });
    });
}

import type { Client } from "../client/client.ts";
import { type Pair, PairStatus } from "../protocol/pairs.ts";
import type { CliCommand, QueryOf } from "./commands.ts";
import { textOrStdin, wholeNumber } from "./options.ts";
import { safeLine } from "./screen.ts";
import { messageText } from "./show.ts";

export function addPairCommands(program: CliCommand): void {
  const pair = program.sub("pair", "Two agents that work together", "Work:");
  addAsk(pair);
  addStep(pair, "accept", "Agree to work together");
  addStep(pair, "reject", "Refuse a request");
  addStep(pair, "end", "End a pair, or withdraw a request");
  addSend(pair);
  addList(pair);
}

const pairText = ({ id, requester, target, status, threadId }: Pair): string =>
  `${id}: ${safeLine(requester)} and ${safeLine(target)}, ${status}, thread ${threadId}`;

function addAsk(group: CliCommand): void {
  group
    .sub("ask", "Ask another agent to work together")
    .argument("<agent>", "the other agent")
    .argument("[objective]", "the purpose")
    .option("--timeout <seconds>", "time until the request expires (default: 3600)", wholeNumber)
    .example('pair ask reviewer "Get main green" --as builder')
    .act(async ({ client, out }, target: string, objective: string | undefined, { timeout }: { timeout?: number }) => {
      const made = await client.pairs.ask({ target, objective, timeoutSeconds: timeout });
      await out.show(made, () => pairText(made));
    });
}

type Step = keyof Pick<Client["pairs"], "accept" | "reject" | "end">;

function addStep(group: CliCommand, verb: Step, about: string): void {
  group
    .sub(verb, about)
    .argument("<id>", "the pair")
    .option("--reason <text>", "the reason")
    .example(`pair ${verb} pair_0mm7p6yo0 --as reviewer`)
    .act(async ({ client, out }, id: string, { reason }: { reason?: string }) => {
      const now = await client.pairs[verb](id, { reason });
      await out.show(now, () => pairText(now));
    });
}

type SendOptions = { subject?: string; replyTo?: number };

function addSend(group: CliCommand): void {
  group
    .sub("send", "Send a message to the other member, in the pair's thread")
    .argument("<id>", "the pair")
    .argument("[text]", "the text; - or nothing reads stdin")
    .option("--subject <text>", "its subject")
    .option("--reply-to <id>", "the message of the thread that it answers", wholeNumber)
    .example('pair send pair_0mm7p6yo0 "I take the tests" --as builder')
    .act(async ({ client, out }, id: string, text: string | undefined, options: SendOptions) => {
      const sent = await client.pairs.send(id, { ...options, body: await textOrStdin(text) });
      await out.show(sent, () => messageText(sent, out));
    });
}

function addList(group: CliCommand): void {
  group
    .sub("list", "List pairs, newest first")
    .option("--agent <agent>", "with this member")
    .choice("--status <status>", "with this status", PairStatus.options)
    .paged()
    .example("pair list --status active")
    .act(async ({ client, out }, query: QueryOf<typeof client.pairs.list>) => {
      const page = await client.pairs.list(query);
      await out.page(page, "No such pair", (items) => out.table(HEAD, items.map(rowOf)));
    });
}

const HEAD = ["ID", "REQUESTER", "TARGET", "STATUS", "OBJECTIVE"];
const rowOf = (row: Pair): string[] => [row.id, row.requester, row.target, row.status, row.objective ?? ""];

import { InvalidArgumentError } from "commander";
import type { Client } from "../client/client.ts";
import { levelOf } from "../protocol/trace-types.ts";
import type { HistoryItem, Trace, TraceDraft, TraceLevel } from "../protocol/traces.ts";
import type { CliCommand, QueryOf } from "./commands.ts";
import { EXIT, Stop } from "./exit.ts";
import { jsonValue, textOrStdin, wholeNumber } from "./options.ts";
import type { Output } from "./output.ts";
import { safeLine, safeText } from "./screen.ts";
import { ENCRYPTED, messageText, timeText } from "./show.ts";

const GROUP = "Messages:";

export function addTraceCommands(program: CliCommand): void {
  addHistory(program);
  const trace = program.sub("trace", "Thoughts and actions of agents about a message", GROUP);
  addAdd(trace);
  addList(trace);
}

type HistoryOptions = Omit<QueryOf<Client["traces"]["history"]>, "q" | "traceType"> & { type?: string };

function addHistory(program: CliCommand): void {
  program
    .sub("history", "Read messages with the thoughts and actions about them, oldest first", GROUP)
    .argument("[words...]", "words that all have to be in a message")
    .option("--thread <id>", "the thread of this message", wholeNumber)
    .option("--level <n>", "1: messages, 2: thoughts too, 3: and actions (default: 1)", wholeNumber)
    .option("--agent <agent>", "sent by or to this agent, with its traces alone")
    .option("--sender <agent>", "sent by this agent; user is the person")
    .option("--type <type>", "traces of this type alone")
    .option("--before <id>", "older than this message", wholeNumber)
    .option("--limit <n>", "how many messages", wholeNumber)
    .example("history --thread 17 --level 3")
    .act(async ({ client, out }, words: string[], options: HistoryOptions) => {
      const { type: traceType, ...query } = options;
      const found = await client.traces.history({ ...query, traceType, q: words.join(" ") || undefined });
      const more = found.nextPage === null ? [] : [`There is more before this: --before ${safeLine(found.nextPage)}`];
      const empty = found.items.length === 0 && more.length === 0 ? ["No such message"] : [];
      await out.show(found, () => [...more, ...empty, ...found.items.map((item) => itemText(item, out))].join("\n"));
    });
}

function itemText(item: HistoryItem, out: Output): string {
  const traces = (item.traces ?? []).map((trace) => indented(traceText(trace, out)));
  const rest = item.tracesPage
    ? [indented(`There are more: signalbox trace list ${item.id} --page ${item.tracesPage}`)]
    : [];
  return [messageText(item, out), ...traces, ...rest].join("\n");
}

const indented = (text: string): string =>
  text
    .split("\n")
    .map((line) => `    ${line}`)
    .join("\n");

function traceText({ agentId, type, content, encoding, metadata, createdAt }: Trace, { paint }: Output): string {
  const head = `${paint("cyan", safeLine(agentId))} ${safeLine(type)}  ${paint("dim", timeText(createdAt))}`;
  if (encoding === "opaque") return `${head}\n  ${ENCRYPTED}`;
  const data = metadata === null ? [] : [paint("dim", safeLine(JSON.stringify(metadata)))];
  return [head, ...safeText(content).split("\n"), ...data].join("\n  ");
}

type AddOptions = Pick<TraceDraft, "type" | "metadata"> & { level?: TraceLevel; opaque?: boolean; key?: string };

function addAdd(trace: CliCommand): void {
  trace
    .sub("add", "Record a thought or an action about a message")
    .argument("<id>", "the message", wholeNumber)
    .argument("[content]", "the text; - or nothing reads stdin")
    .requiredOption("--type <type>", "thinking, planning, ..., file_read, command_exec, ..., or another name")
    .option("--level <n>", "2: thought, 3: action (default: the type's)", traceLevel)
    .option("--metadata <json>", "data for programs, a JSON object", jsonValue)
    .option("--opaque", "the content is encrypted: never shown")
    .option("--key <key>", "idempotency key: the same key records one trace")
    .addHelpText("after", "\nExample:\n  $ bun test | signalbox trace add 17 --type command_exec --as builder")
    .act(async ({ client, out }, id: number, content: string | undefined, options: AddOptions) => {
      const { type, metadata, key } = options;
      const level = options.level ?? levelOf(type);
      if (level === undefined) throw new Stop(EXIT.usage, `Give --level 2 or 3: ${type} is a type of your own`);
      const encoding = options.opaque ? ("opaque" as const) : undefined;
      const draft = { level, type, content: await textOrStdin(content), encoding, metadata };
      const added = await client.traces.add(id, [draft], { ...(key !== undefined && { idempotencyKey: key }) });
      await out.show(added, () => `Trace ${added.items[0]?.number} of message ${id}`);
    });
}

function traceLevel(value: string): TraceLevel {
  if (value !== "2" && value !== "3") throw new InvalidArgumentError("It has to be 2 or 3.");
  return value === "2" ? 2 : 3;
}

function addList(trace: CliCommand): void {
  trace
    .sub("list", "List the traces of a message, oldest first")
    .argument("<id>", "the message", wholeNumber)
    .option("--level <n>", "2: thoughts alone", traceLevel)
    .option("--type <type>", "of this type")
    .option("--agent <agent>", "by this agent")
    .paged()
    .example("trace list 17 --level 2")
    .act(async ({ client, out }, id: number, query: QueryOf<typeof client.traces.list, 1>) => {
      const page = await client.traces.list(id, query);
      await out.page(page, "There are no traces", (items) => items.map((one) => traceText(one, out)).join("\n"));
    });
}

import { DELEGATION_STATUS, type Delegation } from "../protocol/delegations.ts";
import type { CliCommand, QueryOf } from "./commands.ts";
import type { Context } from "./context.ts";
import { EXIT, Stop } from "./exit.ts";
import { collect, jsonValue, textOrStdin, wholeNumber } from "./options.ts";
import type { Output } from "./output.ts";
import { safeLine, safeText } from "./screen.ts";
import { ENCRYPTED, timeText } from "./show.ts";

const GROUP = "Work:";

export function addDelegationCommands(program: CliCommand): void {
  addDelegate(program);
  const group = program.sub("delegation", "See, answer and cancel delegations", GROUP);
  addList(group);
  addShow(group);
  addAnswer(group);
  addProgress(group);
  addCancel(group);
}

const OPAQUE = "the text is encrypted: never searched, never shown";
const encodingFrom = ({ opaque }: { opaque?: boolean }) => (opaque ? ("opaque" as const) : undefined);

interface DelegateOptions {
  summary?: string;
  constraint?: string[];
  expect?: string;
  thread?: number;
  parent?: string;
  timeout?: number;
  wait?: boolean;
  opaque?: boolean;
}

function addDelegate(program: CliCommand): void {
  program
    .sub("delegate", "Send a request that owes an answer", GROUP)
    .argument("<to>", "an agent, or a group, of which one agent does it: tag:ci, label:x, cap:x, broadcast")
    .argument("[text]", "the request; - or nothing reads stdin")
    .option("--summary <text>", "a summary of the context, for the agent that does it")
    .option("--constraint <text>", "a constraint; repeatable", collect)
    .option("--expect <text>", "the form of the answer")
    .option("--thread <id>", "put it into the thread of this message", wholeNumber)
    .option("--parent <id>", "the delegation that this is part of (default: the one that the agent works on)")
    .option("--opaque", OPAQUE)
    .option("--timeout <seconds>", "time until the answer is due (default: 300)", wholeNumber)
    .option("--wait", "wait for the answer and print it; fails without one, or with an error")
    .example('delegate reviewer "Is this safe to merge?" --wait --as builder')
    .act(delegate);
}

async function delegate(
  { client, out }: Context,
  to: string,
  given: string | undefined,
  options: DelegateOptions,
): Promise<void> {
  const text = await textOrStdin(given);
  const { thread: threadId, parent: parentId, timeout: timeoutSeconds } = options;
  const encoding = encodingFrom(options);
  const draft = { to, text, encoding, context: contextFrom(options), threadId, parentId, timeoutSeconds };
  const made = await client.delegations.ask(draft);
  if (!options.wait) return out.show(made, () => madeText(made));
  out.note(madeText(made));
  const ended = await client.delegations.wait(made.id);
  await out.show(ended, () => answerText(ended));
  if (ended.status !== "answered") throw new Stop(EXIT.problem, `${ended.id} ${ended.status}`);
}

function contextFrom({ summary, constraint: constraints, expect: expectedOutput }: DelegateOptions) {
  if (summary === undefined && constraints === undefined && expectedOutput === undefined) return undefined;
  return { summary: summary ?? "", constraints, expectedOutput };
}

const madeText = ({ id, to, messageId, queued, deadlineAt }: Delegation): string =>
  `${id}: asked ${safeLine(to)} in message ${messageId}, until ${timeText(deadlineAt)}${queued ? "; none of its agents is online" : ""}`;

function answerText({ answer, status }: Delegation): string {
  if (answer === null) return status;
  if (answer.encoding === "opaque") return ENCRYPTED;
  return safeText(answer.text || answer.error || (answer.payload ? JSON.stringify(answer.payload) : ""));
}

function addList(group: CliCommand): void {
  group
    .sub("list", "List delegations, newest first")
    .paged()
    .option("--from <agent>", "from this agent")
    .option("--to <target>", "to this agent or group")
    .choice("--status <status>", "with this status", DELEGATION_STATUS)
    .option("--root <id>", "of this tree")
    .example("delegation list --to builder --status pending")
    .act(async ({ client, out }, query: QueryOf<typeof client.delegations.list>) => {
      const page = await client.delegations.list(query);
      await out.page(page, "No such delegation", (items) => out.table(HEAD, items.map(rowOf)));
    });
}

const HEAD = ["ID", "FROM", "TO", "DEPTH", "STATUS", "DEADLINE", "TEXT"];
const rowOf = (row: Delegation): string[] => [
  ...[row.id, row.from, row.to, `${row.depth}`, row.status + (row.late ? ", late" : "")],
  ...[timeText(row.deadlineAt), row.encoding === "opaque" ? ENCRYPTED : (row.text ?? "")],
];

function addShow(group: CliCommand): void {
  group
    .sub("show", "Show a delegation and its answer")
    .argument("<id>", "the delegation")
    .option("--wait", "wait until it has ended")
    .example("delegation show dlg_0mm7p6yo0 --wait")
    .act(async ({ client, out }, id: string, { wait }: { wait?: boolean }) => {
      const row = await (wait ? client.delegations.wait(id) : client.delegations.get(id));
      await out.show(row, () => delegationText(row, out));
    });
}

function delegationText(row: Delegation, out: Output): string {
  const { id, from, to, status, late, depth, parentId, messageId, deadlineAt, context, answer } = row;
  const part = parentId === null ? "" : `, part of ${parentId}`;
  const lines = [
    `${out.paint("bold", id)}  ${out.paint("cyan", safeLine(from))} → ${safeLine(to)}  ${status}${late ? ", answered late" : ""}`,
    out.paint("dim", `message ${messageId}, depth ${depth}${part}, until ${timeText(deadlineAt)}`),
    row.encoding === "opaque" ? ENCRYPTED : safeText(row.text ?? "(gone)"),
    ...(context && row.encoding === "plain" ? [safeLine(JSON.stringify(context))] : []),
    ...(answer ? [`${out.paint("cyan", safeLine(answer.from))} ${timeText(answer.at)}`, answerText(row)] : []),
  ];
  return lines.join("\n");
}

type AnswerOptions = { error?: boolean; payload?: Record<string, unknown>; opaque?: boolean };

function addAnswer(group: CliCommand): void {
  group
    .sub("answer", "Answer a delegation to the agent")
    .argument("<id>", "the delegation")
    .argument("[text]", "the answer; - or nothing reads stdin")
    .option("--error", "the work cannot be done: the text gives the reason")
    .option("--payload <json>", "data for programs, as a JSON object", jsonValue)
    .option("--opaque", OPAQUE)
    .example('delegation answer dlg_0mm7p6yo0 "Yes, merge it" --as reviewer')
    .act(async ({ client, out }, id: string, given: string | undefined, options: AnswerOptions) => {
      const { error, payload } = options;
      const text = await textOrStdin(given);
      const answer = { payload, encoding: encodingFrom(options), ...(error ? { error: text } : { text }) };
      const row = await client.delegations.answer(id, answer);
      await out.show(row, () => `${id} is ${row.status}${row.late ? "; the answer came late" : ""}`);
    });
}

type ProgressOptions = { question?: boolean; opaque?: boolean };

function addProgress(group: CliCommand): void {
  group
    .sub("progress", "Report progress to the requester, or ask back")
    .argument("<id>", "the delegation")
    .argument("[text]", "the progress; - or nothing reads stdin")
    .option("--question", "ask back: the requester replies, and the work goes on")
    .option("--opaque", OPAQUE)
    .example('delegation progress dlg_0mm7p6yo0 "Half of the tests ran" --as builder')
    .act(async ({ client, out }, id: string, given: string | undefined, options: ProgressOptions) => {
      const progress = {
        text: await textOrStdin(given),
        question: options.question,
        encoding: encodingFrom(options),
      };
      const row = await client.delegations.progress(id, progress);
      await out.show(row, () => `${safeLine(row.from)} is told`);
    });
}

function addCancel(group: CliCommand): void {
  group
    .sub("cancel", "Cancel a delegation")
    .argument("<id>", "the delegation")
    .option("--tree", "also the delegations below it, at any depth")
    .option("--reason <text>", "the reason")
    .example("delegation cancel dlg_0mm7p6yo0 --tree")
    .act(async ({ client, out }, id: string, options: { tree?: boolean; reason?: string }) => {
      const done = await client.delegations.cancel(id, options);
      const ids = done.cancelled.join(", ");
      await out.show(done, () => (ids ? `Cancelled: ${ids}` : "Nothing was open"));
    });
}

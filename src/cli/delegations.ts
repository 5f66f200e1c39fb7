import { type Command, Option } from "commander";
import { DELEGATION_STATUS, type Delegation, type DelegationStatus } from "../protocol/delegations.ts";
import { contextOf } from "./context.ts";
import { EXIT, Stop } from "./exit.ts";
import { collect, jsonValue, textOrStdin, wholeNumber } from "./options.ts";
import type { Output } from "./output.ts";
import { safeLine, safeText } from "./screen.ts";
import { ENCRYPTED, timeText } from "./show.ts";

const GROUP = "Work:";

export function addDelegationCommands(program: Command): void {
  addDelegate(program);
  const group = program
    .command("delegation")
    .description("See, answer and take back what was delegated")
    .helpGroup(GROUP);
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

function addDelegate(program: Command): void {
  program
    .command("delegate")
    .description("Ask for something that owes an answer")
    .helpGroup(GROUP)
    .argument("<to>", "an agent, or a group of which one does it: tag:ci, label:x, cap:x, broadcast")
    .argument("[text]", "what is to be done; - or nothing reads stdin")
    .option("--summary <text>", "what it is about, for whoever does it")
    .option("--constraint <text>", "what to keep to; repeatable", collect)
    .option("--expect <text>", "what the answer should look like")
    .option("--thread <id>", "put it into the thread of this message", wholeNumber)
    .option("--parent <id>", "the delegation this is part of (default: the one that is worked on)")
    .option("--opaque", OPAQUE)
    .option("--timeout <seconds>", "how long there is for it (default: 300)", wholeNumber)
    .option("--wait", "wait for the answer and print it; fails when there is none, or an error")
    .addHelpText("after", '\nExample:\n  $ signalbox delegate reviewer "Is this safe to merge?" --wait --as builder')
    .action(async (to: string, given: string | undefined, options: DelegateOptions, command: Command) => {
      const { client, out } = contextOf(command);
      const text = await textOrStdin(given);
      const { thread: threadId, parent: parentId, timeout: timeoutSeconds } = options;
      const encoding = encodingFrom(options);
      const draft = { to, text, encoding, context: contextFrom(options), threadId, parentId, timeoutSeconds };
      const asked = await client.delegations.ask(draft);
      if (!options.wait) return out.show(asked, () => askedText(asked));
      out.note(askedText(asked));
      const ended = await client.delegations.wait(asked.id);
      await out.show(ended, () => answerText(ended));
      if (ended.status !== "answered") throw new Stop(EXIT.problem, `${ended.id} ${ended.status}`);
    });
}

function contextFrom({ summary, constraint: constraints, expect: expectedOutput }: DelegateOptions) {
  if (summary === undefined && constraints === undefined && expectedOutput === undefined) return undefined;
  return { summary: summary ?? "", constraints, expectedOutput };
}

const askedText = ({ id, to, messageId, queued, deadlineAt }: Delegation): string =>
  `${id}: asked ${safeLine(to)} in message ${messageId}, until ${timeText(deadlineAt)}${queued ? "; nobody of it is online" : ""}`;

function answerText({ answer, status }: Delegation): string {
  if (answer === null) return status;
  if (answer.encoding === "opaque") return ENCRYPTED;
  return safeText(answer.text || answer.error || (answer.payload ? JSON.stringify(answer.payload) : ""));
}

interface ListOptions {
  from?: string;
  to?: string;
  status?: DelegationStatus;
  root?: string;
  limit?: number;
  page?: string;
}

function addList(group: Command): void {
  group
    .command("list")
    .description("List delegations, newest first")
    .option("--from <agent>", "asked by this agent")
    .option("--to <target>", "asked of this agent or group")
    .addOption(new Option("--status <status>", "how it is").choices(DELEGATION_STATUS))
    .option("--root <id>", "of this tree")
    .option("--limit <n>", "how many", wholeNumber)
    .option("--page <page>", "go on where a list ended")
    .addHelpText("after", "\nExample:\n  $ signalbox delegation list --to builder --status pending")
    .action(async (options: ListOptions, command: Command) => {
      const { client, out } = contextOf(command);
      const found = await client.delegations.list(options);
      await out.show(found, () => {
        if (found.items.length === 0 && found.nextPage === null) return "No such delegation";
        const rows = found.items.map((row) => [
          ...[row.id, row.from, row.to, `${row.depth}`, row.status + (row.late ? ", late" : "")],
          ...[timeText(row.deadlineAt), row.encoding === "opaque" ? ENCRYPTED : (row.text ?? "")],
        ]);
        const more = found.nextPage === null ? "" : `\nThere are more: --page ${safeLine(found.nextPage)}`;
        return out.table(["ID", "FROM", "TO", "DEPTH", "STATUS", "DEADLINE", "TEXT"], rows) + more;
      });
    });
}

function addShow(group: Command): void {
  group
    .command("show")
    .description("Show a delegation and its answer")
    .argument("<id>", "the delegation")
    .option("--wait", "when it has ended")
    .addHelpText("after", "\nExample:\n  $ signalbox delegation show dlg_0mm7p6yo0 --wait")
    .action(async (id: string, { wait }: { wait?: boolean }, command: Command) => {
      const { client, out } = contextOf(command);
      const shown = await (wait ? client.delegations.wait(id) : client.delegations.get(id));
      await out.show(shown, () => delegationText(shown, out));
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

interface AnswerOptions {
  error?: boolean;
  payload?: Record<string, unknown>;
  opaque?: boolean;
}

function addAnswer(group: Command): void {
  group
    .command("answer")
    .description("Answer what was asked of the agent")
    .argument("<id>", "the delegation")
    .argument("[text]", "the answer; - or nothing reads stdin")
    .option("--error", "it cannot be done: the text says why")
    .option("--payload <json>", "data for programs, as a JSON object", jsonValue)
    .option("--opaque", OPAQUE)
    .addHelpText("after", '\nExample:\n  $ signalbox delegation answer dlg_0mm7p6yo0 "Yes, merge it" --as reviewer')
    .action(async (id: string, given: string | undefined, options: AnswerOptions, command: Command) => {
      const { client, out } = contextOf(command);
      const { error, payload } = options;
      const text = await textOrStdin(given);
      const said = { payload, encoding: encodingFrom(options), ...(error ? { error: text } : { text }) };
      const answered = await client.delegations.answer(id, said);
      await out.show(answered, () => `${id} is ${answered.status}${answered.late ? "; the answer came late" : ""}`);
    });
}

interface ProgressOptions {
  question?: boolean;
  opaque?: boolean;
}

function addProgress(group: Command): void {
  group
    .command("progress")
    .description("Report progress to the asker, or ask back")
    .argument("<id>", "the delegation")
    .argument("[text]", "how far; - or nothing reads stdin")
    .option("--question", "ask back: the asker replies, and the work goes on")
    .option("--opaque", OPAQUE)
    .addHelpText(
      "after",
      '\nExample:\n  $ signalbox delegation progress dlg_0mm7p6yo0 "Half of the tests ran" --as builder',
    )
    .action(async (id: string, given: string | undefined, options: ProgressOptions, command: Command) => {
      const { client, out } = contextOf(command);
      const shown = await client.delegations.progress(id, {
        ...{ text: await textOrStdin(given), question: options.question, encoding: encodingFrom(options) },
      });
      await out.show(shown, () => `${safeLine(shown.from)} is told`);
    });
}

function addCancel(group: Command): void {
  group
    .command("cancel")
    .description("Take a delegation back")
    .argument("<id>", "the delegation")
    .option("--tree", "also what came of it, at any depth")
    .option("--reason <text>", "why")
    .addHelpText("after", "\nExample:\n  $ signalbox delegation cancel dlg_0mm7p6yo0 --tree")
    .action(async (id: string, options: { tree?: boolean; reason?: string }, command: Command) => {
      const { client, out } = contextOf(command);
      const done = await client.delegations.cancel(id, options);
      await out.show(done, () =>
        done.cancelled.length ? `Cancelled: ${done.cancelled.join(", ")}` : "Nothing was open",
      );
    });
}

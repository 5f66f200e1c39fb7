import { type Command, Option } from "commander";
import {
  SEVERITIES,
  type Severity,
  TASK_STATUSES,
  type Task,
  type TaskDetail,
  type TaskStatus,
  type TaskStatusChange,
} from "../protocol/tasks.ts";
import { type Context, contextOf } from "./context.ts";
import { jsonValue, textOrStdin, wholeNumber } from "./options.ts";
import type { Output } from "./output.ts";
import { safeLine, safeText } from "./screen.ts";
import { claimedText, fieldsText, timeText } from "./show.ts";

/** Work with a status and a history. */
export function addTaskCommands(program: Command): void {
  const tasks = program.command("task").description("Make, find, claim and end tasks").helpGroup("Work:");
  addList(tasks);
  tasks
    .command("show")
    .description("Show one with its history")
    .argument("<id>", "the task, tsk_…")
    .addHelpText("after", "\nExample:\n  $ signalbox task show tsk_1a2b3c")
    .action(async (id: string, _: object, command: Command) => {
      const { client, out } = contextOf(command);
      const task = await client.tasks.get(id);
      await out.show(task, () => detailText(task, out));
    });
  addCreate(tasks);
  addClaim(tasks);
  addStatus(tasks);
}

interface ListOptions {
  status?: TaskStatus;
  target?: string;
  source?: string;
  holder?: string;
  severity?: Severity;
  limit?: number;
  page?: string;
}

function addList(tasks: Command): void {
  tasks
    .command("list")
    .description("List tasks, newest first")
    .addOption(new Option("--status <status>", "in this status").choices(TASK_STATUSES))
    .addOption(new Option("--severity <severity>", "of this severity").choices(SEVERITIES))
    .option("--target <target>", "for this agent or group")
    .option("--source <source>", "reported by this integration")
    .option("--holder <agent>", "held by this agent")
    .option("--limit <n>", "how many (default: 50)", wholeNumber)
    .option("--page <page>", "from where the last page ended")
    .addHelpText("after", "\nExample:\n  $ signalbox task list --status open --severity critical")
    .action(async (options: ListOptions, command: Command) => {
      const { client, out } = contextOf(command);
      const list = await client.tasks.list(options);
      const more = list.nextPage === null ? "" : `\nThere is more: --page ${safeLine(list.nextPage)}`;
      await out.show(list, () => (list.items.length ? out.table(HEAD, list.items.map(rowOf)) : "No such task") + more);
    });
}

interface CreateOptions {
  body?: string;
  target?: string;
  severity?: Severity;
  topic?: string;
  url?: string;
  payload?: Record<string, unknown>;
  key?: string;
}

function addCreate(tasks: Command): void {
  tasks
    .command("create")
    .description("Make a task by hand")
    .argument("<title>", "what is to be done, in a line")
    .option("--body <text>", "the rest of it; - reads stdin")
    .option("--target <target>", "who may claim it: an agent or a group (default: nobody, it is only kept)")
    .addOption(new Option("--severity <severity>", "how bad it is (default: info)").choices(SEVERITIES))
    .option("--topic <topic>", "its topic")
    .option("--url <url>", "where it is elsewhere")
    .option("--payload <json>", "its data, a JSON object", jsonValue)
    .option("--key <key>", "idempotency key: with the same one it is made once")
    .addHelpText(
      "after",
      '\nExample:\n  $ signalbox task create "Disk of db-1 is full" --target tag:ops --severity error',
    )
    .action(async (title: string, options: CreateOptions, command: Command) => {
      const { client, out } = contextOf(command);
      const { target, severity, topic, payload, url: externalUrl, key: idempotencyKey } = options;
      const body = options.body === undefined ? undefined : await textOrStdin(options.body);
      const draft = { title, body, target, severity, topic, externalUrl, payload };
      const task = await client.tasks.create(draft, { idempotencyKey });
      await out.show(task, () => taskText(task, out));
    });
}

function addClaim(tasks: Command): void {
  tasks
    .command("claim")
    .description("Take a task; `complete`, `fail`, `release` and `task status` end that")
    .argument("<id>", "the task, tsk_…")
    .option("--lease <seconds>", "how long it stays ours without a word (default: 600)", wholeNumber)
    .addHelpText("after", "\nExample:\n  $ signalbox task claim tsk_1a2b3c --as builder")
    .action(async (id: string, { lease }: { lease?: number }, command: Command) => {
      const { client, out } = contextOf(command);
      const claimed = await client.tasks.claim(id, { leaseSeconds: lease });
      await out.show(claimed, () => claimedText(claimed, out));
    });
}

const SAID: TaskStatusChange["status"][] = ["in_progress", "blocked", "done", "failed", "cancelled"];

function addStatus(tasks: Command): void {
  tasks
    .command("status")
    .description("Say how a task goes, or that it is over")
    .argument("<id>", "the task, tsk_…")
    .addArgument(tasks.createArgument("<status>", "what it is now").choices(SAID))
    .option("--note <text>", "why, or what came of it; - reads stdin")
    .option("--lease-token <token>", "of the lease (default: the one that the agent holds)")
    .addHelpText("after", '\nExample:\n  $ signalbox task status tsk_1a2b3c done --note "Freed 10 GB" --as builder')
    .action(
      async (
        id: string,
        status: TaskStatusChange["status"],
        options: { note?: string; leaseToken?: string },
        command: Command,
      ) => {
        const context = contextOf(command);
        const { client, out } = context;
        const note = options.note === undefined ? undefined : await textOrStdin(options.note);
        const token = options.leaseToken ?? (status === "cancelled" ? undefined : await leaseOf(context, id));
        const task = await client.tasks.setStatus(id, { status, note, token });
        await out.show(task, () => taskText(task, out));
      },
    );
}

/** The lease by which the agent of --as holds a task: with it an operator speaks as that agent, not over its head. */
async function leaseOf({ client, settings }: Context, id: string): Promise<string | undefined> {
  if (settings.agentId === undefined) return undefined;
  const { messageId } = await client.tasks.get(id);
  const { items } = await client.claims.held();
  return items.find(({ message }) => message.id === messageId)?.claim.token;
}

const HEAD = ["TASK", "STATUS", "SEVERITY", "TARGET", "HOLDER", "COUNT", "UPDATED", "TITLE"];
const rowOf = (task: Task): string[] => [
  ...[task.id, task.status, task.severity, task.target ?? "-", task.holder ?? "-", String(task.count)],
  ...[timeText(task.updatedAt), task.title],
];

export const taskText = ({ id, status, title, severity, holder }: Task, { paint }: Output): string =>
  `${paint("bold", safeLine(id))}  ${status}${holder ? ` by ${safeLine(holder)}` : ""}  [${severity}] ${safeLine(title)}`;

function detailText(task: TaskDetail, out: Output): string {
  const { events, nextPage, body, title: _, ...fields } = task;
  const steps = events.map(({ at, actor, from, to, note, count }) => [
    ...[timeText(at), actor, from === null ? to : `${from} → ${to}`, count > 1 ? `×${count}` : "", note ?? ""],
  ]);
  const older = nextPage === null ? [] : ["There are older steps."];
  const text = body === "" ? [] : ["", safeText(body)];
  return [taskText(task, out), ...text, "", fieldsText(fields, out), "", out.table(STEPS_HEAD, steps), ...older].join(
    "\n",
  );
}
const STEPS_HEAD = ["WHEN", "WHO", "STATUS", "", "NOTE"];

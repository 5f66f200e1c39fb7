import {
  SEVERITIES,
  TASK_STATUSES,
  type Task,
  type TaskDetail,
  type TaskDraft,
  type TaskStatusChange,
} from "../protocol/tasks.ts";
import { type CliCommand, idCommands, type QueryOf } from "./commands.ts";
import type { Context } from "./context.ts";
import { jsonValue, textOrStdin, wholeNumber } from "./options.ts";
import type { Output } from "./output.ts";
import { safeLine, safeText } from "./screen.ts";
import { claimedText, fieldsText, timeText } from "./show.ts";

const ID = "the task, tsk_…";

/** Work with a status and a history. */
export function addTaskCommands(program: CliCommand): void {
  const tasks = program.sub("task", "Make, find, claim and end tasks", "Work:");
  const add = idCommands(tasks, { about: ID, example: "tsk_1a2b3c" });
  addList(tasks);
  add(
    "show",
    "Show a task with its history",
    ({ tasks }, id) => tasks.get(id),
    (task, _, out) => detailText(task, out),
  );
  addCreate(tasks);
  addClaim(tasks);
  addStatus(tasks);
}

function addList(tasks: CliCommand): void {
  tasks
    .sub("list", "List tasks, newest first")
    .paged()
    .choice("--status <status>", "with this status", TASK_STATUSES)
    .choice("--severity <severity>", "of this severity", SEVERITIES)
    .option("--target <target>", "for this agent or group")
    .option("--source <source>", "reported by this integration")
    .option("--holder <agent>", "held by this agent")
    .option("--project <project>", "in threads of this project")
    .example("task list --status open --severity critical")
    .act(async ({ client, out }, query: QueryOf<typeof client.tasks.list>) => {
      const page = await client.tasks.list(query);
      await out.page(page, "No such task", (items) => out.table(HEAD, items.map(rowOf)));
    });
}

type CreateOptions = Omit<TaskDraft, "title" | "externalUrl"> & { url?: string; key?: string };

function addCreate(tasks: CliCommand): void {
  tasks
    .sub("create", "Make a task by hand")
    .argument("<title>", "the work in a line")
    .option("--body <text>", "the details; - reads stdin")
    .option("--target <target>", "the agent or group that may claim it (default: none, it is only kept)")
    .choice("--severity <severity>", "its severity (default: info)", SEVERITIES)
    .option("--topic <topic>", "its topic")
    .option("--url <url>", "its address in another system")
    .option("--payload <json>", "its data, a JSON object", jsonValue)
    .option("--key <key>", "idempotency key: the same key makes one task")
    .example('task create "Disk of db-1 is full" --target tag:ops --severity error')
    .act(async ({ client, out }, title: string, options: CreateOptions) => {
      const { url: externalUrl, key: idempotencyKey, ...rest } = options;
      const body = options.body === undefined ? undefined : await textOrStdin(options.body);
      const task = await client.tasks.create({ ...rest, title, body, externalUrl }, { idempotencyKey });
      await out.show(task, () => taskText(task, out));
    });
}

function addClaim(tasks: CliCommand): void {
  tasks
    .sub("claim", "Claim a task; `complete`, `fail`, `release` and `task status` end the claim")
    .argument("<id>", ID)
    .option("--lease <seconds>", "time until the claim ends if it is not renewed (default: 600)", wholeNumber)
    .example("task claim tsk_1a2b3c --as builder")
    .act(async ({ client, out }, id: string, { lease }: { lease?: number }) => {
      const claimed = await client.tasks.claim(id, { leaseSeconds: lease });
      await out.show(claimed, () => claimedText(claimed, out));
    });
}

const STATUSES: Status[] = ["in_progress", "blocked", "done", "failed", "cancelled"];

function addStatus(tasks: CliCommand): void {
  tasks
    .sub("status", "Set the status of a task")
    .argument("<id>", ID)
    .addArgument(tasks.createArgument("<status>", "the new status").choices(STATUSES))
    .option("--note <text>", "the reason, or the result; - reads stdin")
    .option("--lease-token <token>", "token of the lease (default: the one that the agent holds)")
    .example('task status tsk_1a2b3c done --note "Freed 10 GB" --as builder')
    .act(setStatus);
}

type Status = TaskStatusChange["status"];

async function setStatus(
  context: Context,
  id: string,
  status: Status,
  options: { note?: string; leaseToken?: string },
): Promise<void> {
  const { client, out } = context;
  const note = options.note === undefined ? undefined : await textOrStdin(options.note);
  const token = options.leaseToken ?? (status === "cancelled" ? undefined : await leaseOf(context, id));
  const task = await client.tasks.setStatus(id, { status, note, token });
  await out.show(task, () => taskText(task, out));
}

/** Token of the lease by which the agent of --as holds a task: an operator then acts as that agent, not over its head. */
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

export const taskText = (
  { id, status, title, severity, holder, messageId, approvalId }: Task,
  { paint }: Output,
): string =>
  `${paint("bold", safeLine(id))}  ${status}${holder ? ` by ${safeLine(holder)}` : ""}${status === "open" && messageId === null && approvalId !== null ? `, waits for ${safeLine(approvalId)}` : ""}  [${severity}] ${safeLine(title)}`;

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

import type { Areas } from "../../core/core.ts";
import type { NewTask, Step, TaskAndMessage } from "../../features/tasks/lifecycle.ts";
import type { TaskRow } from "../../features/tasks/row.ts";
import { isOver } from "../../features/tasks/task.ts";
import type { Tasks } from "../../features/tasks/tasks.ts";
import type { ReadTx, Tx } from "../../kernel/db/database.ts";
import type { Event } from "../../kernel/hooks.ts";
import { Problem } from "../../protocol/problem.ts";
import type { EventResult, Outcome } from "./event-result.ts";
import type { Report } from "./mappings/report.ts";
import { createNews } from "./news.ts";
import { createNotices } from "./notices.ts";
import type { IntegrationRow } from "./row.ts";
import { authorOf } from "./service.ts";
import type { EndStore } from "./store-ends.ts";

export type Intake = ReturnType<typeof createIntake>;

/** Turns reports into tasks. */
export function createIntake(
  areas: Areas & { tasks: Tasks },
  ends: EndStore,
  received: Event<[source: string, outcome: Outcome]>,
) {
  const { core, tasks } = areas;
  const { items, rows: works } = core.work;
  const { lifecycle } = tasks;
  const news = createNews(areas.kernel, ends);
  const notices = createNotices(areas);

  async function messageOf(on: ReadTx, { messageId }: TaskRow): Promise<EventResult["message"]> {
    const work = messageId === null ? undefined : await works.byId(on, messageId);
    return work ? { entry: await items.entryOf(on, work.messageId), work } : null;
  }

  /** One event: a new task, one that is known by its key, or nothing. */
  async function take(
    tx: Tx,
    integration: IntegrationRow,
    report: Report,
    { isFollowed = false }: { isFollowed?: boolean } = {},
  ): Promise<EventResult> {
    const { source } = integration;
    const known = report.dedupeKey === undefined ? undefined : await tasks.store.byKey(tx, source, report.dedupeKey);
    const isResolved = report.status === "resolved";
    const lives = known !== undefined && !isOver(known.status);
    if (await news.isOld(tx, source, report, known)) return late(tx, source, known);
    await news.note(tx, source, report);
    const outcome = isResolved ? (lives ? "resolved" : "ignored") : lives ? "repeated" : known ? "reopened" : "created";
    // A change of a pull request that a run links to is told where the run was asked for.
    if (isFollowed && !isResolved && !lives) return passOver(tx, source, known);
    await received.raise(tx, source, outcome);
    const step: Step = { actor: `integration:${source}` };
    const wanted = newTask(integration, report);
    const isNamed = report.target !== undefined;
    if (!isResolved && !lives) return open(tx, known, wanted, isNamed, step);
    if (!isResolved && known?.messageId === null) return repeatWithoutMessage(tx, known, wanted, isNamed, step);
    const change = (task: TaskRow) =>
      isResolved
        ? lifecycle.end(tx, task, "done", { ...step, note: "resolved", asOf: wanted.asOf })
        : lifecycle.again(tx, task, wanted, step);
    const task = known && lives ? await change(known) : (known ?? null);
    return { task, created: false, message: task && (await messageOf(tx, task)) };
  }

  async function passOver(tx: Tx, source: string, task: TaskRow | undefined): Promise<EventResult> {
    await received.raise(tx, source, "ignored");
    return { task: task ?? null, created: false, message: null };
  }

  /** The report is older than the known state. */
  async function late(tx: Tx, source: string, task: TaskRow | undefined): Promise<EventResult> {
    await received.raise(tx, source, "late");
    return { task: task ?? null, created: false, message: task ? await messageOf(tx, task) : null };
  }

  /** Sends a task without a message now, if its target can get it. */
  async function repeatWithoutMessage(tx: Tx, known: TaskRow, wanted: NewTask, isNamed: boolean, step: Step) {
    const task = await lifecycle.again(tx, known, wanted, step);
    const unsent: EventResult = { task, message: null, created: false };
    // A person has taken care of a task that is not open.
    if (wanted.target === null || task.status !== "open") return unsent;
    if (!isNamed && (await unreachable(tx, wanted)) !== undefined) return unsent;
    return {
      ...resultOf(await lifecycle.handOut(tx, authorOf(wanted.source), task, wanted.target, step)),
      created: false,
    };
  }

  /** A new or reopened task. Without a reachable target of its integration it is kept without a message, and `user` is told. */
  async function open(tx: Tx, known: TaskRow | undefined, wanted: NewTask, isNamed: boolean, step: Step) {
    const author = authorOf(wanted.source);
    const make = (task: NewTask, taken: Step) =>
      known ? lifecycle.reopen(tx, author, known, task, taken) : lifecycle.add(tx, author, task, taken);
    const why = isNamed || wanted.target === null ? undefined : await unreachable(tx, wanted);
    if (why === undefined || wanted.target === null)
      return resultOf(await make(wanted, known ? { ...step, note: "reported after its end" } : step));
    const made = await make({ ...wanted, target: null }, { ...step, note: `not sent: ${why}` });
    await notices.unreachable(tx, made.task, wanted.target, why);
    return resultOf(made);
  }

  /** The reason why the target cannot get work now; undefined when it can. Asked before anything is written. */
  async function unreachable(on: ReadTx, { source, target }: NewTask): Promise<string | undefined> {
    try {
      if (target !== null) await lifecycle.checkTarget(on, authorOf(source), target);
      return undefined;
    } catch (error) {
      if (error instanceof Problem) return error.message;
      throw error;
    }
  }

  return { take, messageOf, notices };
}

const resultOf = ({ task, sent }: TaskAndMessage): EventResult => ({ task, message: sent ?? null, created: true });

function newTask(integration: IntegrationRow, report: Report): NewTask {
  return {
    source: integration.source,
    dedupeKey: report.dedupeKey ?? null,
    title: report.title,
    body: report.body ?? "",
    severity: report.severity ?? integration.severity ?? "info",
    externalUrl: report.externalUrl ?? null,
    target: report.target ?? integration.target,
    topic: report.topic ?? integration.topic,
    asOf: report.asOf ?? null,
    payload: report.payload ? JSON.stringify(report.payload) : null,
  };
}

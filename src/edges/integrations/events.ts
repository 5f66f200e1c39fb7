import type { Sender } from "../../core/messages/send.ts";
import type { Claims } from "../../core/work/claims.ts";
import type { WorkStore } from "../../core/work/store.ts";
import { isOver } from "../../features/tasks/facts.ts";
import type { Made, NewTask, Step, TaskLife } from "../../features/tasks/life.ts";
import type { TaskRow, TaskStore } from "../../features/tasks/store.ts";
import type { Caller } from "../../identity/auth/caller.ts";
import type { Unidentified } from "../../identity/auth/route.ts";
import { createPauses } from "../../kernel/breathe.ts";
import type { Clock } from "../../kernel/clock.ts";
import type { Db, Reading, Tx } from "../../kernel/db/database.ts";
import { refuseNumbers } from "../../kernel/http/json.ts";
import type { Idempotency } from "../../kernel/idempotency/service.ts";
import { EVENT_BYTES, MAX_EVENTS } from "../../protocol/integrations.ts";
import { longNumbersIn } from "../../protocol/numbers.ts";
import { Problem } from "../../protocol/problem.ts";
import { readEvents } from "./mappings/mappings.ts";
import type { Delivery, Report } from "./mappings/report.ts";
import type { News } from "./news.ts";
import { EVENT } from "./retention.ts";
import type { Secrets } from "./secrets.ts";
import { authorOf, type IntegrationService } from "./service.ts";
import type { IntegrationRow, IntegrationStore } from "./store.ts";
import { refused, verify } from "./verify.ts";

export interface EventParts {
  db: Pick<Db, "read">;
  store: IntegrationStore;
  integrations: IntegrationService;
  secrets: Secrets;
  tasks: { life: TaskLife; store: TaskStore };
  sender: Sender;
  claims: Claims;
  works: WorkStore;
  idempotency: Idempotency;
  news: News;
  clock: Clock;
}

export const OUTCOMES = ["created", "reopened", "repeated", "resolved", "ignored", "late", "refused"] as const;
export type Outcome = (typeof OUTCOMES)[number];

/** What became of one event. */
export interface Became {
  task: TaskRow | null;
  /** As JSON; null when the task has none, or it is gone. */
  message: Pick<NonNullable<Made["sent"]>, "entry" | "work"> | null;
  created: boolean;
}

/** One post of a source. */
export interface Posted {
  /** Numbers beyond 2^53 in it are text. */
  body: Record<string, unknown> | unknown[];
  /** The same as it came. */
  text: string;
  delivery: Delivery;
  idempotencyKey: string | undefined;
}

/** Outcome of one post. */
export interface Received {
  events: Became[];
  /** Events that found no room in it. */
  skipped: number;
}

export type Events = ReturnType<typeof createEvents>;

/** Events of integrations: whose they are, and the tasks they become. */
export function createEvents(parts: EventParts) {
  const { db, store, integrations, secrets, tasks, sender, claims, works, idempotency, news, clock } = parts;
  const { life } = tasks;
  const listeners: ((source: string, outcome: Outcome) => void)[] = [];
  const told = (source: string, outcome: Outcome) => {
    for (const listener of listeners) listener(source, outcome);
  };

  /** Who posts: whoever's token it is, else the source itself, which shows that it knows its secret. @throws Problem 401 */
  async function identify({
    request,
    params,
    bytes,
    requestId,
    caller,
  }: Unidentified<{ source: string }>): Promise<Caller> {
    if (caller) return caller;
    const { source } = params;
    const row = await db.read((on) => store.bySource(on, source));
    // Who is not known is not told which integrations there are.
    if (!row) throw refused("the signature does not fit");
    try {
      verify(row.verify, secrets.of(row), { headers: request.headers, bytes, now: clock.now() });
    } catch (error) {
      told(source, "refused");
      throw error;
    }
    const nobody = { agentId: null, groups: null, prefix: null, instanceId: null };
    return { tokenId: `integration:${source}`, role: "integration", source, requestId, ...nobody };
  }

  /** `POST /v1/integrations/{source}/events`: all its events in one write. @throws Problem 403, 404, 422 */
  async function receive(tx: Tx, caller: Caller, source: string, { body, text, delivery, idempotencyKey }: Posted) {
    if (!mayPost(caller, source)) throw new Problem("forbidden", `This token may not post events of ${source}.`);
    const integration = await integrations.requireIntegration(tx, source);
    if (integration.mapping === "generic") refuseNumbers(longNumbersIn(text));
    return idempotency.once<Received>(tx, {
      sender: `integration:${source}`,
      key: idempotencyKey ?? delivery.id,
      operation: EVENT,
      asked: [delivery.kind, body],
      async make() {
        const { reports, leftOut, truncated = 0 } = readEvents(integration, body, delivery);
        const events: Became[] = [];
        const pause = createPauses();
        for (const report of reports) {
          events.push(await take(tx, integration, report));
          await pause();
        }
        if (leftOut.length > 0) await tellLeftOut(tx, source, reports.length, leftOut);
        if (truncated > 0) await tellTruncated(tx, source, truncated);
        if (reports.length === 0) tx.afterCommit(() => told(source, "ignored"));
        const subject = { tasks: events.map(({ task, created }) => [task?.id, created]), skipped: leftOut.length };
        return { subject: JSON.stringify(subject), made: { events, skipped: leftOut.length } };
      },
      again: (subject) => madeBefore(tx, JSON.parse(subject)),
    });
  }

  /** The tasks of a delivery that came before, as they are now; undefined when one of them is not kept any more. */
  async function madeBefore(on: Reading, subject: Subject): Promise<Received | undefined> {
    const events: Became[] = [];
    for (const [id, created] of subject.tasks) {
      const task = id === null ? null : await tasks.store.byId(on, id);
      if (task === undefined) return undefined;
      events.push({ task, created, message: task && (await messageOf(on, task)) });
    }
    return { events, skipped: subject.skipped };
  }

  async function tellLeftOut(tx: Tx, source: string, taken: number, leftOut: string[]): Promise<void> {
    const named = leftOut.slice(0, MAX_NAMED);
    const more = leftOut.length - named.length;
    await sender.tell(tx, "user", {
      subject: `${source}: ${leftOut.length} events were left out`,
      body:
        `A delivery of ${source} held ${taken + leftOut.length} events. The first ${taken} were taken: a delivery may hold ` +
        `${MAX_EVENTS} events and ${EVENT_BYTES} bytes of them. Let ${source} send fewer at once (Alertmanager: max_alerts). ` +
        `Left out:\n${named.join("\n")}${more > 0 ? `\nand ${more} more` : ""}`,
      payload: { source, taken, skipped: leftOut.length, leftOut: named },
    });
  }

  /** Alerts beyond `max_alerts`: their ends are left out as well. */
  async function tellTruncated(tx: Tx, source: string, truncated: number): Promise<void> {
    await sender.tell(tx, "user", {
      subject: `${source}: ${truncated} events were left out by ${source} itself`,
      body: `A delivery of ${source} came without ${truncated} of its alerts (max_alerts). Let ${source} group them smaller (group_by).`,
      payload: { source, truncated },
    });
  }

  async function messageOf(on: Reading, { messageId }: TaskRow): Promise<Became["message"]> {
    const work = messageId === null ? undefined : await works.byId(on, messageId);
    return work ? { entry: await claims.entryOf(on, work.messageId), work } : null;
  }

  /** A delivery that is too large to be read is lost: its source does not send it again. */
  async function tellRefused(tx: Tx, caller: Caller, source: string, why: string): Promise<void> {
    if (!mayPost(caller, source)) return;
    await sender.tell(tx, "user", {
      subject: `${source}: a delivery was refused`,
      body: `A delivery of ${source} was too large to be read. ${why} Let ${source} send fewer events at once (Alertmanager: max_alerts).`,
      payload: { source },
    });
  }

  /** One event: a new task, one that is known by its key, or nothing. */
  async function take(tx: Tx, integration: IntegrationRow, report: Report): Promise<Became> {
    const { source } = integration;
    const known = report.dedupeKey === undefined ? undefined : await tasks.store.byKey(tx, source, report.dedupeKey);
    const isResolved = report.status === "resolved";
    const lives = known !== undefined && !isOver(known.status);
    if (await news.isOld(tx, source, report, known)) return late(tx, source, known);
    await news.note(tx, source, report);
    const outcome = isResolved ? (lives ? "resolved" : "ignored") : lives ? "repeated" : known ? "reopened" : "created";
    tx.afterCommit(() => told(source, outcome));
    const step: Step = { actor: `integration:${source}` };
    const wanted = newTask(integration, report);
    const isNamed = report.target !== undefined;
    if (!isResolved && !lives) return open(tx, known, wanted, isNamed, step);
    if (!isResolved && known?.messageId === null) return repeatWithoutMessage(tx, known, wanted, isNamed, step);
    const change = (task: TaskRow) =>
      isResolved
        ? life.end(tx, task, "done", { ...step, note: "resolved", asOf: wanted.asOf })
        : life.again(tx, task, wanted, step);
    const task = known && lives ? await change(known) : (known ?? null);
    return { task, created: false, message: task && (await messageOf(tx, task)) };
  }

  /** Something newer is known already. */
  async function late(tx: Tx, source: string, task: TaskRow | undefined): Promise<Became> {
    tx.afterCommit(() => told(source, "late"));
    return { task: task ?? null, created: false, message: task ? await messageOf(tx, task) : null };
  }

  /** It had nobody to go to: now there may be somebody. */
  async function repeatWithoutMessage(tx: Tx, known: TaskRow, wanted: NewTask, isNamed: boolean, step: Step) {
    const task = await life.again(tx, known, wanted, step);
    const nobody: Became = { task, message: null, created: false };
    // When it is not open, people have taken care of it meanwhile.
    if (wanted.target === null || task.status !== "open") return nobody;
    if (!isNamed && (await unreachable(tx, wanted)) !== undefined) return nobody;
    return { ...became(await life.handOut(tx, authorOf(wanted.source), task, wanted.target, step)), created: false };
  }

  /** A task that is new, or opened again. Where its integration's own target cannot get it, it is kept, and `user` told. */
  async function open(tx: Tx, known: TaskRow | undefined, wanted: NewTask, isNamed: boolean, step: Step) {
    const author = authorOf(wanted.source);
    const make = (task: NewTask, taken: Step) =>
      known ? life.reopen(tx, author, known, task, taken) : life.add(tx, author, task, taken);
    const why = isNamed || wanted.target === null ? undefined : await unreachable(tx, wanted);
    if (why === undefined || wanted.target === null)
      return became(await make(wanted, known ? { ...step, note: "reported after its end" } : step));
    const made = await make({ ...wanted, target: null }, { ...step, note: `not sent: ${why}` });
    await tellUser(tx, made.task, wanted.target, why);
    return became(made);
  }

  /** Why no work can be sent there now, in words; undefined when it can. Asked first: nothing is written by then. */
  async function unreachable(on: Reading, { source, target }: NewTask): Promise<string | undefined> {
    try {
      if (target !== null) await life.checkTarget(on, authorOf(source), target);
      return undefined;
    } catch (error) {
      if (error instanceof Problem) return error.message;
      throw error;
    }
  }

  async function tellUser(
    tx: Tx,
    { id, source, title, severity }: TaskRow,
    target: string,
    why: string,
  ): Promise<void> {
    await sender.tell(tx, "user", {
      subject: `[${severity}] ${title}`,
      body: `Task ${id} of ${source} is for ${target}, which cannot get it: ${why}`,
      payload: { taskId: id, source, target },
    });
  }

  return {
    identify,
    receive,
    tellRefused,
    /** Told of each event, what became of it once that is on disk. */
    onReceived: (listener: (source: string, outcome: Outcome) => void) => listeners.push(listener),
  };
}

const mayPost = (caller: Caller, source: string): boolean =>
  caller.role === "operator" || (caller.role === "integration" && caller.source === source);

/** Most skipped events that a notice names. */
const MAX_NAMED = 20;

/** Result stored under a delivery's idempotency key. */
interface Subject {
  tasks: [id: string | null, created: boolean][];
  skipped: number;
}

const became = ({ task, sent }: Made): Became => ({ task, message: sent ?? null, created: true });

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

import type { Caller } from "../auth/caller.ts";
import type { Clock } from "../clock.ts";
import type { Db, Reading, Tx } from "../db/database.ts";
import type { Unidentified } from "../http/call.ts";
import type { Idempotency } from "../idempotency/service.ts";
import type { Claims } from "../messages/claims.ts";
import type { Sender } from "../messages/send.ts";
import type { WorkStore } from "../messages/store-work.ts";
import { Problem } from "../problem.ts";
import { isOver } from "../tasks/facts.ts";
import type { Made, NewTask, Step, TaskLife } from "../tasks/life.ts";
import type { TaskRow, TaskStore } from "../tasks/store.ts";
import { readEvents } from "./mappings/mappings.ts";
import type { Delivery, Report } from "./mappings/report.ts";
import type { Secrets } from "./secrets.ts";
import { type IntegrationService, SYSTEM } from "./service.ts";
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
  body: Record<string, unknown>;
  delivery: Delivery;
  idempotencyKey: string | undefined;
}

export type Events = ReturnType<typeof createEvents>;

/** Events of integrations: whose they are, and the tasks they become. */
export function createEvents(parts: EventParts) {
  const { db, store, integrations, secrets, tasks, sender, claims, works, idempotency, clock } = parts;
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
  async function receive(tx: Tx, caller: Caller, source: string, { body, delivery, idempotencyKey }: Posted) {
    if (caller.role !== "operator" && (caller.role !== "integration" || caller.source !== source))
      throw new Problem("forbidden", `This token may not post events of ${source}.`);
    const integration = await integrations.requireIntegration(tx, source);
    return idempotency.once<Became[]>(tx, {
      sender: `integration:${source}`,
      key: idempotencyKey ?? delivery.id,
      operation: EVENT,
      asked: [delivery.kind, body],
      async make() {
        const made: Became[] = [];
        const reports = readEvents(integration, body, delivery);
        for (const report of reports) made.push(await take(tx, integration, report));
        if (reports.length === 0) tx.afterCommit(() => told(source, "ignored"));
        return { subject: JSON.stringify(made.map(({ task, created }) => [task?.id, created])), made };
      },
      again: (subject) => madeBefore(tx, JSON.parse(subject)),
    });
  }

  /** The tasks of a delivery that came before, as they are now; undefined when one of them is not kept any more. */
  async function madeBefore(on: Reading, subject: [id: string | null, created: boolean][]) {
    const before: Became[] = [];
    for (const [id, created] of subject) {
      const task = id === null ? null : await tasks.store.byId(on, id);
      if (task === undefined) return undefined;
      before.push({ task, created, message: task && (await messageOf(on, task)) });
    }
    return before;
  }

  async function messageOf(on: Reading, { messageId }: TaskRow): Promise<Became["message"]> {
    const work = messageId === null ? undefined : await works.byId(on, messageId);
    return work ? { entry: await claims.entryOf(on, work.messageId), work } : null;
  }

  /** One event: a new task, one that is known by its key, or nothing. */
  async function take(tx: Tx, integration: IntegrationRow, report: Report): Promise<Became> {
    const { source } = integration;
    const known = report.dedupeKey === undefined ? undefined : await tasks.store.byKey(tx, source, report.dedupeKey);
    const isResolved = report.status === "resolved";
    const lives = known !== undefined && !isOver(known.status);
    if (known && isResolved && (report.asOf ?? Infinity) < (known.asOf ?? 0)) return late(tx, known);
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

  /** It is said to be over as of a time when it was known to be open: old news closes nothing. In doubt work is open. */
  async function late(tx: Tx, task: TaskRow): Promise<Became> {
    tx.afterCommit(() => told(task.source ?? "", "late"));
    return { task, created: false, message: await messageOf(tx, task) };
  }

  /** It had nobody to go to: now there may be somebody. */
  async function repeatWithoutMessage(tx: Tx, known: TaskRow, wanted: NewTask, isNamed: boolean, step: Step) {
    const task = await life.again(tx, known, wanted, step);
    const nobody: Became = { task, message: null, created: false };
    // When it is not open, people have taken care of it meanwhile.
    if (wanted.target === null || task.status !== "open") return nobody;
    if (!isNamed && (await unreachable(tx, wanted.target)) !== undefined) return nobody;
    return { ...became(await life.handOut(tx, SYSTEM, task, wanted.target, step)), created: false };
  }

  /** A task that is new, or opened again. Where its integration's own target cannot get it, it is kept, and `user` told. */
  async function open(tx: Tx, known: TaskRow | undefined, wanted: NewTask, isNamed: boolean, step: Step) {
    const make = (task: NewTask, taken: Step) =>
      known ? life.reopen(tx, SYSTEM, known, task, taken) : life.add(tx, SYSTEM, task, taken);
    const why = isNamed || wanted.target === null ? undefined : await unreachable(tx, wanted.target);
    if (why === undefined || wanted.target === null)
      return became(await make(wanted, known ? { ...step, note: "reported after its end" } : step));
    const made = await make({ ...wanted, target: null }, { ...step, note: `not sent: ${why}` });
    await tellUser(tx, made.task, wanted.target, why);
    return became(made);
  }

  /** Why no work can be sent there now, in words; undefined when it can. Asked first: nothing is written by then. */
  async function unreachable(on: Reading, target: string): Promise<string | undefined> {
    try {
      await life.checkTarget(on, SYSTEM, target);
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
    /** Told of each event, what became of it once that is on disk. */
    onReceived: (listener: (source: string, outcome: Outcome) => void) => listeners.push(listener),
  };
}

/** The operation of idempotency keys that deliveries have. */
export const EVENT = "event";

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

import type { Sender } from "../../core/messages/send.ts";
import type { Claims } from "../../core/work/claims.ts";
import type { WorkStore } from "../../core/work/store.ts";
import { isOver } from "../../features/tasks/facts.ts";
import type { Made, NewTask, Step, TaskLife } from "../../features/tasks/life.ts";
import type { TaskRow, TaskStore } from "../../features/tasks/store.ts";
import type { Caller } from "../../identity/auth/caller.ts";
import type { Unidentified, Witness } from "../../identity/auth/route.ts";
import { createPauses } from "../../kernel/breathe.ts";
import type { Clock } from "../../kernel/clock.ts";
import type { Db, Reading, Tx } from "../../kernel/db/database.ts";
import { type LeftOut, type Sieve, tooLarge } from "../../kernel/http/bytes.ts";
import { refuseNumbers } from "../../kernel/http/json.ts";
import { createSieve } from "../../kernel/http/sieve.ts";
import type { Idempotency } from "../../kernel/idempotency/service.ts";
import { DELIVERY_BYTES } from "../../protocol/integrations.ts";
import { longNumbersIn } from "../../protocol/numbers.ts";
import { Problem } from "../../protocol/problem.ts";
import { knownIn, readEvents } from "./mappings/mappings.ts";
import type { Delivery, Report } from "./mappings/report.ts";
import type { News } from "./news.ts";
import { createNotices } from "./notices.ts";
import { EVENT } from "./retention.ts";
import type { Secrets } from "./secrets.ts";
import { authorOf, type IntegrationService } from "./service.ts";
import type { IntegrationRow, IntegrationStore } from "./store.ts";
import { type Check, checkOf, noPass, refused } from "./verify.ts";

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
  /** How much was left out of a body that is too large to be parsed. */
  leftOut: LeftOut | undefined;
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
  const notices = createNotices(sender);
  const listeners: ((source: string, outcome: Outcome) => void)[] = [];
  const told = (source: string, outcome: Outcome) => {
    for (const listener of listeners) listener(source, outcome);
  };

  /**
   * Tells who posts: the bearer of a token, else the source itself, which shows that it knows its secret. @throws Problem 401, 403
   */
  async function witness({ request, params, requestId, caller }: Unidentified<{ source: string }>): Promise<Witness> {
    const { source } = params;
    if (caller) requirePoster(caller, source);
    const row = await db.read((on) => store.bySource(on, source));
    const known = row && knownIn(row);
    const sieve = async () => (known === undefined ? refusing : createSieve(known));
    if (caller) return { caller: () => caller, sieve };
    const check = checkFor(row, request.headers);
    return {
      ...(check.take && { take: check.take }),
      sieve,
      caller() {
        if (!check.isPassed()) {
          if (row) told(source, "refused");
          throw refused("the signature does not fit");
        }
        const nobody = { agentId: null, groups: null, prefix: null, instanceId: null };
        return { tokenId: `integration:${source}`, role: "integration", source, requestId, ...nobody };
      },
    };
  }

  /** A caller that does not know a secret is not told which integrations there are. @throws Problem 401 */
  function checkFor(row: IntegrationRow | undefined, headers: Headers): Check {
    if (!row) return noPass();
    try {
      return checkOf(row.verify, secrets.of(row), { headers, now: clock.now() });
    } catch (error) {
      told(row.source, "refused");
      throw error;
    }
  }

  /** `POST /v1/integrations/{source}/events`: all its events in one write. @throws Problem 403, 404, 422 */
  async function receive(tx: Tx, caller: Caller, source: string, posted: Posted) {
    const { body, text, delivery, leftOut: cut, idempotencyKey } = posted;
    requirePoster(caller, source);
    const integration = await integrations.requireIntegration(tx, source);
    if (integration.mapping === "generic") refuseNumbers(longNumbersIn(text));
    return idempotency.once<Received>(tx, {
      sender: `integration:${source}`,
      key: idempotencyKey ?? delivery.id,
      operation: EVENT,
      asked: [delivery.kind, body, ...(cut ? [cut.of] : [])],
      async make() {
        const { reports, leftOut, truncated = 0 } = readEvents(integration, body, delivery);
        const events: Became[] = [];
        const pause = createPauses();
        for (const report of reports) {
          events.push(await take(tx, integration, report));
          await pause();
        }
        const others = cut?.items ?? 0;
        const skipped = leftOut.length + others;
        if (skipped > 0) await notices.leftOut(tx, source, { taken: reports.length, named: leftOut, others });
        else if (cut && reports.length > 0) await notices.cut(tx, source, cut);
        if (truncated > 0) await notices.truncated(tx, source, truncated);
        if (reports.length === 0) tx.afterCommit(() => told(source, "ignored"));
        const subject = { tasks: events.map(({ task, created }) => [task?.id, created]), skipped };
        return { subject: JSON.stringify(subject), made: { events, skipped } };
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
    await notices.unreachable(tx, made.task, wanted.target, why);
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

  return {
    witness,
    receive,
    tellRefused: (tx: Tx, source: string, why: string): Promise<void> => notices.refused(tx, source, why),
    /** Told of each event, what became of it once that is on disk. */
    onReceived: (listener: (source: string, outcome: Outcome) => void) => listeners.push(listener),
  };
}

/** @throws Problem 403 */
function requirePoster({ role, source: own }: Caller, source: string): void {
  if (role !== "operator" && !(role === "integration" && own === source))
    throw new Problem("forbidden", `This token may not post events of ${source}.`);
}

/** Takes nothing: a delivery in the relay's own shape has to be as small as that says. */
const refusing: Sieve = {
  take: () => undefined,
  end() {
    throw tooLarge(DELIVERY_BYTES);
  },
};

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

import type { Areas } from "../../core/core.ts";
import type { Tasks } from "../../features/tasks/tasks.ts";
import type { Caller } from "../../identity/auth/caller.ts";
import type { Unidentified, Witness } from "../../identity/auth/route.ts";
import { createPauses } from "../../kernel/breathe.ts";
import type { ReadTx, Tx } from "../../kernel/db/database.ts";
import type { Event } from "../../kernel/hooks.ts";
import { type LeftOut, type Sieve, tooLarge } from "../../kernel/http/bytes.ts";
import { refuseNumbers } from "../../kernel/http/json.ts";
import { createSieve } from "../../kernel/http/sieve.ts";
import { DELIVERY_BYTES } from "../../protocol/integrations.ts";
import { longNumbersIn } from "../../protocol/numbers.ts";
import { Problem } from "../../protocol/problem.ts";
import type { Pulls } from "../pulls/pulls.ts";
import type { EventResult, Outcome } from "./event-result.ts";
import type { Intake } from "./intake.ts";
import { knownIn, readEvents } from "./mappings/mappings.ts";
import type { Delivery } from "./mappings/report.ts";
import type { IntegrationRow } from "./row.ts";
import type { IntegrationService } from "./service.ts";
import { EVENT } from "./store-ends.ts";
import { type Check, checkOf, isSigned, noPass, unproven } from "./verify.ts";

/** One delivery of a source. */
export interface Post {
  /** Numbers beyond 2^53 in it are text. */
  body: Record<string, unknown> | unknown[];
  /** The body as it came. */
  text: string;
  delivery: Delivery;
  /** Part left out of a body that is too large to be parsed. */
  leftOut: LeftOut | undefined;
  idempotencyKey: string | undefined;
}

/** Result of one delivery. */
export interface EventReceipt {
  events: EventResult[];
  /** Number of events without room. */
  skipped: number;
}

export type IntegrationEvents = ReturnType<typeof createIntegrationEvents>;

/** Events of integrations: identifies their source, and turns them into tasks. */
export function createIntegrationEvents(
  { kernel, tasks, pulls }: Areas & { tasks: Tasks; pulls: Pulls },
  integrations: IntegrationService,
  intake: Intake,
  received: Event<[source: string, outcome: Outcome]>,
) {
  const { db, idempotency, clock, logger } = kernel;
  const { notices } = intake;

  /** The bearer of a token, else the source itself, which proves that it knows its secret. @throws Problem 401, 403 */
  async function witness({ request, params, requestId, caller }: Unidentified<{ source: string }>): Promise<Witness> {
    const { source } = params;
    if (caller) requirePoster(caller, source);
    const row = await db.read((on) => integrations.find(on, source));
    const known = row && knownIn(row);
    const sieve = async () => (known === undefined ? refusing() : createSieve(known));
    if (caller) return { caller: () => caller, sieve };
    const check = checkFor(row, request.headers);
    return {
      ...(check.take && { take: check.take }),
      sieve,
      caller() {
        if (!check.isPassed()) throw refused(row, check.why ?? "its signature does not fit");
        const nobody = { agentId: null, groups: null, prefix: null, instanceId: null, personId: null };
        return { tokenId: `integration:${source}`, role: "integration", source, requestId, ...nobody };
      },
    };
  }

  /**
   * Neither the refusal nor its time tells a stranger whether the integration exists: without a signature it comes before the
   * body is read, with one after that. @throws Problem 401
   */
  function checkFor(row: IntegrationRow | undefined, headers: Headers): Check {
    const check = row && checkOf(row.verify, integrations.secretOf(row), { headers, now: clock.now() });
    if (typeof check === "object") return check;
    if (!isSigned(headers)) throw refused(row, check);
    return noPass(check);
  }

  function refused(row: IntegrationRow | undefined, why: string | undefined): Problem {
    if (row) received.announce(row.source, "refused");
    if (row) logger.debug({ source: row.source, why }, "event was refused");
    return unproven();
  }

  /** `POST /v1/integrations/{source}/events`: all its events in one write. @throws Problem 403, 404, 422 */
  async function receive(
    tx: Tx,
    caller: Caller,
    source: string,
    { body, text, delivery, leftOut: cut, idempotencyKey }: Post,
  ) {
    requirePoster(caller, source);
    const integration = await integrations.requireIntegration(tx, source);
    if (integration.mapping === "generic") refuseNumbers(longNumbersIn(text));
    return idempotency.once<EventReceipt>(tx, {
      sender: `integration:${source}`,
      key: idempotencyKey ?? delivery.id,
      operation: EVENT,
      asked: [delivery.kind, body, ...(cut ? [cut.of] : [])],
      async make() {
        const { reports, leftOut, truncated = 0 } = readEvents(integration, body, delivery);
        const isFollowed = integration.mapping === "github" && (await pulls.take(tx, body, delivery.kind));
        const events: EventResult[] = [];
        const pause = createPauses();
        for (const report of reports) {
          events.push(await intake.take(tx, integration, report, { isFollowed }));
          await pause();
        }
        const others = cut?.items ?? 0;
        const skipped = leftOut.length + others;
        if (skipped > 0) await notices.leftOut(tx, source, { taken: reports.length, named: leftOut, others });
        else if (cut && reports.length > 0) await notices.cut(tx, source, cut);
        if (truncated > 0) await notices.truncated(tx, source, truncated);
        if (reports.length === 0) await received.raise(tx, source, "ignored");
        const subject = { tasks: events.map(({ task, created }) => [task?.id, created]), skipped };
        return { subject: JSON.stringify(subject), made: { events, skipped } };
      },
      again: (subject) => madeBefore(tx, JSON.parse(subject)),
    });
  }

  /** Tasks of an earlier delivery, as they are now; undefined when one of them is gone. */
  async function madeBefore(on: ReadTx, subject: Subject): Promise<EventReceipt | undefined> {
    const events: EventResult[] = [];
    for (const [id, created] of subject.tasks) {
      const task = id === null ? null : await tasks.store.byId(on, id);
      if (task === undefined) return undefined;
      events.push({ task, created, message: task && (await intake.messageOf(on, task)) });
    }
    return { events, skipped: subject.skipped };
  }

  return { witness, receive, tellRefused: notices.refused };
}

/** @throws Problem 403 */
function requirePoster({ role, source: own }: Caller, source: string): void {
  if (role !== "operator" && !(role === "integration" && own === source))
    throw new Problem("forbidden", `This token may not post events of ${source}.`);
}

/**
 * Keeps nothing: a delivery in the relay's own shape has a limit of its own. It takes as long as that of a mapped source,
 * so that its time does not tell a stranger which source it was for.
 */
function refusing(): Sieve {
  const { take } = createSieve({ members: new Map() });
  return {
    take,
    end() {
      throw tooLarge(DELIVERY_BYTES);
    },
  };
}

/** Result stored under a delivery's idempotency key. */
interface Subject {
  tasks: [id: string | null, created: boolean][];
  skipped: number;
}

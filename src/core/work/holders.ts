import { actingFor, type Caller } from "../../identity/auth/caller.ts";
import type { Tx } from "../../kernel/db/database.ts";
import { Problem } from "../../protocol/problem.ts";
import type { Fail, ParsedComplete, ParsedCompleteItem, ParsedRenew, Release } from "../../protocol/work.ts";
import type { Base } from "../base.ts";
import { each } from "../each.ts";
import type { Quotas } from "../messages/quotas.ts";
import { refuseReserved } from "../messages/reserved.ts";
import type { Sender } from "../messages/send.ts";
import type { WorkItem, WorkItems } from "./items.ts";
import type { Leases } from "./leases.ts";
import { createProgress } from "./progress.ts";
import type { WorkRow } from "./row.ts";
import { fenceOf, tokenOf } from "./token.ts";

/** The holder's word on the work as it ends it. */
export type Report = { done: ParsedComplete } | { failed: Fail };

interface Parts {
  items: WorkItems;
  leases: Leases;
  sender: Sender;
  quotas: Quotas;
}

/** The verbs of a holder, each guarded by the token of its lease: renew, release, complete, fail. */
export function createHolders(base: Base, { items, leases, sender, quotas }: Parts) {
  const { clock, hooks } = base.kernel;
  const { agents, directory } = base.identity;
  const { work: works } = base.rows;
  /** The holder ends the work with a result or an error; raised before its lease ends. */
  const reported = hooks.event<[work: WorkRow, report: Report]>("work.reported");
  const progress = createProgress(base, sender, quotas);

  /**
   * The live lease a token names, or the row as it is when this very lease already ended as wanted (`repeated`).
   * @throws Problem 403, 404, 409 claim-lost
   */
  async function requireLease(tx: Tx, caller: Caller, id: number, token: string, outcome?: string) {
    const work = await items.require(tx, caller, id);
    const fence = fenceOf(token, id);
    // The row of held work names the holder of its newest lease; only of older ones the attempt has to be read.
    const isNewest = work.state === "claimed" && work.fence === fence;
    const ended = isNewest || fence === undefined ? undefined : await works.attempt(tx, work, fence);
    const holder = isNewest ? (work.holder ?? undefined) : ended?.agentId;
    const actor = actingFor(caller, holder);
    await agents.requireActor(tx, caller, actor);
    if (holder !== actor) return items.refuse(tx, caller, id, notHeld(actor, id));
    if (outcome !== undefined && ended?.outcome === outcome) return { work, actor, repeated: true };
    const live = isNewest && (work.dueAt ?? 0) > clock.now();
    if (!live) throw new Problem("claim-lost", `That lease of message ${id} has ended; it is ${work.state}.`);
    return { work, actor, repeated: false };
  }

  /** `POST /v1/messages/{id}/renew`: a report of progress goes to the sender in the same write. */
  async function renew(tx: Tx, caller: Caller, id: number, body: ParsedRenew): Promise<WorkItem> {
    const { work } = await requireLease(tx, caller, id, body.token);
    const leaseSeconds = body.leaseSeconds ?? work.leaseSeconds ?? 600;
    const dueAt = clock.now() + leaseSeconds * 1000;
    await works.renew(tx, id, dueAt, leaseSeconds);
    await works.renewAttempt(tx, work, clock.now());
    const renewed = { ...work, dueAt, leaseSeconds };
    await leases.changed(tx, renewed, work);
    if (body.progress) await progress.tell(tx, caller, await items.entryOf(tx, id), renewed, body.progress);
    return items.of(tx, renewed);
  }

  /** `POST /v1/messages/{id}/release`: the attempt does not count. */
  async function release(tx: Tx, caller: Caller, id: number, body: Release): Promise<WorkItem> {
    const { work, repeated } = await requireLease(tx, caller, id, body.token, "released");
    if (repeated) return items.withoutLease(tx, work);
    const delayMs = (body.delaySeconds ?? 0) * 1000;
    return items.of(tx, await leases.end(tx, work, { as: "released", reason: body.reason ?? null, delayMs }));
  }

  /** `POST /v1/messages/{id}/fail`: the attempt counts; the last one makes a dead letter. */
  async function fail(tx: Tx, caller: Caller, id: number, body: Fail): Promise<WorkItem> {
    const { work, repeated } = await requireLease(tx, caller, id, body.token, "failed");
    if (repeated) return items.withoutLease(tx, work);
    return items.of(tx, await endFailed(tx, work, body));
  }

  async function endFailed(tx: Tx, work: WorkRow, body: Fail): Promise<WorkRow> {
    await reported.raise(tx, work, { failed: body });
    const { failure, code } = body;
    const final = body.final === true || failure === "permanent" || failure === "ambiguous";
    const delayMs = (body.retryAfterSeconds ?? 0) * 1000;
    return leases.end(tx, work, { as: "failed", error: errorOf(body), final, delayMs, failure, code });
  }

  /** `POST /v1/messages/{id}/complete`: a result goes to the sender as a `response`, in the same write. */
  async function complete(tx: Tx, caller: Caller, id: number, body: ParsedComplete): Promise<WorkItem> {
    const { token, result } = body;
    const { work, actor, repeated } = await requireLease(tx, caller, id, token, "completed");
    if (repeated) return items.withoutLease(tx, work);
    if (result) refuseReserved(result, "/result");
    return items.of(tx, await endDone(tx, work, actor, body));
  }

  /** `POST /v1/messages/complete`: one write, in which each is completed or refused by itself. */
  const completeEach = (tx: Tx, caller: Caller, items: readonly (ParsedCompleteItem | Problem)[]) =>
    each(tx, items, ({ id, ...body }: ParsedCompleteItem) => complete(tx, caller, id, body));

  async function endDone(tx: Tx, work: WorkRow, actor: string, body: ParsedComplete): Promise<WorkRow> {
    const { messageId } = work;
    const reacting = reported.raise(tx, work, { done: body });
    if (reacting) await reacting;
    const resultId = body.result ? await answer(tx, messageId, actor, body.result) : null;
    // A result that was an answer owed has ended the work already.
    const now = resultId === null ? work : ((await works.byId(tx, messageId)) ?? work);
    return now.state === "claimed" ? leases.end(tx, work, { as: "completed", resultId }) : now;
  }

  async function answer(tx: Tx, id: number, actor: string, result: Result): Promise<number | null> {
    const { from } = await items.entryOf(tx, id);
    const facts = directory.facts(tx, actor);
    const response = { to: from, kind: "response" as const, replyTo: id, ...result };
    const author = { id: actor, kind: facts?.kind ?? "provider", via: null };
    const sent = await sender.post(tx, author, response, { settles: true });
    return sent?.entry.id ?? null;
  }

  return {
    requireLease,
    renew,
    release,
    fail,
    complete,
    completeEach,
    /** Ends held work whose result a feature knows, as its holder would. */
    async completeHeld(tx: Tx, work: WorkRow, result: Result | undefined): Promise<void> {
      await endDone(tx, work, work.holder ?? "", { token: tokenOf(work), ...(result ? { result } : {}) });
    },
    /** Ends an attempt that a feature knows to have failed. */
    async failHeld(tx: Tx, work: WorkRow, error: string): Promise<void> {
      await endFailed(tx, work, { token: tokenOf(work), error });
    },
    reported,
    progressTitle: progress.title,
  };
}

type Result = NonNullable<ParsedComplete["result"]>;

/** `ambiguous (timeout): no answer within 10 s` */
function errorOf({ error, failure, code }: Fail): string {
  if (!failure && !code) return error;
  const reason = failure && code ? `${failure} (${code})` : (failure ?? code);
  return `${reason}: ${error}`;
}

const notHeld = (actor: string, id: number): Problem =>
  new Problem("claim-lost", `${actor} holds no lease of message ${id} with that token.`);

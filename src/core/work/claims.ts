import { actingAs, type Caller, requireOperator } from "../../identity/auth/caller.ts";
import type { Reading, Tx } from "../../kernel/db/database.ts";
import { jsonBytes, PAGE_BYTES, readPage } from "../../kernel/pages.ts";
import { Problem } from "../../protocol/problem.ts";
import { toTime } from "../../protocol/wire.ts";
import type { Fail, ParsedComplete, ParsedRenew, Release } from "../../protocol/work.ts";
import type { Base } from "../base.ts";
import type { Access } from "../messages/access.ts";
import { type LogEntry, toLogEntry } from "../messages/entry.ts";
import type { Quotas } from "../messages/quotas.ts";
import { refuseReserved } from "../messages/reserved.ts";
import type { Sender } from "../messages/send.ts";
import type { Leases } from "./leases.ts";
import { createProgress } from "./progress.ts";
import type { WorkRow } from "./row.ts";
import type { Wanted } from "./store-open-work.ts";

/** A message with the state of its work; `lease` for whoever holds it. */
export interface Worked {
  entry: LogEntry;
  work: WorkRow;
  lease?: { token: string; attempt: number; expiresAt: number } | undefined;
  /** What hangs on the work, by its name in the answer. */
  attached?: Record<string, unknown> | undefined;
  /** The parent as JSON, when requested. */
  parent?: string | undefined;
}

const MAX_HELD = 500;

interface HeldPage {
  page?: number | undefined;
  limit: number;
}

/** What its holder says of the work as it ends it, for who stands above. It runs in that write, before the lease ends. */
export type Report = { done: ParsedComplete } | { failed: Fail };

export type Claims = ReturnType<typeof createClaims>;

/** The verbs of work: claim, renew, release, complete, fail, cancel, requeue. What they do to a lease is in leases.ts. */
export function createClaims(base: Base, parts: { access: Access; sender: Sender; leases: Leases; quotas: Quotas }) {
  const { clock, hooks } = base.kernel;
  const { log } = base;
  const { agents, directory } = base.identity;
  const { messages: store, work: works } = base.rows;
  const { access, sender, leases, quotas } = parts;
  /** Further members of an answer about work: `{ task }`. */
  const extras = hooks.question<[work: WorkRow], Record<string, unknown>>("work.extras");
  /** The entry as its worker has to see it now; the log keeps the original. */
  const restated = hooks.question<[work: WorkRow, entry: LogEntry], LogEntry>("work.restated");
  /** The holder ends the work with a result or an error; raised before its lease ends. */
  const reported = hooks.event<[work: WorkRow, report: Report]>("work.reported");
  const progress = createProgress(base, sender, quotas);

  /** `POST /v1/messages/{id}/claim`. @throws Problem 403, 404, 409, 422 */
  async function claim(tx: Tx, caller: Caller, id: number, agentId: string | undefined, leaseSeconds: number) {
    const actor = actingAs(caller, agentId);
    const facts = await agents.requireActor(tx, caller, actor);
    const work = await requireWork(tx, caller, id);
    if (!(await directory.targetsNow(tx, actor)).includes(work.target))
      return refuse(tx, caller, id, notATarget(work, actor));
    if (!facts.ready) return refuse(tx, caller, id, new Problem("conflict", `${actor} is not ready for work.`));
    const open = await leases.overdue(tx, work);
    if (open.state === "claimed") return refuse(tx, caller, id, alreadyClaimed(open));
    if (open.state !== "open") return refuse(tx, caller, id, notOpen(open));
    return give(tx, open, actor, leaseSeconds);
  }

  /** A caller that may not read the message hears that alone, as `GET` answers it. */
  async function refuse(on: Reading, caller: Caller, id: number, problem: Problem): Promise<never> {
    await access.requireReadable(on, caller, id);
    throw problem;
  }

  /** The next open work for an agent: urgent first, then oldest. Empty when there is none, or the agent is not ready. */
  async function claimNext(
    tx: Tx,
    caller: Caller,
    agentId: string,
    want: Wanted & { max: number; leaseSeconds: number },
  ) {
    const actor = actingAs(caller, agentId);
    const facts = await agents.requireActor(tx, caller, actor, true);
    const items: Worked[] = [];
    if (!facts.ready) return items;
    const targets = await directory.targetsNow(tx, actor);
    let size = 0;
    while (items.length < want.max && size < PAGE_BYTES) {
      const id = await works.bestOpen(tx, targets, want);
      const found = id === undefined ? undefined : await works.byId(tx, id);
      if (!found) break;
      const work = await leases.overdue(tx, found);
      if (work.state !== "open") continue;
      const given = await give(tx, work, actor, want.leaseSeconds);
      items.push(given);
      size += jsonBytes(given.entry.json);
    }
    return items;
  }

  async function give(tx: Tx, work: WorkRow, actor: string, leaseSeconds: number): Promise<Worked> {
    const now = clock.now();
    await works.claim(tx, work.messageId, actor, now, leaseSeconds);
    const held: WorkRow = {
      ...work,
      state: "claimed",
      holder: actor,
      claimedAt: now,
      dueAt: now + leaseSeconds * 1000,
      leaseSeconds,
      fence: work.fence + 1,
    };
    const { messageId, fence } = held;
    await works.addAttempt(tx, { messageId, fence, agentId: actor, attempt: work.attempts + 1, claimedAt: now });
    await leases.changed(tx, held, work);
    return worked(tx, held);
  }

  async function worked(on: Reading, work: WorkRow): Promise<Worked> {
    const answer = await asItIs(on, work);
    if (work.state === "claimed" && work.dueAt !== null)
      answer.lease = { token: tokenOf(work), attempt: work.attempts + 1, expiresAt: work.dueAt };
    return answer;
  }

  /** For who holds it no more: somebody else's token is not in it. */
  async function asItIs(on: Reading, work: WorkRow): Promise<Worked> {
    const stored = await entryOf(on, work.messageId);
    const answer: Worked = { entry: (await restated.first(on, work, stored)) ?? stored, work };
    const attached = await extras.all(on, work);
    if (attached.length > 0) answer.attached = Object.assign({}, ...attached);
    return answer;
  }

  /** An entry never changes, so the tail's copy is as good as the row. */
  async function entryOf(on: Reading, id: number): Promise<LogEntry> {
    const recent = log.entry(id);
    if (recent) return recent;
    const row = await store.byId(on, id);
    if (!row) throw new Error(`work ${id} has no message`);
    return toLogEntry(row);
  }

  /** @throws Problem 403, 404, 422 */
  async function requireWork(on: Reading, caller: Caller, id: number): Promise<WorkRow> {
    const work = await works.byId(on, id);
    return work ?? refuse(on, caller, id, new Problem("not-claimable", `Message ${id} is not work.`));
  }

  /**
   * The live lease a token names, or the row as it is when this very lease already ended as wanted (`repeated`).
   * @throws Problem 403, 404, 409 claim-lost
   */
  async function requireLease(tx: Tx, caller: Caller, id: number, token: string, outcome?: string) {
    const work = await requireWork(tx, caller, id);
    const fence = fenceOf(token, id);
    const attempt = fence === undefined ? undefined : await works.attempt(tx, id, fence);
    const actor = actingAs(caller, caller.role === "operator" ? attempt?.agentId : undefined);
    await agents.requireActor(tx, caller, actor);
    if (attempt?.agentId !== actor)
      return refuse(
        tx,
        caller,
        id,
        new Problem("claim-lost", `${actor} holds no lease of message ${id} with that token.`),
      );
    if (outcome !== undefined && attempt.outcome === outcome) return { work, actor, attempt, repeated: true };
    const live = work.state === "claimed" && work.fence === fence && (work.dueAt ?? 0) > clock.now();
    if (!live) throw new Problem("claim-lost", `That lease of message ${id} has ended; it is ${work.state}.`);
    return { work, actor, attempt, repeated: false };
  }

  /** `POST /v1/messages/{id}/renew`: a report of progress goes to the sender in the same write. */
  async function renew(tx: Tx, caller: Caller, id: number, body: ParsedRenew): Promise<Worked> {
    const { work } = await requireLease(tx, caller, id, body.token);
    const leaseSeconds = body.leaseSeconds ?? work.leaseSeconds ?? 600;
    const dueAt = clock.now() + leaseSeconds * 1000;
    await works.renew(tx, id, dueAt, leaseSeconds);
    await works.renewAttempt(tx, id, work.fence, clock.now());
    const renewed = { ...work, dueAt, leaseSeconds };
    await leases.changed(tx, renewed, work);
    if (body.progress) await progress.tell(tx, caller, await entryOf(tx, id), renewed, body.progress);
    return worked(tx, renewed);
  }

  /** `POST /v1/messages/{id}/release`: the attempt does not count. */
  async function release(tx: Tx, caller: Caller, id: number, body: Release): Promise<Worked> {
    const { work, repeated } = await requireLease(tx, caller, id, body.token, "released");
    if (repeated) return asItIs(tx, work);
    await works.endAttempt(tx, id, work.fence, { at: clock.now(), outcome: "released", error: body.reason ?? null });
    return worked(tx, await leases.reopen(tx, work, { delayMs: (body.delaySeconds ?? 0) * 1000, counts: false }));
  }

  /** `POST /v1/messages/{id}/fail`: the attempt counts; the last one makes a dead letter. */
  async function fail(tx: Tx, caller: Caller, id: number, body: Fail): Promise<Worked> {
    const { work, repeated } = await requireLease(tx, caller, id, body.token, "failed");
    if (repeated) return asItIs(tx, work);
    await reported.raise(tx, work, { failed: body });
    const error = errorOf(body);
    await works.endAttempt(tx, id, work.fence, { at: clock.now(), outcome: "failed", error });
    const { failure, code } = body;
    if (body.final || failure === "permanent" || failure === "ambiguous")
      return worked(tx, await leases.bury(tx, work, error, { failure, code }));
    const delayMs = (body.retryAfterSeconds ?? 0) * 1000;
    return worked(tx, await leases.reopen(tx, work, { delayMs, counts: true, error }));
  }

  /** `POST /v1/messages/{id}/complete`: a result goes to the sender as a `response`, in the same write. */
  async function complete(tx: Tx, caller: Caller, id: number, body: ParsedComplete): Promise<Worked> {
    const { token, result } = body;
    const { work, actor, repeated } = await requireLease(tx, caller, id, token, "completed");
    if (repeated) return asItIs(tx, work);
    if (result) refuseReserved(result, "/result");
    await reported.raise(tx, work, { done: body });
    const resultId = result ? await answer(tx, id, actor, result) : null;
    // A result that was an answer owed has ended the work already.
    const now = resultId === null ? work : await requireWork(tx, caller, id);
    if (now.state !== "claimed") return worked(tx, now);
    await works.endAttempt(tx, id, work.fence, { at: clock.now(), outcome: "completed", resultId });
    return worked(tx, await leases.finish(tx, work, "done"));
  }

  async function answer(tx: Tx, id: number, actor: string, result: Answer): Promise<number | null> {
    const { from } = await entryOf(tx, id);
    const facts = await agents.factsOf(tx, actor);
    const said = { to: from, kind: "response" as const, replyTo: id, ...result };
    const author = { id: actor, kind: facts?.kind ?? "provider", via: null };
    const sent = await sender.post(tx, author, said, { settles: true });
    return sent?.entry.id ?? null;
  }

  /** `POST /v1/messages/{id}/cancel`, by its sender or an operator. Whoever holds it is told. */
  async function cancel(tx: Tx, caller: Caller, id: number): Promise<Worked> {
    const work = await requireWork(tx, caller, id);
    const { from } = await entryOf(tx, id);
    if (caller.role !== "operator") {
      const actor = actingAs(caller);
      await agents.requireActor(tx, caller, actor);
      const problem = new Problem("forbidden", `Only ${from} or an operator may cancel message ${id}.`);
      if (actor !== from) return refuse(tx, caller, id, problem);
    }
    if (work.state === "cancelled") return worked(tx, work);
    if (work.state !== "open" && work.state !== "delayed" && work.state !== "claimed") throw notOpen(work);
    return worked(tx, await leases.end(tx, work, "cancelled"));
  }

  /** `POST /v1/messages/{id}/requeue`: a dead letter is open again, with fresh attempts; the fence goes on rising. */
  async function requeue(tx: Tx, caller: Caller, id: number): Promise<Worked> {
    requireOperator(caller);
    const work = await requireWork(tx, caller, id);
    if (work.state !== "dead") throw new Problem("not-open", `Message ${id} is ${work.state}, not dead.`);
    if (work.expiresAt !== null && work.expiresAt <= clock.now())
      throw new Problem("not-open", `Message ${id} expired at ${toTime(work.expiresAt)}.`);
    return worked(tx, await leases.reopen(tx, { ...work, attempts: 0 }, { delayMs: 0, counts: false }));
  }

  /** Live leases of an agent with their tokens, for that agent alone. @throws Problem 403, 409 */
  async function heldPage<T>(
    on: Reading,
    caller: Caller,
    agentId: string,
    { page = 0, limit }: HeldPage,
    show: (worked: Worked) => T | Promise<T>,
  ) {
    const actor = actingAs(caller, agentId);
    await agents.requireActor(on, caller, actor, true);
    return readPage(
      limit,
      (count, last: WorkRow | undefined) => works.liveLeases(on, actor, clock.now(), last?.messageId ?? page, count),
      async (row): Promise<T> => show(await worked(on, row)),
    );
  }

  return {
    claim,
    claimNext,
    renew,
    release,
    fail,
    complete,
    cancel,
    requeue,
    entryOf,
    requireLease,
    extras,
    restated,
    reported,
    progressTitle: progress.title,
    /** The live lease that a token names. @throws Problem 403, 404, 409 claim-lost, 422 */
    requireHeld: async (tx: Tx, caller: Caller, id: number, token: string): Promise<WorkRow> =>
      (await requireLease(tx, caller, id, token)).work,
    /** The message's work, whoever asks. @throws Problem 404, 422 */
    requireWork,
    /** Releases what was just claimed for somebody who has left meanwhile. */
    async giveBack(tx: Tx, items: readonly Worked[]): Promise<void> {
      for (const { work } of items) {
        const now = await works.byId(tx, work.messageId);
        if (now?.state !== "claimed" || now.fence !== work.fence) continue;
        const error = "its claimer had left";
        await works.endAttempt(tx, work.messageId, work.fence, { at: clock.now(), outcome: "released", error });
        await leases.reopen(tx, now, { delayMs: 0, counts: false });
      }
    },
    heldPage,
    /** First page of an agent's live leases with their tokens, for that agent alone. @throws Problem 403, 409 */
    held: async (on: Reading, caller: Caller, agentId: string): Promise<Worked[]> =>
      (await heldPage(on, caller, agentId, { limit: MAX_HELD }, (one) => one)).items,
  };
}

type Answer = NonNullable<ParsedComplete["result"]>;

/** The fencing token: which lease of which message. It is no secret: the bearer token says who may use it. */
export const tokenOf = (work: WorkRow): string => `clm_${work.messageId}_${work.fence}`;

function fenceOf(token: string, id: number): number | undefined {
  const match = /^clm_(\d{1,15})_(\d{1,9})$/.exec(token);
  return match && Number(match[1]) === id ? Number(match[2]) : undefined;
}

/** `ambiguous (timeout): no answer within 10 s` */
function errorOf({ error, failure, code }: Fail): string {
  if (!failure && !code) return error;
  const what = failure && code ? `${failure} (${code})` : (failure ?? code);
  return `${what}: ${error}`;
}

const notATarget = (work: WorkRow, actor: string): Problem =>
  new Problem("not-a-target", `Message ${work.messageId} is for ${work.target}, which ${actor} does not belong to.`);

function alreadyClaimed({ holder, dueAt }: WorkRow): Problem {
  const expiresAt = toTime(dueAt ?? 0);
  return new Problem("already-claimed", `${holder} holds it until ${expiresAt}.`, {
    claimedBy: holder ?? "",
    expiresAt,
  });
}

function notOpen(work: WorkRow): Problem {
  return new Problem("not-open", `Message ${work.messageId} is ${work.state}.`);
}

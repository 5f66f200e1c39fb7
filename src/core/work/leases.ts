import type { Tx } from "../../kernel/db/database.ts";
import { deadlines } from "../../kernel/due/source.ts";
import type { Base } from "../base.ts";
import type { Sender } from "../messages/send.ts";
import { attemptEnd, lapse, type Outcome, type Reason } from "./outcome.ts";
import type { ParkedClaimers } from "./parked.ts";
import type { WorkMove, WorkRow } from "./row.ts";

/** After an absence of the relay, no lease ends sooner than this: workers that kept working have time to say so. */
export const LEASE_GRACE_MS = 30_000;

export type Leases = ReturnType<typeof createLeases>;

/** The states of work: how a lease ends, and how work opens, waits and expires. */
export function createLeases(base: Base, sender: Sender, parked: ParkedClaimers) {
  const { clock, due, headOf, hooks } = base.kernel;
  const { messages: store, work: works } = base.rows;
  /** Work went from one state or lease to another, or its lease was renewed. */
  const moved = hooks.event<[work: WorkRow, before: WorkRow]>("work.moved");
  /** True when another area tells the sender that its work died or expired. */
  const told = hooks.question<[work: WorkRow], true>("work.told");

  async function move(tx: Tx, work: WorkRow, to: WorkMove): Promise<WorkRow> {
    const endedUpTo = to.endedAt == null ? null : headOf(tx);
    const row = await works.move(tx, work, { ...to, endedUpTo });
    const reacting = changed(tx, row, work);
    if (reacting) await reacting;
    return row;
  }

  /** Tells the areas above about a move in this write, and the timer after the commit. */
  function changed(tx: Tx, work: WorkRow, before: WorkRow): Promise<void> | undefined {
    const { dueAt } = work;
    if (dueAt !== null) tx.afterCommit(() => due.notice(dueAt));
    return moved.raise(tx, work, before);
  }

  /** Ends the attempt, if the work is held, and moves the work to the state that follows from the outcome. */
  async function end(tx: Tx, work: WorkRow, outcome: Outcome): Promise<WorkRow> {
    if (outcome.as === "completed") {
      const completed = { by: work.holder, resultId: outcome.resultId };
      return move(tx, work, { state: "done", endedAt: clock.now(), completed });
    }
    if (work.state === "claimed") await works.endAttempt(tx, work, { at: clock.now(), ...attemptEnd(work, outcome) });
    switch (outcome.as) {
      case "failed":
        return fail(tx, work, outcome);
      case "released":
        return reopen(tx, work, outcome);
      case "expired":
        return fail(tx, work, { error: lapse(work, outcome.as) });
      case "abandoned":
        return abandon(tx, work);
      case "overtaken":
        return overtake(tx, work, outcome.state, outcome.why);
    }
  }

  /** The attempt counts; the last one makes a dead letter. */
  async function fail(tx: Tx, work: WorkRow, { error, final = false, delayMs, failure, code }: Failure) {
    const attempts = work.attempts + 1;
    if (final) return bury(tx, work, error, { failure, code });
    if (attempts >= work.maxAttempts) return bury(tx, work, error);
    return reopen(tx, { ...work, attempts }, { delayMs, error });
  }

  function abandon(tx: Tx, work: WorkRow): Promise<WorkRow> {
    const attempts = Math.min(work.attempts + 1, work.maxAttempts - 1);
    return reopen(tx, { ...work, attempts }, { error: lapse(work, "abandoned") });
  }

  async function overtake(tx: Tx, work: WorkRow, state: keyof typeof OVER, why?: string): Promise<WorkRow> {
    if (work.state === "claimed" && work.holder !== null)
      await sender.tell(tx, work.holder, {
        subject: `Work ${work.messageId} is ${state}`,
        body: `Message ${work.messageId}, which you hold, ${OVER[state]}${why ? `: ${why}` : "."}`,
        payload: { messageId: work.messageId, state },
      });
    if (state === "dead") return bury(tx, work, why ?? "given up");
    return move(tx, work, { state, error: why ?? work.error, endedAt: clock.now() });
  }

  /** Opens work for every claimer, at once or after a delay; expires it when its time is over. */
  async function reopen(tx: Tx, work: WorkRow, { delayMs = 0, error = work.error }: Reopen = {}): Promise<WorkRow> {
    const now = clock.now();
    const { attempts, expiresAt } = work;
    if (expiresAt !== null && expiresAt <= now) return expire(tx, work);
    if (delayMs > 0) {
      const dueAt = Math.min(now + delayMs, expiresAt ?? Number.POSITIVE_INFINITY);
      return move(tx, work, { state: "delayed", dueAt, delaySeconds: Math.ceil(delayMs / 1000), attempts, error });
    }
    const open = await move(tx, work, { state: "open", dueAt: expiresAt, attempts, error });
    tx.afterCommit(() => parked.openedAgain(open));
    return open;
  }

  /** Makes a dead letter: kept for the operator, and the sender is told. */
  async function bury(tx: Tx, work: WorkRow, error: string, reason: Reason = {}): Promise<WorkRow> {
    const attempts = Math.min(work.attempts + 1, work.maxAttempts);
    const dead = await move(tx, work, { state: "dead", attempts, error, endedAt: clock.now() });
    await tellSender(tx, dead, `is a dead letter after ${attempts} of ${work.maxAttempts} attempts: ${error}`, reason);
    return dead;
  }

  async function expire(tx: Tx, work: WorkRow): Promise<WorkRow> {
    const expired = await move(tx, work, { state: "expired", attempts: work.attempts, endedAt: clock.now() });
    await tellSender(tx, expired, "expired before anybody finished it");
    return expired;
  }

  async function tellSender(tx: Tx, work: WorkRow, what: string, reason: Reason = {}): Promise<void> {
    const row = await store.lineage(tx, work.messageId);
    // A notice about work that the relay itself sent could go on for ever.
    if (!row || row.fromId === "system") return;
    if (await told.first(tx, work)) return;
    await sender.tell(tx, row.fromId, {
      subject: `Work ${work.messageId} is ${work.state}`,
      body: `Message ${work.messageId} to ${work.target} ${what}.`.slice(0, 4096),
      replyTo: work.messageId,
      payload: { messageId: work.messageId, state: work.state, ...reason },
    });
  }

  const isOverdue = ({ dueAt }: WorkRow): boolean => dueAt !== null && dueAt <= clock.now();

  /** Does to a row whatever is overdue: ends its lease, expires it, or ends its delay. */
  async function overdue(tx: Tx, work: WorkRow): Promise<WorkRow> {
    if (!isOverdue(work)) return work;
    if (work.state === "claimed") return end(tx, work, { as: "expired" });
    if (work.state === "open") return expire(tx, work);
    return work.state === "delayed" ? reopen(tx, work) : work;
  }

  const source = deadlines("work", works, overdue);

  return {
    source,
    end,
    reopen,
    isOverdue,
    overdue,
    changed,
    /** Withholds open work until `reopen`: no agent can claim it meanwhile, but its time may run out. */
    hold: (tx: Tx, work: WorkRow): Promise<WorkRow> =>
      move(tx, work, { state: "delayed", dueAt: work.expiresAt, attempts: work.attempts }),
    /** Gives holders time to report after an absence of the relay. After the clock was set back, no work waits longer than asked. */
    async giveGrace(tx: Tx, now: number): Promise<void> {
      await works.shorten(tx, now);
      await works.extendLeases(tx, now + LEASE_GRACE_MS);
    },
    moved,
    told,
  };
}

const OVER = { done: "is done already", dead: "was given up", cancelled: "was cancelled" } as const;

type Failure = { error: string; final?: boolean | undefined } & Reopen & Reason;

interface Reopen {
  delayMs?: number | undefined;
  error?: string | null | undefined;
}

import type { Tx } from "../../kernel/db/database.ts";
import type { DueSource } from "../../kernel/due/due.ts";
import type { Base } from "../base.ts";
import type { Sender } from "../messages/send.ts";
import type { ParkedClaimers } from "./parked.ts";
import type { WorkMove, WorkRow } from "./row.ts";

/** After an absence of the relay, no lease ends sooner than this: workers that kept working have time to say so. */
export const LEASE_GRACE_MS = 30_000;

export type Leases = ReturnType<typeof createLeases>;

/** What happens to work: each way a state ends, written once, whoever asks for it. */
export function createLeases(base: Base, sender: Sender, parked: ParkedClaimers) {
  const { clock, due, headOf, hooks } = base.kernel;
  const { messages: store, work: works } = base.rows;
  /** Work went from one state or lease to another, or its lease was renewed. */
  const moved = hooks.event<[work: WorkRow, before: WorkRow]>("work.moved");
  /** True when another area tells the sender that its work died or expired. */
  const told = hooks.question<[work: WorkRow], true>("work.told");

  async function move(tx: Tx, work: WorkRow, to: WorkMove): Promise<WorkRow> {
    const endedUpTo = to.endedAt == null ? null : headOf(tx);
    await works.move(tx, work, { ...to, endedUpTo });
    const row: WorkRow = {
      ...work,
      state: to.state,
      dueAt: to.dueAt ?? null,
      attempts: to.attempts ?? work.attempts,
      error: to.error ?? work.error,
      endedAt: to.endedAt ?? null,
      endedUpTo,
      holder: null,
      claimedAt: null,
    };
    await changed(tx, row, work);
    return row;
  }

  /** Tells who stands above what became of the work, in this write; and everybody else, and the timer, after the commit. */
  async function changed(tx: Tx, work: WorkRow, before: WorkRow): Promise<void> {
    const { dueAt } = work;
    if (dueAt !== null) tx.afterCommit(() => due.notice(dueAt));
    await moved.raise(tx, work, before);
  }

  /** Back to everybody who may claim it, at once or after a delay; or dead, when its attempts are used up. */
  async function reopen(tx: Tx, work: WorkRow, how: Reopen): Promise<WorkRow> {
    const now = clock.now();
    const attempts = work.attempts + (how.counts ? 1 : 0);
    const error = how.error ?? work.error;
    if (how.counts && attempts >= work.maxAttempts) return bury(tx, work, error ?? "all attempts are used up");
    if (work.expiresAt !== null && work.expiresAt <= now) return expire(tx, { ...work, attempts });
    if (how.delayMs > 0) {
      const openAt = now + how.delayMs;
      const dueAt = work.expiresAt === null ? openAt : Math.min(openAt, work.expiresAt);
      return move(tx, work, { state: "delayed", dueAt, attempts, error });
    }
    const open = await move(tx, work, { state: "open", dueAt: work.expiresAt, attempts, error });
    tx.afterCommit(() => parked.openedAgain(open));
    return open;
  }

  /** A dead letter: kept for the operator, and the sender is told. */
  async function bury(tx: Tx, work: WorkRow, error: string, how: Failing = {}): Promise<WorkRow> {
    const attempts = Math.min(work.attempts + 1, work.maxAttempts);
    const dead = await move(tx, work, { state: "dead", attempts, error, endedAt: clock.now() });
    await tellSender(tx, dead, `is a dead letter after ${attempts} of ${work.maxAttempts} attempts: ${error}`, how);
    return dead;
  }

  async function expire(tx: Tx, work: WorkRow): Promise<WorkRow> {
    const expired = await move(tx, work, { state: "expired", attempts: work.attempts, endedAt: clock.now() });
    await tellSender(tx, expired, "expired before anybody finished it");
    return expired;
  }

  async function tellSender(tx: Tx, work: WorkRow, what: string, how: Failing = {}): Promise<void> {
    const row = await store.lineage(tx, work.messageId);
    // Nobody is told about what the relay itself said: that could go on for ever.
    if (!row || row.fromId === "system") return;
    if (await told.first(tx, work)) return;
    await sender.tell(tx, row.fromId, {
      subject: `Work ${work.messageId} is ${work.state}`,
      body: `Message ${work.messageId} to ${work.target} ${what}.`.slice(0, 4096),
      replyTo: work.messageId,
      payload: { messageId: work.messageId, state: work.state, ...how },
    });
  }

  async function leaseEnded(tx: Tx, work: WorkRow): Promise<WorkRow> {
    const error = `the lease of ${work.holder} ran out`;
    await works.endAttempt(tx, work.messageId, work.fence, { at: clock.now(), outcome: "expired", error });
    return reopen(tx, work, { delayMs: 0, counts: true, error });
  }

  /** Does what is overdue about a row, if anything. */
  async function overdue(tx: Tx, work: WorkRow): Promise<WorkRow> {
    const now = clock.now();
    if (work.dueAt === null || work.dueAt > now) return work;
    if (work.state === "claimed") return leaseEnded(tx, work);
    if (work.state === "open") return expire(tx, work);
    return work.state === "delayed" ? reopen(tx, work, { delayMs: 0, counts: false }) : work;
  }

  const source: DueSource = {
    name: "work",
    next: (on) => works.earliest(on),
    async take(tx, now, limit) {
      const ripe = await works.ripe(tx, now, limit);
      for (const work of ripe) await overdue(tx, work);
      return ripe.length;
    },
  };

  return {
    source,
    reopen,
    bury,
    overdue,
    changed,
    finish: (tx: Tx, work: WorkRow, state: "done"): Promise<WorkRow> => move(tx, work, { state, endedAt: clock.now() }),

    /** Keeps open work back until `reopen`: nobody can claim it meanwhile, but its time may run out. */
    hold: (tx: Tx, work: WorkRow): Promise<WorkRow> =>
      move(tx, work, { state: "delayed", dueAt: work.expiresAt, attempts: work.attempts }),

    /** Ended by somebody who does not hold it (taken back, done already, given up); whoever does is told. */
    async end(tx: Tx, work: WorkRow, state: "done" | "dead" | "cancelled", why?: string): Promise<WorkRow> {
      if (work.state === "claimed" && work.holder !== null) {
        await works.endAttempt(tx, work.messageId, work.fence, { at: clock.now(), outcome: "cancelled" });
        await sender.tell(tx, work.holder, {
          subject: `Work ${work.messageId} is ${state}`,
          body: `Message ${work.messageId}, which you hold, ${OVER[state]}${why ? `: ${why}` : "."}`,
          payload: { messageId: work.messageId, state },
        });
      }
      if (state === "dead") return bury(tx, work, why ?? "given up");
      return move(tx, work, { state, error: why ?? work.error, endedAt: clock.now() });
    },

    /** Open again for the others: its holder was deleted. That alone makes no dead letter. */
    async abandon(tx: Tx, work: WorkRow): Promise<WorkRow> {
      const error = `${work.holder} was deleted`;
      await works.endAttempt(tx, work.messageId, work.fence, { at: clock.now(), outcome: "expired", error });
      return reopen(tx, work, { delayMs: 0, counts: work.attempts + 1 < work.maxAttempts, error });
    },

    /** After an absence of the relay, holders have a grace period to say that they kept working. */
    async giveGrace(tx: Tx, now: number): Promise<void> {
      await works.shortenLeases(tx, now);
      await works.extendLeases(tx, now + LEASE_GRACE_MS);
    },
    moved,
    told,
  };
}

const OVER = { done: "is done already", dead: "was given up", cancelled: "was cancelled" } as const;

/** What its holder said of why it cannot be done. */
interface Failing {
  failure?: string | undefined;
  code?: string | undefined;
}

interface Reopen {
  delayMs: number;
  /** Whether the lease that ends uses up an attempt. */
  counts: boolean;
  error?: string | undefined;
}

import type { Areas } from "../../core/core.ts";
import { type Caller, requireOperator } from "../../identity/auth/caller.ts";
import type { Tx } from "../../kernel/db/database.ts";
import { Problem } from "../../protocol/problem.ts";
import type { SessionLeased } from "../../protocol/sessions.ts";
import { toTime } from "../../protocol/wire.ts";
import { notYours, type SessionAccess } from "./access.ts";
import type { SessionBook } from "./book.ts";
import type { SessionRow } from "./row.ts";

interface Wanted {
  seenDead: boolean;
  force: boolean;
  leaseSeconds: number;
}

/** Leases of native dialogues: one writer for each, on all machines. A lease that ran out is not free. */
export function createSessionLeases({ kernel, identity }: Areas, { access, book }: Parts) {
  const { clock } = kernel;
  const { activity, auth } = identity;

  /** An operator says that nobody writes it: from then on any orchestrator may take it. */
  async function free(tx: Tx, caller: Caller, id: string): Promise<SessionLeased> {
    requireOperator(caller);
    await auth.requireLive(tx, caller);
    const before = await access.require(tx, id);
    const row = await book.save(tx, { ...before, fence: before.fence + 1, leaseUntil: null }, before);
    await activity.record(tx, caller, "session.freed", id, { orchestratorId: row.orchestratorId });
    return { fence: row.fence, expiresAt: toTime(clock.now()) };
  }

  async function take(tx: Tx, before: SessionRow, orchestratorId: string, leaseSeconds: number) {
    const leaseUntil = clock.now() + leaseSeconds * 1000;
    const lease = { fence: before.fence + 1, leaseUntil, leaseSeconds };
    return leased(await book.save(tx, { ...before, ...lease, orchestratorId }, before));
  }

  /** A session of the caller's whose newest lease has this fence. @throws Problem 403, 404, 409 claim-lost */
  async function requireFence(tx: Tx, caller: Caller, id: string, fence: number): Promise<SessionRow> {
    const orchestratorId = await access.requireOrchestrator(tx, caller);
    const row = await access.require(tx, id);
    if (row.fence !== fence) throw lost(row);
    if (row.orchestratorId !== orchestratorId) throw notYours(row);
    return row;
  }

  return {
    /** `POST .../lease`. @throws Problem 403, 404, 409 already-claimed */
    async lease(tx: Tx, caller: Caller, id: string, { seenDead, force, leaseSeconds }: Wanted): Promise<SessionLeased> {
      if (force) return free(tx, caller, id);
      const orchestratorId = await access.requireOrchestrator(tx, caller);
      const row = await access.require(tx, id);
      const isOwn = row.orchestratorId === orchestratorId;
      if (row.leaseUntil !== null && !(isOwn && seenDead)) throw held(row, isOwn);
      return take(tx, row, orchestratorId, leaseSeconds);
    },

    /** `POST .../renew`. @throws Problem 403, 404, 409 claim-lost */
    async renew(tx: Tx, caller: Caller, id: string, { fence, leaseSeconds }: Fenced): Promise<SessionLeased> {
      const row = await requireFence(tx, caller, id, fence);
      if (row.leaseUntil === null) throw lost(row);
      const seconds = leaseSeconds ?? row.leaseSeconds;
      const leaseUntil = clock.now() + seconds * 1000;
      return leased(await book.save(tx, { ...row, leaseUntil, leaseSeconds: seconds }, row));
    },

    /** `POST .../release`. Again: as it is. @throws Problem 403, 404, 409 claim-lost */
    async release(tx: Tx, caller: Caller, id: string, { fence }: Fenced): Promise<SessionRow> {
      const row = await requireFence(tx, caller, id, fence);
      return row.leaseUntil === null ? row : book.save(tx, { ...row, leaseUntil: null }, row);
    },
  };
}

interface Parts {
  access: SessionAccess;
  book: SessionBook;
}

interface Fenced {
  fence: number;
  leaseSeconds?: number | undefined;
}

export type SessionLeases = ReturnType<typeof createSessionLeases>;

const leased = ({ fence, leaseUntil }: SessionRow): SessionLeased => ({ fence, expiresAt: toTime(leaseUntil ?? 0) });

function held({ id, orchestratorId, leaseUntil }: SessionRow, isOwn: boolean): Problem {
  const expiresAt = toTime(leaseUntil ?? 0);
  const next = isOwn
    ? "Say seenDead when you saw its process dead."
    : "It has to release it; or an operator, who knows that nobody writes it, forces it.";
  return new Problem("already-claimed", `Orchestrator ${orchestratorId} holds ${id}. ${next}`, {
    claimedBy: orchestratorId,
    expiresAt,
  });
}

export const lost = ({ id, fence }: SessionRow): Problem =>
  new Problem("claim-lost", `That lease of ${id} has ended; its newest fence is ${fence}.`);

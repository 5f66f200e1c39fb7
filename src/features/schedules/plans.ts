import type { Areas } from "../../core/core.ts";
import type { ScheduledRow } from "../../core/messages/row.ts";
import type { Caller } from "../../identity/auth/caller.ts";
import { createPauses } from "../../kernel/breathe.ts";
import type { ReadTx, Tx } from "../../kernel/db/database.ts";
import { Problem } from "../../protocol/problem.ts";
import type { ParsedSchedulePatch } from "../../protocol/schedules.ts";
import type { Paused } from "../../protocol/tokens.ts";
import { fromTime } from "../../protocol/wire.ts";
import type { Notices } from "./notices.ts";
import { requireNext } from "./times.ts";

/** Most messages that the answer to a revoked token lists; the list of schedules shows all. */
const MAX_LISTED = 1000;

export type Plans = ReturnType<typeof createPlans>;

/** Messages with a `deliverAt`: schedules of one time, which pause and go on as the others do. */
export function createPlans({ kernel, identity, core }: Areas, notices: Notices) {
  const { agents } = identity;
  const { messages } = core;
  const { delayed } = messages;

  /** Stops all that are planned with a token, or for a target. There may be thousands: each owner is told once. */
  async function stop(tx: Tx, of: Parameters<typeof delayed.rows.pause>[1], why: string, how: "disabled" | "paused") {
    const stopped = await delayed.rows.pause(tx, of, why);
    const pause = createPauses();
    for (const { id } of stopped) {
      await notices.record(tx, id, how, why);
      await pause();
    }
    for (const [agentId, [first, ...rest]] of Map.groupBy(stopped, ({ fromId }) => fromId))
      if (first) {
        const also = rest.map(({ id }) => id);
        await notices.tellOwner(tx, { id: first.id, agentId, name: null, target: first.target }, how, why, also);
      }
  }

  return {
    stop,

    /** Plans made with a token, and not sent. */
    async setUpBy(on: ReadTx, tokenId: string): Promise<Paused[]> {
      const rows = await delayed.rows.madeBy(on, tokenId, MAX_LISTED);
      return rows.map(({ id, fromId }) => ({ kind: "schedule" as const, id, agentId: fromId }));
    },

    /** Goes on with a paused one: at its time, or at another. @throws Problem 403, 409, 422 */
    async resume(tx: Tx, caller: Caller, row: ScheduledRow, { enabled, at, ...rest }: ParsedSchedulePatch) {
      const isResume = enabled === true && Object.values(rest).every((value) => value === undefined);
      if (!isResume || row.paused === null || row.error !== null)
        throw new Problem(
          "conflict",
          "A message with a deliverAt can be cancelled, and resumed once paused; not changed.",
        );
      const deliverAt = at === undefined ? row.deliverAt : fromTime(at);
      requireNext({ at: deliverAt, cron: null, timezone: "UTC" }, kernel.clock.now());
      if (row.draft.expiresAt && fromTime(row.draft.expiresAt) <= deliverAt)
        throw Problem.invalid("/at", "is not before its expiresAt");
      const { kind } = await agents.requireActor(tx, caller, row.fromId);
      await agents.requireToken(tx, caller);
      const author = { id: row.fromId, kind, via: row.via, person: row.person };
      const { draft } = await underMessage(() => messages.address(tx, author, row.draft));
      await delayed.resume(tx, row.id, { deliverAt, tokenId: caller.tokenId });
      await messages.planned.raise(tx, draft.payload, deliverAt);
      return { ...row, deliverAt, paused: null };
    },
  };
}

/** Names the place of a problem with the message. */
export async function underMessage<T>(check: () => Promise<T>): Promise<T> {
  try {
    return await check();
  } catch (error) {
    throw error instanceof Problem ? error.under("/message") : error;
  }
}

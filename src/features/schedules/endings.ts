import type { Areas } from "../../core/core.ts";
import type { Slice, Sweep } from "../../core/retention/sweeps.ts";
import { mayActAs, type Principal } from "../../identity/auth/caller.ts";
import { createPauses } from "../../kernel/breathe.ts";
import { DAY_MS } from "../../kernel/clock.ts";
import type { ReadTx, Tx } from "../../kernel/db/database.ts";
import type { Paused } from "../../protocol/tokens.ts";
import { FIRE, type Fires } from "./fires.ts";
import type { Notices } from "./notices.ts";
import type { Plans } from "./plans.ts";
import { MAX_OF_AGENT, scheduleStore as store } from "./store.ts";

/** Time for which a schedule of one time is kept after its end. */
const KEPT_MS = 7 * DAY_MS;
const SLICE = 100;
/** Schedules read when their target is deleted. */
const MAX_OF_TARGET = 5000;

interface Parts {
  fires: Fires;
  plans: Plans;
  notices: Notices;
}

/** Ends of schedules that nobody asked for: their agent or target is deleted, their token ends, their age. */
export function createEndings({ kernel, core }: Areas, { fires, plans, notices }: Parts) {
  const { due } = kernel;
  const { messages } = core;

  async function sweepEnded(tx: Tx, { before, limit }: Slice): Promise<number> {
    const ended = await store.endedBefore(tx, before, limit);
    for (const id of ended) await store.remove(tx, id);
    return ended.length;
  }

  const sweepUnsent = (tx: Tx, { before, limit }: Slice) => messages.delayed.rows.thin(tx, before, limit);

  const sweeps: Sweep[] = [
    { name: "schedules.ended", keepMs: KEPT_MS, limit: SLICE, sweep: sweepEnded },
    { name: "schedules.unsent", keepMs: KEPT_MS, limit: SLICE, sweep: sweepUnsent },
  ];

  return {
    /** Stops schedules whose target is deleted. */
    async dropTarget(tx: Tx, agentId: string): Promise<void> {
      const why = `${agentId}, to whom it sends, was deleted.`;
      const pause = createPauses();
      for (const row of await store.enabledTo(tx, agentId, MAX_OF_TARGET)) {
        await pause();
        if (row.agentId !== agentId) await fires.disable(tx, row, why);
      }
      await plans.stop(tx, { target: agentId }, why, "disabled");
    },

    async dropAgent(tx: Tx, agentId: string): Promise<void> {
      const rows = await store.liveOf(tx, agentId, MAX_OF_AGENT);
      for (const row of rows) await due.cancel(tx, FIRE, row.id);
      await store.removeAllOf(tx, agentId);
      const pause = createPauses();
      for (const row of rows) {
        await pause();
        if (row.enabled) await notices.tellOwner(tx, row, "deleted", `${agentId}, whose it was, was deleted.`);
      }
    },

    /** Pauses schedules of a token that may set them up no more: nothing is sent until the owner resumes them. */
    async pauseOf(tx: Tx, tokenId: string, why: string, left: Principal | null): Promise<void> {
      const pause = createPauses();
      for (const row of await store.madeBy(tx, tokenId)) {
        await pause();
        if (row.endedAt === null && row.enabled && !mayActAs(left, row.agentId))
          await fires.disable(tx, row, why, "paused");
      }
      for (const fromId of await messages.delayed.rows.authorsOf(tx, tokenId))
        if (!mayActAs(left, fromId)) await plans.stop(tx, { tokenId, fromId }, why, "paused");
    },
    /** Schedules that were made with a token and have not ended. */
    async setUpBy(on: ReadTx, tokenId: string): Promise<Paused[]> {
      const rows = (await store.madeBy(on, tokenId)).filter((row) => row.endedAt === null);
      const made = rows.map(({ id, agentId }) => ({ kind: "schedule" as const, id, agentId }));
      return [...made, ...(await plans.setUpBy(on, tokenId))];
    },
    sweeps,
  };
}

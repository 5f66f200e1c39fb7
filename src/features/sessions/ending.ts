import type { Areas } from "../../core/core.ts";
import { agentIdOf, orchestratorIdOf } from "../../identity/orchestrators/ids.ts";
import { createPauses } from "../../kernel/breathe.ts";
import type { Tx } from "../../kernel/db/database.ts";
import type { DueRow } from "../../kernel/due/row.ts";
import type { SessionBook } from "./book.ts";
import type { SessionRow } from "./row.ts";
import { sessionStore as store } from "./store.ts";

const DROP = "session.drop";
/** Sessions ended in one write when their agent or orchestrator is deleted. */
const SLICE = 200;

/** The end of sessions whose agent or orchestrator was deleted. */
export function createSessionEnding({ kernel }: Areas, book: SessionBook) {
  const { clock, due } = kernel;

  async function end(tx: Tx, row: SessionRow, reason: string): Promise<void> {
    const gone = { leaseUntil: null, fence: row.fence + 1, pid: null, runId: null, endedAt: clock.now() };
    await book.save(tx, { ...row, ...gone, state: "dead", reason }, row);
  }

  async function drop(tx: Tx, agentId: string): Promise<void> {
    const own = await store.liveOf(tx, agentId, SLICE);
    const isOrchestrator = agentId === agentIdOf(orchestratorIdOf(agentId));
    const under = isOrchestrator ? await store.liveUnder(tx, orchestratorIdOf(agentId), SLICE) : [];
    const pause = createPauses();
    for (const row of [...own, ...under]) {
      await pause();
      await end(tx, row, `${agentId} was deleted`);
    }
    if (own.length === SLICE || under.length === SLICE) await due.schedule(tx, DROP, agentId, clock.now());
  }

  return {
    dropAgent: drop,
    dueHandlers: { [DROP]: (tx: Tx, { key }: DueRow) => drop(tx, key) },
  };
}

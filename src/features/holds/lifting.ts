import type { Areas } from "../../core/core.ts";
import type { Tx } from "../../kernel/db/database.ts";
import type { DueRow } from "../../kernel/due/row.ts";
import type { Commands } from "../commands/commands.ts";
import type { Runs } from "../runs/runs.ts";
import { holdStore as store } from "./store.ts";

const STEP = "hold.step";
const STEP_MS = 1000;
/** In one step, as many sessions go on, calls that wait are woken, and runners are told again of runs that wait. */
const SESSIONS = 5;
const CALLS = 20;
const RUNS = 20;
const RESUME_SECONDS = 3600;

export type Lifting = ReturnType<typeof createLifting>;

/** After a hold its work begins again in steps, oldest first: all at once would be more than there ever was. */
export function createLifting({ kernel, core, commands, runs }: Areas & { commands: Commands; runs: Runs }) {
  const { clock, due } = kernel;

  async function goOn(tx: Tx, holdId: string): Promise<boolean> {
    const next = await store.unresumed(tx, holdId, SESSIONS);
    for (const orchestratorId of new Set(next.map((session) => session.orchestratorId))) {
      const sessionIds = next.filter((one) => one.orchestratorId === orchestratorId).map((one) => one.sessionId);
      await commands.byRelay(tx, orchestratorId, { do: "resume", holdId, sessionIds }, RESUME_SECONDS);
    }
    await store.resumed(
      tx,
      holdId,
      next.map(({ sessionId }) => sessionId),
    );
    return next.length === SESSIONS;
  }

  /** Wakes some calls that wait for work. Answers the last agent, or null at the end. */
  function wake(tx: Tx, after: string): string | null {
    const waiting = core.inbox.waits.waiting(after, CALLS);
    tx.afterCommit(() => {
      for (const agentId of waiting) core.inbox.waits.nudge(agentId);
    });
    return waiting.length === CALLS ? (waiting.at(-1) ?? null) : null;
  }

  async function step(tx: Tx, { key, data }: DueRow): Promise<void> {
    const { calls, runs: from } = data as { calls: string | null; runs: number | null };
    const isMore = await goOn(tx, key);
    const nextCalls = calls === null ? null : wake(tx, calls);
    const nextRuns = from === null ? null : await runs.remindQueued(tx, from, RUNS);
    if (!isMore && nextCalls === null && nextRuns === null) return;
    await due.schedule(tx, STEP, key, clock.now() + STEP_MS, { calls: nextCalls, runs: nextRuns });
  }

  return {
    begin: (tx: Tx, holdId: string): Promise<void> =>
      due.schedule(tx, STEP, holdId, clock.now(), { calls: "", runs: 0 }),
    dueHandlers: { [STEP]: step },
  };
}

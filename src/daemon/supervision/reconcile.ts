import type { TurnRow } from "../journal/turns.ts";
import { goOn } from "../recovery.ts";
import type { Services } from "../services.ts";
import type { Turns } from "../turns/turns.ts";

const LOOK_MS = 60_000;

interface Parts {
  turns: Turns;
  offer(turn: TurnRow): void;
  isWaiting(turnId: string): boolean;
  /** Begins processes of kept agents that are missing. */
  keep(): void;
}

/**
 * Compares the open work of the journal with what the daemon does, once a minute, until it ends. Work that nothing works on or waits
 * for goes on. Two looks have to find it, for one hand passes it to another.
 */
export async function reconcile(services: Services, { turns, offer, isWaiting, keep }: Parts): Promise<void> {
  const { journal, time, life, log } = services;
  let before = new Set<string>();

  function takeUp(turn: TurnRow): void {
    log(`Turn ${turn.id} was open, and nothing worked on it`, { state: turn.state, sessionId: turn.sessionId });
    if (turn.state === "ended") void turns.settleStored(turn);
    else goOn(services, turns, turn, offer);
  }

  while (!life.aborted) {
    await time.sleep(LOOK_MS, life).catch(() => undefined);
    if (life.aborted) return;
    const lost = journal.turns.open().filter(({ id }) => !turns.isOwned(id) && !isWaiting(id));
    for (const turn of lost) if (before.has(turn.id)) takeUp(turn);
    before = new Set(lost.map(({ id }) => id));
    keep();
  }
}

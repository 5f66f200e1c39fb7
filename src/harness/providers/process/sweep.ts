import { setTimeout as delay } from "node:timers/promises";
import type { LeftProcess } from "../provider.ts";
import { findMarked, signalProcess } from "./processes.ts";

export interface SweepTimes {
  /** Pause between two looks. */
  roundMs: number;
  /** Time without a marked process after which none is left. */
  quietMs: number;
  /** Longest time to try. */
  limitMs: number;
}

const TIMES: SweepTimes = { roundMs: 200, quietMs: 1_000, limitMs: 15_000 };

const unmarked = ({ pid, startTicks, command }: LeftProcess): LeftProcess => ({ pid, startTicks, command });

/**
 * Kills every process with the marker of a session, until none was seen for a second: one that forks meanwhile is found in a later
 * round. @returns the processes that could not be ended
 */
export async function endMarked(sessionId: string, times: Partial<SweepTimes> = {}): Promise<LeftProcess[]> {
  const { roundMs, quietMs, limitMs } = { ...TIMES, ...times };
  const rounds = Math.ceil(limitMs / roundMs);
  // Rounds are counted, not time: a machine that slept has looked no more often.
  let quiet = 0;
  let left: LeftProcess[] = [];
  for (let round = 0; round < rounds && quiet * roundMs <= quietMs; round++) {
    if (round > 0) await delay(roundMs);
    // A look that fails, as where no process can be started, says nothing: the next one counts.
    const found = await findMarked().catch(() => null);
    if (found) left = found.filter((one) => one.sessionId === sessionId).map(unmarked);
    quiet = found && left.length === 0 ? quiet + 1 : 0;
    for (const one of left) await signalProcess(one, "SIGKILL");
  }
  return left;
}

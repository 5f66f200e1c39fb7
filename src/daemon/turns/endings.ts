import type { Services } from "../services.ts";
import type { Crashes } from "./crashes.ts";
import type { Ears } from "./ears.ts";
import { type Ending, endOfExit, endOfResult } from "./end.ts";
import type { OwnTurn } from "./own.ts";
import { Paused } from "./running.ts";

export type EndOf = ReturnType<typeof createEndOf>;

/**
 * End of one conversation of a turn that goes on: at a cap, because it was stuck, or in another session. It is never stored.
 */
export const KEPT: Ending = { outcome: "error", errorCode: "refused", text: "" };

export const stoppedBy = (reason: string): Ending => ({ outcome: "aborted", text: "", reason });

/** End of a turn that somebody stopped, or that may not do what it needs. */
export function stopped({ refusal }: OwnTurn, reason: string, end: Ending): Ending {
  if (refusal === undefined) return { ...end, outcome: "aborted", reason };
  return { outcome: "error", errorCode: "refused", error: refusal, text: end.text };
}

/** Waits for the end of what a CLI was given, and tells how it ended. */
export function createEndOf({ life }: Services, crashes: Crashes) {
  /** First of result and exit. A result that came before a hold, a cap or a restart has ended the process counts. */
  return async function endOf(own: OwnTurn, { ended, exited }: Pick<Ears, "ended" | "exited">): Promise<Ending> {
    const won = await Promise.race([ended, exited]);
    life.throwIfAborted();
    const isOk = "outcome" in won && won.outcome === "ok";
    if (own.isPaused && !isOk) throw new Paused();
    const reason = own.stopReason;
    const goesOn = own.isKept || own.isRestarting;
    if (goesOn && reason === undefined && !isOk) return KEPT;
    Object.assign(own, { isKept: false, isRestarting: false });
    if ("outcome" in won) return reason === undefined ? endOfResult(won) : stopped(own, reason, endOfResult(won));
    own.hasCrashed = reason === undefined;
    if (own.hasCrashed) crashes.note(own.turn);
    return reason === undefined ? endOfExit(won) : stopped(own, reason, stoppedBy(reason));
  };
}

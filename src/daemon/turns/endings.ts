import type { Services } from "../services.ts";
import type { Crashes } from "./crashes.ts";
import type { Ears } from "./ears.ts";
import { type Ending, endOfExit, endOfResult } from "./end.ts";
import type { OwnTurn } from "./own.ts";
import { Paused } from "./running.ts";

export type EndOf = ReturnType<typeof createEndOf>;

/** Waits for the end of what a CLI was given, and tells how it ended. */
/** End of a turn that a cap keeps. It is never stored. */
export const KEPT: Ending = { outcome: "error", errorCode: "refused", text: "" };

export const stoppedBy = (reason: string): Ending => ({ outcome: "aborted", text: "", reason });

export function createEndOf({ life }: Services, crashes: Crashes) {
  /** First of result and exit. A result that came before a cap has ended the process counts. */
  return async function endOf(own: OwnTurn, { ended, exited }: Ears): Promise<Ending> {
    const won = await Promise.race([ended, exited]);
    life.throwIfAborted();
    if (own.isPaused) throw new Paused();
    const reason = own.stopReason;
    const isResult = "outcome" in won;
    if (own.isKept && reason === undefined && !(isResult && won.outcome === "ok")) return KEPT;
    own.isKept = false;
    if (isResult) return reason === undefined ? endOfResult(won) : { ...endOfResult(won), outcome: "aborted", reason };
    own.hasCrashed = reason === undefined;
    if (own.hasCrashed) crashes.note(own.turn);
    return reason === undefined ? endOfExit(won) : stoppedBy(reason);
  };
}

import { RelayProblem } from "../../client/errors.ts";
import type { Services } from "../services.ts";

/** Pause before the relay is asked again. */
const AGAIN_MS = 2000;

/**
 * Asks until the relay no longer refuses with one of these codes, for as long as `isWaiting` says so.
 * @throws any other problem, and the reason of the signal
 */
export async function untilTaken<T>(
  { time }: Pick<Services, "time">,
  signal: AbortSignal,
  ask: () => Promise<T>,
  isWaiting: (problem: RelayProblem) => boolean | Promise<boolean>,
): Promise<T> {
  for (;;) {
    try {
      return await ask();
    } catch (error) {
      if (!(error instanceof RelayProblem) || !(await isWaiting(error))) throw error;
    }
    await time.sleep(AGAIN_MS, signal);
  }
}

/** Whether a hold of the relay stands in the way: what is asked for may begin once it is lifted. */
export const isHeld = ({ code }: RelayProblem): boolean => code === "held";

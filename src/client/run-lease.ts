import type { LinkedAbort } from "./abort.ts";
import { createBackoff } from "./backoff.ts";
import type { Caller } from "./caller.ts";
import { mayPass, RunStopped, retryAfterOf } from "./errors.ts";
import type { runVerbs } from "./run-verbs.ts";

/** Services that a turn's lease needs. */
export interface TurnServices {
  readonly caller: Caller;
  readonly verbs: ReturnType<typeof runVerbs>;
  readonly leaseSeconds: number;
}

interface Ends {
  /** Ends with the handle. */
  life: AbortSignal;
  /** Fired when the run was asked to stop. */
  stop: LinkedAbort;
  /** Called when the relay says that the turn is over. */
  lose(cause: unknown): void;
}

/**
 * Renews the lease of a turn after each third of it, until `life` ends. The answer also tells of a stop whose message was missed.
 * A relay that does not answer may be restarting and gives runners time to come back. Never rejects.
 */
export async function keepTurn(
  { caller, verbs, leaseSeconds }: TurnServices,
  { id, token, agentId }: { id: string; token: string; agentId: string },
  { life, stop, lose }: Ends,
): Promise<void> {
  const thirdMs = (leaseSeconds * 1000) / 3;
  const call = { agentId, run: token, signal: life, retries: 0, timeoutMs: Math.max(1_000, Math.min(30_000, thirdMs)) };
  const backoff = createBackoff(caller.timing);
  let waitMs = thirdMs;
  while (!life.aborted) {
    try {
      await caller.timing.sleep(waitMs, life);
      const { status } = await verbs.renew(id, {}, call);
      if (status === "stopping") stop.abort(new RunStopped("The run was asked to stop"));
      backoff.reset();
      waitMs = thirdMs;
    } catch (error) {
      if (life.aborted) return;
      if (!mayPass(error)) return lose(error);
      waitMs = Math.max(retryAfterOf(error), Math.min(thirdMs, backoff.delay()));
    }
  }
}

import type { Claimed } from "../protocol/work.ts";
import type { LinkedAbort } from "./abort.ts";
import { createBackoff } from "./backoff.ts";
import type { claimVerbs } from "./claims.ts";
import { endsAgent, mayPass, retryAfterOf } from "./errors.ts";
import type { Timing } from "./timing.ts";

/** Services that a lease needs. `life` ends when the worker stops; a lease ends it when the agent is superseded. */
export interface LeaseServices {
  readonly verbs: ReturnType<typeof claimVerbs>;
  readonly timing: Timing;
  readonly leaseSeconds: number;
  readonly life: LinkedAbort;
}

/**
 * Renews a lease after a third of it, until `held` ends; ends `held` when the relay reports the lease as lost. A relay that does not
 * answer may be restarting, and gives holders time to come back, so the lease is kept. The rest of a resumed lease is unknown, so it
 * is renewed at once. Never rejects.
 */
export async function keepLease(
  { message, claim }: Claimed,
  held: LinkedAbort,
  services: LeaseServices,
  { resumed }: { resumed?: boolean },
): Promise<void> {
  const { verbs, timing, leaseSeconds, life } = services;
  const thirdMs = (leaseSeconds * 1000) / 3;
  const call = { signal: held.signal, retries: 0, timeoutMs: Math.max(1_000, Math.min(30_000, thirdMs)) };
  const backoff = createBackoff(timing);
  let waitMs = resumed ? 0 : thirdMs;
  while (!held.signal.aborted) {
    try {
      await timing.sleep(waitMs, held.signal);
      await verbs.renew(message.id, { token: claim.token, leaseSeconds }, call);
      backoff.reset();
      waitMs = thirdMs;
    } catch (error) {
      if (endsAgent(error)) life.abort(error);
      if (!mayPass(error)) held.abort(error);
      waitMs = Math.max(retryAfterOf(error), Math.min(thirdMs, backoff.delay()));
    }
  }
}

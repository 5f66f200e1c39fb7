import type { Claimed } from "../protocol/work.ts";
import type { LinkedAbort } from "./abort.ts";
import { createBackoff } from "./backoff.ts";
import { endsAgent, mayPass, retryAfterOf } from "./errors.ts";
import type { Desk } from "./item.ts";

/**
 * Renews at a third of the lease, until `held` ends; ends it when the relay says that the lease is gone. A relay that does not
 * answer takes nothing away: it may be restarting, and it gives holders time to come back after that. How much is left of a
 * resumed lease is not known, so that one is renewed at once. Never rejects.
 */
export async function keepLease(
  { message, claim }: Claimed,
  held: LinkedAbort,
  desk: Desk,
  { resumed }: { resumed?: boolean },
): Promise<void> {
  const { verbs, timing, leaseSeconds, life } = desk;
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

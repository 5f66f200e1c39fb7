import { createBackoff } from "../../client/backoff.ts";
import { mayPass, RelayProblem, retryAfterOf } from "../../client/errors.ts";
import { untilAnswered } from "../../client/until-answered.ts";
import { SESSION_LEASE_SECONDS } from "../../protocol/sessions.ts";
import type { Services } from "../services.ts";

/** A leased session, and the signal that fires when its process has ended. */
interface Leased {
  id: string;
  fence: number;
  signal: AbortSignal;
}

/** Leases of sessions whose processes run. `lost` is called for one that is another's: its process may not write any more. */
export function createSessionLeases(
  { link, time }: Pick<Services, "link" | "time">,
  lost: (id: string, error: unknown) => Promise<void>,
) {
  return {
    /** Renews a lease until its process has ended. */
    async keep({ id, fence, signal }: Leased): Promise<void> {
      const thirdMs = (SESSION_LEASE_SECONDS * 1000) / 3;
      const backoff = createBackoff(time);
      let waitMs = thirdMs;
      while (!signal.aborted) {
        try {
          await time.sleep(waitMs, signal);
          await link.box.sessions.renew(id, { fence }, { signal, retries: 0 });
          backoff.reset();
          waitMs = thirdMs;
        } catch (error) {
          if (signal.aborted) return;
          if (!mayPass(error)) return void lost(id, error);
          waitMs = Math.max(retryAfterOf(error), Math.min(thirdMs, backoff.delay()));
        }
      }
    },
    /** Renews a lease now. Resolves when the relay has answered, and where it is another's, when its process has ended. */
    async check({ id, fence, signal }: Leased): Promise<void> {
      try {
        await untilAnswered(time, () => link.box.sessions.renew(id, { fence }, { signal }), signal);
      } catch (error) {
        if (error instanceof RelayProblem) await lost(id, error);
      }
    },
  };
}

import type { z } from "zod";
import type { Caller } from "../../identity/auth/caller.ts";
import type { ClaimNext } from "../../protocol/work.ts";
import type { Base } from "../base.ts";
import type { Waits } from "../inbox/waits.ts";
import type { Claims } from "./claims.ts";
import type { WorkItem } from "./items.ts";

/** Claims of the next work with a wait, for routes and tools. */
export function createClaimQueue(base: Base, claims: Claims, waits: Waits) {
  const { db } = base.kernel;
  const { directory } = base.identity;
  return {
    /** Empty when there was none in time. @throws Problem 401, 403, 409 */
    async next(
      caller: Caller,
      agentId: string,
      want: z.output<typeof ClaimNext>,
      signal: AbortSignal,
    ): Promise<WorkItem[]> {
      const claim = () => db.write((tx) => claims.claimNext(tx, caller, agentId, want));
      if (want.waitSeconds === 0) return claim();
      const items = await waits.forWork<WorkItem[]>({
        caller,
        agentId,
        targets: () => db.read(async (on) => directory.targetsNow(on, agentId)),
        kinds: want.kinds,
        topics: want.topics,
        waitMs: want.waitSeconds * 1000,
        signal,
        look: claim,
        found: (found) => found.length > 0,
        took: (found, { messageId }) => found.some(({ work }) => work.messageId === messageId),
        stateOf: (work) => db.read((on) => claims.wakeState(on, agentId, work)),
      });
      // The client has left: the items go back, and the attempt does not count.
      if (signal.aborted) await db.write((tx) => claims.giveBack(tx, items));
      return items;
    },
  };
}

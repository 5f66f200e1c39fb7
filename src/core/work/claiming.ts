import type { z } from "zod";
import type { MemberStore } from "../../identity/agents/store-members.ts";
import type { Caller } from "../../identity/auth/caller.ts";
import type { Db } from "../../kernel/db/database.ts";
import type { ClaimNext } from "../../protocol/work.ts";
import type { Waits } from "../inbox/waits.ts";
import type { Claims, Worked } from "./claims.ts";

export interface TakingParts {
  db: Pick<Db, "read" | "write">;
  claims: Claims;
  members: MemberStore;
  waits: Waits;
}

export type Taking = ReturnType<typeof createTaking>;

/** Claiming the next work, with a wait for it, for whoever opens writes: routes and tools. */
export function createTaking({ db, claims, members, waits }: TakingParts) {
  return {
    /** Empty when there was none in time. @throws Problem 401, 403, 409 */
    async next(
      caller: Caller,
      agentId: string,
      want: z.output<typeof ClaimNext>,
      signal: AbortSignal,
    ): Promise<Worked[]> {
      const claim = () => db.write((tx) => claims.claimNext(tx, caller, agentId, want));
      if (want.waitSeconds === 0) return claim();
      const items = await waits.forWork<Worked[]>({
        caller,
        agentId,
        targets: () => db.read((on) => members.targetsNow(on, agentId)),
        kinds: want.kinds,
        topics: want.topics,
        waitMs: want.waitSeconds * 1000,
        signal,
        look: claim,
        found: (found) => found.length > 0,
      });
      // Nobody is there to take them: given back, and the attempt does not count.
      if (signal.aborted) await db.write((tx) => claims.giveBack(tx, items));
      return items;
    },
  };
}

import type { Areas } from "../../core/core.ts";
import type { Runs } from "../../features/runs/runs.ts";
import type { createFollowCounts } from "./follows.ts";
import type { createPresence } from "./presence.ts";

/** Parts that the sockets of pages share. */
export interface Parts extends Areas {
  runs: Runs;
  presence: ReturnType<typeof createPresence>;
  follows: ReturnType<typeof createFollowCounts>;
}

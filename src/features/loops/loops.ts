import type { Areas } from "../../core/core.ts";
import type { MessageRow } from "../../core/messages/row.ts";
import { lateRoutes } from "../../identity/auth/late-routes.ts";
import type { ReadTx } from "../../kernel/db/database.ts";
import type { LoopRule } from "./rule.ts";
import { createLoopService } from "./service.ts";
import type { LoopRow } from "./store.ts";

export type Loops = ReturnType<typeof createLoops>;

/** Pauses of agents that answer each other without end. */
export function createLoops(areas: Areas, rule: LoopRule) {
  const { db } = areas.kernel;
  const service = createLoopService(areas, rule);
  return {
    changed: rule.changed,
    pause: service.pause,
    facts: (on: ReadTx, row: MessageRow) => service.factsOf(on, row.id),
    forget: rule.store.removeOf,
    /** Chains that are paused, newest first. */
    paused: (on: ReadTx, limit: number) => rule.store.page(on, false, undefined, limit),
    /** The pause of the chain that a message began, while it lasts. */
    async pausedAt(on: ReadTx, rootId: string): Promise<LoopRow | undefined> {
      const row = await rule.store.find(on, Number(rootId), "chain");
      return row?.resumedAt === null ? row : undefined;
    },
    routes: lateRoutes(["/v1/loops"], async () => (await import("./routes.ts")).loopRoutes(db, service)),
  };
}

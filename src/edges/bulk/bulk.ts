import type { Sweep } from "../../core/retention/sweeps.ts";
import { lateRoutes } from "../../identity/auth/late-routes.ts";
import { createKinds, type Ground } from "./kinds.ts";
import { createBulkService } from "./service.ts";
import { createBulkSteps } from "./steps.ts";
import { bulkStore } from "./store.ts";

/** One action on everything that a filter matches, worked off in steps. */
export function createBulk(ground: Ground) {
  const kinds = createKinds(ground);
  const steps = createBulkSteps(ground, kinds);
  const service = createBulkService(ground, { kinds, steps });
  return {
    dueHandlers: steps.dueHandlers,
    sweeps: [
      { name: "bulks", limit: 200, sweep: (tx, { before, limit }) => bulkStore.forget(tx, before, limit) },
    ] satisfies Sweep[],
    routes: lateRoutes(["/v1/bulk"], async () => (await import("./routes.ts")).bulkRoutes(ground.kernel.db, service)),
  };
}

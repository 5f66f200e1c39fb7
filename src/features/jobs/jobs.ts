import type { Areas } from "../../core/core.ts";
import type { Sweep } from "../../core/retention/sweeps.ts";
import { lateRoutes } from "../../identity/auth/late-routes.ts";
import { DAY_MS } from "../../kernel/clock.ts";
import type { Tx } from "../../kernel/db/database.ts";
import { createJobReports } from "./reports.ts";
import { createJobService } from "./service.ts";
import { createJobStore } from "./store.ts";

/** Runs deleted in one write: each may have 64 KiB of output. */
const SLICE = 100;

export type Jobs = ReturnType<typeof createJobs>;

/** Cron jobs that agents run themselves. */
export function createJobs(areas: Areas) {
  const { db, clock } = areas.kernel;
  const store = createJobStore();
  const reports = createJobReports(areas, store);
  const service = createJobService(areas, store);

  const sweeps: Sweep[] = [
    { name: "jobs.runs", limit: SLICE, sweep: (tx, { before, limit }) => store.forgetRuns(tx, before, limit) },
    {
      name: "jobs.removed",
      keepMs: DAY_MS,
      limit: SLICE,
      sweep: (tx, { before, limit }) => store.forgetRemoved(tx, before, limit),
    },
  ];

  return {
    /** Removes the jobs of a deleted agent. */
    async dropAgent(tx: Tx, agentId: string): Promise<void> {
      const ids = (await store.ofAgent(tx, agentId)).map(({ id }) => id);
      await store.remove(tx, agentId, ids, clock.now());
    },
    sweeps,
    routes: lateRoutes(["/v1/jobs", "/v1/agents/{id}/jobs"], async () =>
      (await import("./routes.ts")).jobRoutes(db, reports, service),
    ),
  };
}

import { type Route, routesOn } from "../../identity/auth/route.ts";
import type { Db } from "../../kernel/db/database.ts";
import * as api from "../../protocol/jobs.ts";
import type { JobReports } from "./reports.ts";
import type { JobService } from "./service.ts";

/** Cron jobs that agents run themselves: told and reported by them, read and ordered by operators. */
export function jobRoutes(db: Db, reports: JobReports, jobs: JobService): Route[] {
  const { list, change, register, create } = routesOn(db);
  const keyOf = ({ id, jobId }: { id: string; jobId: string }) => ({ agentId: id, id: jobId });
  return [
    change(api.putJobs, (tx, { caller, params, body }) => reports.put(tx, caller, params.id, body)),
    list(api.listAllJobs, (on, { caller, query }) => jobs.listAll(on, caller, query)),
    list(api.listJobs, (on, { caller, params, query }) => jobs.list(on, caller, params.id, query)),
    register(api.reportJobRun, (tx, { caller, params, body }) => reports.report(tx, caller, params, body)),
    list(api.listJobRuns, (on, { caller, params, query }) => jobs.runs(on, caller, keyOf(params), query)),
    create(api.runJob, (tx, { caller, params, idempotencyKey }) =>
      jobs.order(tx, caller, keyOf(params), "run", idempotencyKey),
    ),
    create(api.deleteJob, (tx, { caller, params, idempotencyKey }) =>
      jobs.order(tx, caller, keyOf(params), "delete", idempotencyKey),
    ),
  ];
}

import { z } from "zod";
import { readsAll, requireOperator } from "../../identity/auth/caller.ts";
import { created, ok, type Route, route } from "../../identity/auth/route.ts";
import { Backup, BackupQuery, HealthReport } from "../../protocol/health.ts";
import { Problem } from "../../protocol/problem.ts";
import type { Metrics } from "../metrics/metrics.ts";
import type { HealthService } from "./service.ts";

const tag = "Health";
const TEXT = "text/plain; version=0.0.4";

/** Reports for operators. */
export function healthRoutes(health: HealthService, metrics: Metrics): Route[] {
  return [
    route({
      method: "GET",
      path: "/v1/health",
      operationId: "healthReport",
      summary: "How the relay is: checks, the worst of which is the status",
      tag,
      answers: { 200: { description: "The report, whatever it says.", schema: HealthReport } },
      problems: ["forbidden"],
      run: async ({ caller }) => {
        if (!readsAll(caller)) throw new Problem("forbidden", "Only operators and viewers may read the report.");
        return ok(await health.report());
      },
    }),
    route({
      method: "GET",
      path: "/metrics",
      operationId: "metrics",
      summary: "Prometheus metrics",
      tag,
      answers: { 200: { description: "Text exposition format 0.0.4.", type: TEXT, schema: z.string() } },
      problems: ["forbidden"],
      run: async ({ caller }) => {
        if (!readsAll(caller)) throw new Problem("forbidden", "Only operators and viewers may read metrics.");
        return { status: 200, body: await health.scrape(), headers: { "content-type": metrics.contentType } };
      },
    }),
    route({
      method: "POST",
      path: "/v1/backups",
      operationId: "makeBackup",
      summary: "Make a copy of the database in the data folder",
      tag,
      long: true,
      query: BackupQuery,
      answers: { 201: { description: "Where it is.", schema: Backup } },
      problems: ["forbidden", "conflict"],
      run: async ({ caller, query }) => {
        requireOperator(caller);
        return created(await health.backup(caller, query.keep));
      },
    }),
  ];
}

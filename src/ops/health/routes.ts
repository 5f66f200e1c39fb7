import { readsAll } from "../../identity/auth/caller.ts";
import { ok, type Route, route } from "../../identity/auth/route.ts";
import * as api from "../../protocol/health.ts";
import { Problem } from "../../protocol/problem.ts";
import type { Metrics } from "../metrics/metrics.ts";
import type { HealthService } from "./service.ts";

/** Reports for operators. */
export function healthRoutes(health: HealthService, metrics: Metrics): Route[] {
  return [
    route(api.healthReport, async ({ caller }) => {
      if (!readsAll(caller)) throw new Problem("forbidden", "Only operators, members and viewers may read the report.");
      return ok(await health.report());
    }),
    route(api.metrics, async ({ caller }) => {
      if (!readsAll(caller)) throw new Problem("forbidden", "Only operators, members and viewers may read metrics.");
      return { status: 200, body: await health.scrape(), headers: { "content-type": metrics.contentType } };
    }),
  ];
}

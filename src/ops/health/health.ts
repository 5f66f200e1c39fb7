import { lateRoutes } from "../../identity/auth/late-routes.ts";
import type { Metrics } from "../metrics/metrics.ts";
import { probeRoutes } from "./probes.ts";
import { createHealthService, type HealthAreas, type KeptHours } from "./service.ts";

/** Probes, the health report and metrics. */
export function createHealth(areas: HealthAreas & { metrics: Metrics }, kept: KeptHours) {
  const { metrics } = areas;
  const service = createHealthService(areas, metrics, kept);
  return {
    probes: probeRoutes(service),
    routes: lateRoutes(["/v1/health", "/metrics"], async () =>
      (await import("./routes.ts")).healthRoutes(service, metrics),
    ),
  };
}

import { ok, type Route, route } from "../../identity/auth/route.ts";
import * as api from "../../protocol/health.ts";
import type { HealthService } from "./service.ts";

/** Probes of supervisors and load balancers, answered from the first moment on. */
export function probeRoutes(health: HealthService): Route[] {
  return [route(api.alive, () => ok({ status: "ok" })), route(api.ready, async () => ok(await health.ready()))];
}

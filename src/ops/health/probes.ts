import { z } from "zod";
import { ok, type Route, route } from "../../identity/auth/route.ts";
import type { HealthService } from "./service.ts";

const tag = "Health";
const Alive = z.object({ status: z.literal("ok") });

/** Probes of supervisors and load balancers, answered from the first moment on. */
export function probeRoutes(health: HealthService): Route[] {
  return [
    route({
      method: "GET",
      path: "/healthz",
      operationId: "alive",
      summary: "The process answers",
      tag,
      open: true,
      answers: { 200: { description: "It is alive.", schema: Alive } },
      run: () => ok({ status: "ok" }),
    }),
    route({
      method: "GET",
      path: "/readyz",
      operationId: "ready",
      summary: "The database takes writes",
      tag,
      open: true,
      answers: { 200: { description: "It is ready.", schema: Alive } },
      problems: ["storage-unavailable", "overloaded"],
      run: async () => ok(await health.ready()),
    }),
  ];
}

import type { Kernel } from "../../kernel/kernel.ts";
import { lateRoutes } from "../auth/late-routes.ts";
import { createOrchestratorService, type OrchestratorParts } from "./service.ts";

/** Orchestrators, and the agents they are reached by. */
export function createOrchestrators(kernel: Kernel, parts: OrchestratorParts) {
  const { db } = kernel;
  const service = createOrchestratorService(kernel, parts);
  return {
    keeper: service.keeper,
    followAgent: service.followAgent,
    load: () => db.read((on) => service.load(on)),
    counts: service.counts,
    routes: lateRoutes(["/v1/orchestrators"], async () =>
      (await import("./routes.ts")).orchestratorRoutes(db, service),
    ),
  };
}

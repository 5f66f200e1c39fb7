import type { AgentService } from "../agents/service.ts";
import type { Enrolled } from "../auth/enrolled.ts";
import { lateRoutes } from "../auth/late-routes.ts";
import type { Base } from "../base.ts";
import { createProviderAgents } from "./provider-agents.ts";
import { createOrchestratorService } from "./service.ts";

/** Orchestrators, and the agents they are reached by. */
export function createOrchestrators(base: Base, agents: AgentService, enrolled: Enrolled) {
  const { db } = base.kernel;
  const service = createOrchestratorService(base, agents);
  const providers = createProviderAgents(base, agents, service, enrolled);
  return {
    keeper: service.keeper,
    followAgent: service.followAgent,
    managed: service.managed,
    inProject: service.inProject,
    moving: service.moving,
    isHere: service.isHere,
    isHereIn: service.isHereIn,
    away: service.away,
    prefixOf: service.prefixOf,
    find: service.find,
    ids: service.ids,
    providers,
    load: () => db.read((on) => service.load(on)),
    counts: service.counts,
    routes: lateRoutes(["/v1/orchestrators"], async () =>
      (await import("./routes.ts")).orchestratorRoutes(db, service),
    ),
  };
}

import type { PresenceKeeper } from "../agents/presence.ts";
import type { Db } from "../db/database.ts";
import type { Route } from "../http/call.ts";
import { orchestratorRoutes } from "./routes.ts";
import { createOrchestratorService, type OrchestratorParts } from "./service.ts";

export type Orchestrators = ReturnType<typeof createOrchestrators>;

/** Wires orchestrators to the agents that they are reached by. */
export function createOrchestrators(parts: OrchestratorParts & { db: Db; presence: PresenceKeeper }) {
  const { db, presence } = parts;
  const orchestrators = createOrchestratorService(parts);
  presence.keepBy("orchestrator", orchestrators.keeper);
  return {
    load: () => db.read((on) => orchestrators.load(on)),
    counts: orchestrators.counts,
    routes: (): Route[] => orchestratorRoutes(db, orchestrators),
  };
}

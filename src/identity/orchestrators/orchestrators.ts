import type { Db } from "../../kernel/db/database.ts";
import type { PresenceKeeper } from "../agents/presence.ts";
import { lateRoutes } from "../auth/late-routes.ts";
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
    routes: lateRoutes(["/v1/orchestrators"], async () =>
      (await import("./routes.ts")).orchestratorRoutes(db, orchestrators),
    ),
  };
}

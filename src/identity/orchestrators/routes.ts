import type { Db } from "../../kernel/db/database.ts";
import * as api from "../../protocol/orchestrators.ts";
import { type Route, routesOn } from "../auth/route.ts";
import type { OrchestratorService } from "./service.ts";

/** Registering, finding, draining and deleting orchestrators. */
export function orchestratorRoutes(db: Db, orchestrators: OrchestratorService): Route[] {
  const { get, list, change, register, remove } = routesOn(db);
  return [
    register(api.registerOrchestrator, (tx, { caller, params, body }) =>
      orchestrators.register(tx, caller, params.id, body),
    ),
    list(api.listOrchestrators, (on, { caller, query }) => orchestrators.list(on, caller, query)),
    get(api.getOrchestrator, (on, { caller, params }) => orchestrators.get(on, caller, params.id)),
    change(api.changeOrchestrator, (tx, { caller, params, body }) => orchestrators.patch(tx, caller, params.id, body)),
    remove(api.deleteOrchestrator, (tx, { caller, params }) => orchestrators.remove(tx, caller, params.id)),
    change(api.orchestratorHeartbeat, (tx, { caller, params, body }) =>
      orchestrators.heartbeat(tx, caller, params.id, body),
    ),
  ];
}

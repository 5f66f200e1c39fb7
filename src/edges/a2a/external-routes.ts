import { type Route, routesOn } from "../../identity/auth/route.ts";
import type { Db } from "../../kernel/db/database.ts";
import * as api from "../../protocol/a2a.ts";
import type { ExternalService } from "./external.ts";

/** Agents of other frameworks as members. */
export function externalRoutes(db: Db, external: ExternalService): Route[] {
  const { get, list, change, register } = routesOn(db);
  return [
    register(api.putOutsideAgent, (tx, { caller, params, body }) => external.put(tx, caller, params.id, body)),
    list(api.listOutsideAgents, (on, { caller, query }) => external.list(on, caller, query)),
    get(api.getOutsideAgent, (on, { caller, params }) => external.get(on, caller, params.id)),
    change(api.refreshOutsideAgent, (tx, { caller, params }) => external.refresh(tx, caller, params.id)),
  ];
}

import type { Db } from "../../kernel/db/database.ts";
import * as api from "../../protocol/agents.ts";
import { type Route, routesOn } from "../auth/route.ts";
import type { AgentService } from "./service.ts";

/** Registering, finding, changing and deleting agents. */
export function agentRoutes(db: Db, agents: AgentService): Route[] {
  const { get, list, change, register, remove } = routesOn(db);
  return [
    register(api.registerAgent, (tx, { caller, params, body }) => agents.register(tx, caller, params.id, body)),
    list(api.listAgents, (on, { caller, query }) => agents.list(on, caller, query)),
    get(api.getAgent, (on, { caller, params }) => agents.get(on, caller, params.id)),
    change(api.changeAgent, (tx, { caller, params, body }) => agents.patch(tx, caller, params.id, body)),
    remove(api.deleteAgent, (tx, { caller, params }) => agents.remove(tx, caller, params.id)),
    change(api.restoreAgent, (tx, { caller, params }) => agents.restore(tx, caller, params.id)),
    change(api.heartbeat, (tx, { caller, params, body }) => agents.heartbeat(tx, caller, params.id, body)),
  ];
}

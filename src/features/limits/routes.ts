import { type Route, routesOn } from "../../identity/auth/route.ts";
import type { Db } from "../../kernel/db/database.ts";
import * as api from "../../protocol/sessions.ts";
import type { LimitService } from "./service.ts";

/** Limits that providers have set. */
export function limitRoutes(db: Db, limits: LimitService): Route[] {
  const { list, register, remove } = routesOn(db);
  return [
    list(api.listLimits, (on, { caller, query }) => limits.list(on, caller, query)),
    register(api.putLimit, (tx, { caller, params, body }) => limits.put(tx, caller, params, body)),
    remove(api.deleteLimit, (tx, { caller, params }) => limits.clear(tx, caller, params)),
  ];
}

import { type Route, routesOn } from "../../identity/auth/route.ts";
import type { Db } from "../../kernel/db/database.ts";
import * as api from "../../protocol/views.ts";
import type { ViewService } from "./service.ts";

/** Saved views of the console. */
export function viewRoutes(db: Db, views: ViewService): Route[] {
  const { get, list, register, remove } = routesOn(db);
  return [
    list(api.listViews, (on, { caller, query }) => views.list(on, caller, query)),
    get(api.getView, (on, { caller, params }) => views.get(on, caller, params.name)),
    register(api.putView, (tx, { caller, params, body }) => views.put(tx, caller, params.name, body)),
    remove(api.deleteView, (tx, { caller, params }) => views.remove(tx, caller, params.name)),
  ];
}

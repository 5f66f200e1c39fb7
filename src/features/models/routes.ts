import { type Route, routesOn } from "../../identity/auth/route.ts";
import type { Db } from "../../kernel/db/database.ts";
import * as api from "../../protocol/models.ts";
import type { ModelService } from "./service.ts";

/** Models that agents tell of themselves. */
export function modelRoutes(db: Db, models: ModelService): Route[] {
  const { list, change } = routesOn(db);
  return [
    change(api.putModels, (tx, { caller, params, body }) => models.put(tx, caller, params.id, body)),
    list(api.listModels, (on, { caller, query }) => models.list(on, caller, query)),
  ];
}

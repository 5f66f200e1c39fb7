import { type Route, routesOn } from "../../identity/auth/route.ts";
import type { Db } from "../../kernel/db/database.ts";
import * as api from "../../protocol/holds.ts";
import type { HoldService } from "./service.ts";

/** Holds over everything in a scope. */
export function holdRoutes(db: Db, holds: HoldService): Route[] {
  const { get, list, change, create } = routesOn(db);
  return [
    create(api.createHold, (tx, { caller, body, idempotencyKey }) => holds.create(tx, caller, body, idempotencyKey)),
    list(api.listHolds, (on, { caller, query }) => holds.list(on, caller, query)),
    get(api.getHold, (on, { caller, params }) => holds.get(on, caller, params.id)),
    change(api.liftHold, (tx, { caller, params }) => holds.lift(tx, caller, params.id)),
  ];
}

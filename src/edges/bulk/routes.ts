import { type Route, routesOn } from "../../identity/auth/route.ts";
import type { Db } from "../../kernel/db/database.ts";
import * as api from "../../protocol/bulk.ts";
import type { BulkService } from "./service.ts";

/** Bulk actions. */
export function bulkRoutes(db: Db, bulk: BulkService): Route[] {
  const { get, list, create, change } = routesOn(db);
  return [
    create(api.createBulk, (tx, { caller, body, idempotencyKey }) => bulk.create(tx, caller, body, idempotencyKey)),
    list(api.listBulk, (on, { caller, query }) => bulk.list(on, caller, query)),
    get(api.getBulk, (on, { caller, params }) => bulk.get(on, caller, params.id)),
    change(api.stopBulk, (tx, { caller, params }) => bulk.stop(tx, caller, params.id)),
  ];
}

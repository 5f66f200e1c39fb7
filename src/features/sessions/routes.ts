import { type Route, routesOn } from "../../identity/auth/route.ts";
import type { Db } from "../../kernel/db/database.ts";
import * as api from "../../protocol/sessions.ts";
import type { SessionBook } from "./book.ts";
import type { SessionLeases } from "./leases.ts";
import type { SessionService } from "./service.ts";

interface Parts {
  service: SessionService;
  leases: SessionLeases;
  book: SessionBook;
}

/** Sessions and their leases. */
export function sessionRoutes(db: Db, { service, leases, book }: Parts): Route[] {
  const { get, list, change, register } = routesOn(db);
  return [
    list(api.listSessions, (on, { caller, query }) => service.list(on, caller, query)),
    get(api.getSession, (on, { caller, params }) => service.get(on, caller, params.id)),
    register(api.putSession, (tx, { caller, params, body }) => service.put(tx, caller, params.id, body)),
    change(api.leaseSession, (tx, { caller, params, body }) => leases.lease(tx, caller, params.id, body)),
    change(api.renewSession, (tx, { caller, params, body }) => leases.renew(tx, caller, params.id, body)),
    change(api.releaseSession, async (tx, { caller, params, body }) =>
      book.show(await leases.release(tx, caller, params.id, body)),
    ),
  ];
}

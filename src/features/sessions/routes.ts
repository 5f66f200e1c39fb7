import { type Route, routesOn } from "../../identity/auth/route.ts";
import type { Db } from "../../kernel/db/database.ts";
import * as api from "../../protocol/sessions.ts";
import { listSessionTracks } from "../../protocol/tracks.ts";
import type { SessionBook } from "./book.ts";
import type { SessionLeases } from "./leases.ts";
import type { SessionService } from "./service.ts";
import type { Tracks } from "./tracks.ts";

interface Parts {
  service: SessionService;
  leases: SessionLeases;
  book: SessionBook;
  tracks: Tracks;
}

/** Sessions and their leases. */
export function sessionRoutes(db: Db, { service, leases, book, tracks }: Parts): Route[] {
  const { get, list, change, register } = routesOn(db);
  return [
    list(api.listSessions, (on, { caller, query }) => service.list(on, caller, query)),
    list(listSessionTracks, (on, { caller, query }) => tracks.list(on, caller, query)),
    get(api.getSession, (on, { caller, params }) => service.get(on, caller, params.id)),
    register(api.putSession, (tx, { caller, params, body }) => service.put(tx, caller, params.id, body)),
    change(api.leaseSession, (tx, { caller, params, body }) => leases.lease(tx, caller, params.id, body)),
    change(api.renewSession, (tx, { caller, params, body }) => leases.renew(tx, caller, params.id, body)),
    change(api.releaseSession, async (tx, { caller, params, body }) =>
      book.show(await leases.release(tx, caller, params.id, body), tx),
    ),
  ];
}

import { type Route, routesOn } from "../../identity/auth/route.ts";
import type { Db } from "../../kernel/db/database.ts";
import * as api from "../../protocol/announcements.ts";
import type { AnnouncementService } from "./service.ts";

/** Announcements as their requesters and operators see and handle them. */
export function announcementRoutes(db: Db, announcements: AnnouncementService): Route[] {
  const { list, get, change } = routesOn(db);
  return [
    list(api.listAnnouncements, (on, { caller, query }) => announcements.list(on, caller, query)),
    get(api.getAnnouncement, (on, { caller, params }) => announcements.get(on, caller, params.id)),
    change(api.retryAnnouncement, (tx, { caller, params }) => announcements.retry(tx, caller, params.id)),
    change(api.dismissAnnouncement, (tx, { caller, params }) => announcements.dismiss(tx, caller, params.id)),
  ];
}

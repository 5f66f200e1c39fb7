import * as api from "../protocol/announcements.ts";
import type { Caller, Query } from "./caller.ts";
import type { Call } from "./transport.ts";

/** Verbs on deliveries of finished runs' results. */
export const announcementVerbs = ({ ask }: Caller) => ({
  /** Lists those that the caller may see, newest first. */
  list: (query: Query<typeof api.AnnouncementQuery> = {}, call?: Call) => ask(api.listAnnouncements, { query }, call),

  get: (id: string, call?: Call): Promise<api.Announcement> => ask(api.getAnnouncement, { params: { id } }, call),

  /** Looks up the route of a blocked announcement anew, and sends it. Not repeated, because a repeat would find it sent. */
  retry: (id: string, call?: Call): Promise<api.Announcement> => ask(api.retryAnnouncement, { params: { id } }, call),

  /** Ends an announcement that was not acknowledged; for its requester and operators. */
  dismiss: (id: string, call?: Call): Promise<api.Announcement> =>
    ask(api.dismissAnnouncement, { params: { id } }, call),
});

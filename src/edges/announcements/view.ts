import type { Announcement } from "../../protocol/announcements.ts";
import { toTime, toTimeOrNull } from "../../protocol/wire.ts";
import type { AnnouncementRow } from "./row.ts";

/** An announcement as it goes out. */
export const toAnnouncement = (row: AnnouncementRow): Announcement => ({
  ...{ id: row.id, runId: row.runId, turnId: row.turnId, state: row.state, reason: row.reason, late: row.late },
  requester: JSON.parse(row.requesterJson),
  route: row.route === null ? null : JSON.parse(row.route),
  ...{ messageId: row.messageId, externalIds: JSON.parse(row.externalIds) },
  ...{ createdAt: toTime(row.createdAt), endedAt: toTimeOrNull(row.endedAt) },
});

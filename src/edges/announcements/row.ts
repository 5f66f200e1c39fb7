import type { announcements } from "./tables.ts";

export type AnnouncementRow = typeof announcements.$inferSelect;
